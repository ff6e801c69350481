// Opening model files that do not say all, or lie in several parts; and the page as a file.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { after, before, test } from 'node:test';

import { bareWeights, withExternalData } from './model_files.mjs';
import {
  PROGRAM, ROOT, SITE, answerOf, chooseModel, drawDigit, dropFile, dropFiles, launch, testPage, until,
} from './page.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

const pageTest = (name, options, action) => testPage(() => browser, name, options, action);

function converted(suffix) {
  const folder = fs.mkdtempSync('/tmp/mnist-opening-');
  try {
    execFileSync(PROGRAM, ['convert', `${ROOT}models/mnist-cnn.gguf`, `${folder}/m.${suffix}`]);
    return fs.readFileSync(`${folder}/m.${suffix}`);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

// Names that no architecture of the program has.
const strangeWeights = () => bareWeights(converted('safetensors'), (name) => `net.${name.replace('conv', 'c').replace('dense', 'out')}`);

const opened = (page, name) => until(page, (wanted) => document.getElementById('facts').textContent.startsWith(`${wanted}: `), name);

pageTest('finds the network of weights alone, says how far it is, and lets one choose', {}, async (page) => {
  await page.evaluate(() => {
    window.said = [];
    for (const id of ['reading-text', 'reading-detail']) {
      new MutationObserver(() => window.said.push(document.getElementById(id).textContent))
        .observe(document.getElementById(id), { childList: true });
    }
  });
  const start = Date.now();
  await dropFile(page, 'strange.safetensors', '', strangeWeights());
  await opened(page, 'strange.safetensors');
  console.log(`recognised after ${Date.now() - start} ms`);
  const said = await page.evaluate(() => window.said);
  assert.ok(said.some((words) => /^Which of \d+ networks is strange\.safetensors\?$/.test(words)), said[1]);
  assert.ok(said.some((words) => /^\d+ of \d+ ways to read it tried on \d+ test digits\. The best, with \d+ right: Conv/.test(words)), said.at(-1));
  assert.ok(await page.isHidden('#reading'));
  const [, right] = (await page.textContent('#read-text')).match(/does not say which network it is\. Of \d+ that fit, this one reads (\d+) of 300 test digits:$/);
  assert.ok(Number(right) >= 285, right);
  for (const digit of [0, 3, 7]) {
    await drawDigit(page, digit);
    assert.equal(await answerOf(page), String(digit));
  }
  // Another reading is another network.
  const options = await page.locator('#read-choice option').allTextContents();
  assert.ok(options.length >= 2, options.join());
  assert.match(options[0], /^[\d.]+ % · Conv\S+, pixels \w+$/);
  const layers = () => page.locator('#layers .layer h3').allTextContents();
  const first = await layers();
  for (let i = 1; i < options.length && (await layers()).join() === first.join(); ++i) {
    await page.selectOption('#read-choice', String(i));
    assert.equal(await page.inputValue('#read-choice'), String(i));
  }
  assert.notDeepEqual(await layers(), first);
  // Only where that network answers.
  await chooseModel(page, 'mnist-fc');
  assert.ok(await page.isHidden('#read'));
  await chooseModel(page, 'strange.safetensors');
  assert.ok(await page.isVisible('#read'));
});

// What the reader's WebAssembly waits for.
let letGo;
let held;
const hold = () => (held = new Promise((resolve) => (letGo = resolve)));

for (const width of [1280, 360]) {
  pageTest(`stays usable while it reads a model file, which can be cancelled, ${width} pixels wide`, {
    viewport: { width, height: 740 },
    hold: (name) => (name === 'mnist-reader.wasm' ? held : undefined),
  }, async (page) => {
    hold();
    await chooseModel(page, 'mnist-cnn');
    const weights = strangeWeights();
    await dropFile(page, 'strange.safetensors', '', weights);
    assert.ok(await page.isVisible('#reading'));
    assert.equal(await page.textContent('#reading-text'), 'Reading strange.safetensors…');
    await drawDigit(page, 6);
    assert.equal(await answerOf(page), '6');
    assert.ok(await page.isVisible('#reading'));
    const overlaps = await page.evaluate(() => {
      const [a, b] = ['sketch', 'reading'].map((id) => document.getElementById(id).getBoundingClientRect());
      return a.right > b.left && a.bottom > b.top;
    });
    assert.ok(!overlaps, 'the drawing is covered');
    await page.click('#reading-stop');
    await until(page, () => document.getElementById('reading').hidden);
    letGo();
    assert.match(await page.textContent('#facts'), /^mnist-cnn: /);
    assert.ok(await page.isHidden('#problem'));
    // Of two files the last one counts.
    hold();
    await dropFile(page, 'strange.safetensors', '', weights);
    await dropFile(page, 'other.json', '', converted('json'));
    letGo();
    await opened(page, 'other.json');
    assert.ok(await page.isHidden('#reading'));
    assert.deepEqual(await page.locator('#model option').allTextContents(), ['mnist-best', 'mnist-cnn', 'mnist-fc', 'other.json']);
  });
}

pageTest('says when no way to read weights makes sense of digits', {}, async (page) => {
  const weights = strangeWeights();
  // The same sizes with values that mean nothing.
  const values = new Float32Array(9098).map((_, i) => Math.sin(i * i));
  weights.set(new Uint8Array(values.buffer), weights.length - 4 * 9098);
  await dropFile(page, 'noise.safetensors', '', weights);
  await opened(page, 'noise.safetensors');
  assert.match(await page.textContent('#read-text'), /^noise\.safetensors does not say which network it is, and none of \d+ that fit reads digits:$/);
  assert.ok((await page.locator('#read-choice option').count()) >= 2);
});

pageTest('takes an ONNX model together with its data, and says which file is missing', {}, async (page) => {
  const { model, data } = withExternalData(converted('onnx'), 'net.weights');
  assert.ok(data.length > 30_000, `${data.length} bytes outside`);
  await dropFile(page, 'net.onnx', '', model);
  await page.waitForSelector('#problem:not([hidden])');
  assert.equal(await page.textContent('#problem'), "net.onnx: has weights in a file of their own: 'net.weights' is to be dropped or chosen together with it");
  await dropFiles(page, [{ name: 'net.weights', bytes: data }, { name: 'net.onnx', bytes: model }]);
  await opened(page, 'net.onnx');
  assert.ok(await page.isHidden('#problem'));
  await drawDigit(page, 5);
  assert.equal(await answerOf(page), '5');
  // The same through the button; a file of another name is none of the model's.
  await page.setInputFiles('#model-file', [
    { name: 'again.onnx', mimeType: '', buffer: model }, { name: 'net.weights', mimeType: '', buffer: data },
  ]);
  await opened(page, 'again.onnx');
  await dropFiles(page, [{ name: 'third.onnx', bytes: model }, { name: 'Net.weights', bytes: data }]);
  await page.waitForSelector('#problem:not([hidden])');
  assert.match(await page.textContent('#problem'), /^third\.onnx: .*'net\.weights'/);
  await dropFiles(page, [{ name: 'third.onnx', bytes: model }, { name: 'net.weights', bytes: data.subarray(4) }]);
  await until(page, () => /bytes at \d+ expected, 'net\.weights' has/.test(document.getElementById('problem').textContent));
  for (const name of ['../net.weights', 'a/net.weights', 'C:net.weights', '..']) {
    const outside = withExternalData(converted('onnx'), name);
    await dropFiles(page, [{ name: 'outside.onnx', bytes: outside.model }, { name, bytes: outside.data }]);
    await until(page, (wanted) => document.getElementById('problem').textContent.endsWith(wanted), `external data in '${name}': a plain name beside the model expected`);
  }
  await dropFiles(page, [{ name: 'one.gguf', bytes: data }, { name: 'two.gguf', bytes: data }]);
  await until(page, () => document.getElementById('problem').textContent === '2 files at once: one file expected, or an ONNX model with its data');
  assert.match(await page.textContent('#facts'), /^again\.onnx: /);
});

test('says what it needs where it is opened as a file', { timeout: 120_000 }, async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`file://${fs.realpathSync(SITE)}/index.html`);
  await page.waitForSelector('#not-started', { state: 'visible', timeout: 5_000 });
  assert.match(await page.textContent('#not-started'), /from web servers only: mnist draw is one, and so is python3 -m http\.server/);
  assert.ok(await page.isHidden('main'));
  assert.ok(!(await page.locator('body').innerText()).includes('Loading'));
  await context.close();
});

pageTest('says nothing of that where it has started', {}, async (page) => {
  assert.equal(await page.locator('#not-started').count(), 0);
});
