// The page, as people use it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';

import { columnsFor } from '../../web/scripts/seeing.js';
import {
  PROGRAM, ROOT, SITE, answerOf, chooseModel, drawDigit, dropFile, launch, open, seenPixels, settle, testPage, until,
} from './page.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const pageTest = (name, options, action) => testPage(() => browser, name, options, action);

for (const isolated of [false, true]) {
  const kind = isolated ? 'with threads' : 'without threads';
  pageTest(`reads each drawn digit, ${kind}`, { isolated }, async (page) => {
    assert.match(await page.textContent('#build'), isolated ? /with threads/ : /without threads/);
    for (let digit = 0; digit < 10; ++digit) {
      await drawDigit(page, digit);
      assert.equal(await answerOf(page), String(digit));
    }
  });
}

pageTest('works below any path', { prefix: '/some/where/' }, async (page) => {
  await drawDigit(page, 3);
  assert.equal(await answerOf(page), '3');
});

pageTest('agrees with the labels of random test digits', {}, async (page) => {
  let right = 0;
  let unsure = 0;
  for (let i = 0; i < 100; ++i) {
    await page.click('#random');
    await page.waitForSelector('#tag:not([hidden])');
    await settle(page);
    const label = (await page.textContent('#tag')).match(/labelled (\d)/)[1];
    if ((await page.textContent('#bars li.first span')) === label) ++right;
    if ((await answerOf(page)) === '?') ++unsure;
  }
  console.log(`${right} of 100 random test digits right, ${unsure} of them not sure`);
  assert.ok(right >= 97, `${right} of 100`);
  assert.ok(unsure <= 10, `${unsure} of 100 not sure`);
});

pageTest('centring finds a small digit in the corner, raw does not', {}, async (page) => {
  const corner = { left: 0.03, top: 0.03, side: 0.3 };
  await drawDigit(page, 7, corner);
  assert.equal(await answerOf(page), '7');
  const centred = await seenPixels(page);
  await page.click('label[for="view-raw"]');
  await settle(page);
  const raw = await seenPixels(page);
  assert.notDeepEqual(raw, centred);
  const lowerHalf = (image) => image.slice(14 * 28).reduce((sum, value) => sum + value, 0);
  assert.equal(lowerHalf(raw), 0);
  assert.ok(lowerHalf(centred) > 1000);
});

pageTest('switches models', {}, async (page) => {
  for (const name of ['mnist-cnn', 'mnist-fc', 'mnist-best']) {
    await chooseModel(page, name);
    for (const digit of [0, 2, 6]) {
      await drawDigit(page, digit);
      assert.equal(await answerOf(page), String(digit), name);
    }
    const [, prepared, time] = (await page.textContent('#timing')).match(/Prepared in ([\d.]+) ms, answered in ([\d.]+) ms/);
    console.log(`${name}: ${await page.textContent('#timing')}`);
    if (name === 'mnist-cnn') assert.ok(Number(time) <= 1, `${time} ms`);
    assert.ok(Number(prepared) + Number(time) <= 16, `${prepared} + ${time} ms`);
  }
});

pageTest('opens dropped model files, and refuses a damaged one', {}, async (page) => {
  const folder = fs.mkdtempSync('/tmp/mnist-page-');
  for (const suffix of ['gguf', 'safetensors', 'json', 'onnx']) {
    const name = `mine.${suffix}`;
    execFileSync(PROGRAM, ['convert', `${ROOT}models/mnist-cnn.gguf`, `${folder}/${name}`]);
    await dropFile(page, name, '', fs.readFileSync(`${folder}/${name}`));
    await until(page, (wanted) => document.getElementById('facts').textContent.startsWith(`${wanted}: 9,098`), name);
    assert.equal(await page.inputValue('#model'), name);
    await drawDigit(page, 5);
    assert.equal(await answerOf(page), '5');
  }
  const bytes = fs.readFileSync(`${folder}/mine.onnx`);
  fs.rmSync(folder, { recursive: true });
  await dropFile(page, 'broken.onnx', '', bytes.subarray(0, 5000));
  await page.waitForSelector('#problem:not([hidden])');
  assert.match(await page.textContent('#problem'), /broken\.onnx: /);
  assert.match(await page.textContent('#facts'), /^mine\.onnx: /);
  assert.equal(await page.inputValue('#model'), 'mine.onnx');
  await chooseModel(page, 'mnist-fc');
  await chooseModel(page, 'mine.onnx');
  await drawDigit(page, 2);
  assert.equal(await answerOf(page), '2');
});

pageTest('reads a dropped PNG, dark on light', {}, async (page) => {
  const png = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(400, 300);
    const context = canvas.getContext('2d');
    context.fillStyle = '#f3efe4';
    context.fillRect(0, 0, 400, 300);
    context.strokeStyle = '#223';
    context.lineWidth = 12;
    context.lineCap = context.lineJoin = 'round';
    context.beginPath();
    for (const [x, y] of [[120, 60], [260, 60], [210, 150], [180, 250]]) context.lineTo(x, y);
    context.stroke();
    const blob = await canvas.convertToBlob({ type: 'image/png' });
    return [...new Uint8Array(await blob.arrayBuffer())];
  });
  await dropFile(page, 'seven.png', 'image/png', Uint8Array.from(png));
  await until(page, () => document.getElementById('digit').textContent !== '');
  assert.equal(await answerOf(page), '7');
  assert.equal(await page.textContent('#tag'), 'seven.png');
  // Some file managers do not say that it is a picture.
  await page.click('#clear');
  await dropFile(page, 'again.PNG', '', Uint8Array.from(png));
  await until(page, () => document.getElementById('digit').textContent === '7');
  assert.equal(await page.textContent('#tag'), 'again.PNG');
});

pageTest('looks inside while drawing', {}, async (page) => {
  await drawDigit(page, 4);
  assert.ok((await page.locator('#layers .layer').count()) > 10);
  const painted = (selector) => page.evaluate((wanted) => {
    const canvas = document.querySelector(wanted);
    return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((value, i) => i % 4 !== 3 && value > 100);
  }, selector);
  assert.ok(await painted('#saliency'));
  assert.ok(await painted('#layers .layer canvas'));
  await page.check('#show-kernels');
  assert.match(await page.textContent('#kernel-list .layer h4'), /^conv1 16 kernels, 1 input$/);
  assert.ok(await painted('#kernel-list .layer canvas'));
  await page.uncheck('#show-kernels');
  assert.ok(await page.isHidden('#kernels'));
});

test('feature maps stand in full rows', () => {
  for (const [count, side] of [[8, 26], [16, 28], [32, 14], [64, 7], [96, 3], [128, 1], [10, 1]]) {
    const columns = columnsFor(count, side, side);
    assert.equal(count % columns, 0, `${count} maps in ${columns} columns`);
    assert.ok(columns >= count / columns, `${count} maps in ${columns} columns`);
  }
  assert.equal(columnsFor(11, 28, 28), 6, 'of a prime number the last row is not full');
});

pageTest('undoes strokes, clearing and pictures', {}, async (page) => {
  await drawDigit(page, 4);
  await page.click('#clear');
  await settle(page);
  assert.equal(await page.textContent('#verdict-text'), 'Draw something.');
  assert.ok(await page.isVisible('#invitation'));
  await page.click('#undo');
  await settle(page);
  assert.equal(await answerOf(page), '4');
  assert.ok(await page.isHidden('#invitation'));
  await page.focus('#sketch');
  await page.keyboard.press('r');
  await page.waitForSelector('#tag:not([hidden])');
  const tag = await page.textContent('#tag');
  await page.keyboard.press('c');
  assert.ok(await page.isHidden('#tag'));
  await page.keyboard.press('z');
  await settle(page);
  assert.equal(await page.textContent('#tag'), tag);
  assert.match(await page.textContent('#verdict-text'), /Right\.|The label says/);
  await page.keyboard.press('z');
  await settle(page);
  assert.equal(await answerOf(page), '4');
});

pageTest('says what else to do with a file that only the program reads', {}, async (page) => {
  await dropFile(page, 'net.pth', '', Buffer.from('PK\x03\x04 and so on'));
  await page.waitForSelector('#problem:not([hidden])');
  assert.match(await page.textContent('#problem'), /net\.pth: .*mnist convert net\.pth mine\.gguf$/);
});

pageTest('draws with the keyboard alone', {}, async (page) => {
  await page.focus('#sketch');
  await page.keyboard.press('Space');
  for (let i = 0; i < 14; ++i) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  await settle(page);
  assert.equal(await answerOf(page), '1');
  assert.match(await page.textContent('#announcement'), /^1\./);
  await page.keyboard.press('z');
  await settle(page);
  assert.equal(await answerOf(page), '');
});

pageTest('fits 360 pixels', { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }, async (page) => {
  for (const tab of ['inside', 'train', 'collect']) {
    await page.click(`#tab-${tab}`);
    await settle(page);
    const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= room, `${tab}: ${wide} of ${room}`);
  }
  await drawDigit(page, 2);
  assert.equal(await answerOf(page), '2');
  // The answer's card is below; the drawing's own says it, too.
  await page.evaluate(() => scrollTo(0, 0));
  assert.match(await page.textContent('#brief'), /^2 · [\d.]+ %$/);
  for (const id of ['brief', 'sketch', 'random']) {
    const box = await page.locator(`#${id}`).boundingBox();
    assert.ok(box && box.y >= 0 && box.y + box.height <= 740, `${id} is in sight`);
  }
});

// From the beginning of loading to an answer that is on the screen, as the page itself sees it.
test('answers soon after loading', { timeout: 300_000 }, async () => {
  const times = [];
  for (let i = 0; i < 3; ++i) {
    const prepare = (page) => page.addInitScript(() => {
      addEventListener('DOMContentLoaded', () => {
        new MutationObserver(() => document.getElementById('random').click()).observe(document.documentElement, { attributeFilter: ['data-ready'] });
        new MutationObserver(() => (window.answered ??= performance.now())).observe(document.getElementById('digit'), { childList: true });
      });
    });
    const { page, close } = await open(browser, { prepare });
    await until(page, () => document.getElementById('digit').textContent !== '');
    times.push(await page.evaluate(() => window.answered));
    await close();
  }
  console.log(`first answers after ${times.map(Math.round).join(', ')} ms`);
  // Of a busy machine, the best.
  assert.ok(Math.min(...times) <= 1000, `${times.join()} ms`);
});

// What one visitor loads, without models and test digits: one of the two engines.
test('page, scripts and WebAssembly are small', () => {
  for (const engine of ['mnist', 'mnist-threads']) {
    const names = fs.readdirSync(SITE).filter((name) => name.startsWith(`${engine}.`));
    names.push('index.html', 'style.css', 'icon.svg');
    for (const each of fs.readdirSync(`${SITE}/scripts`)) names.push(`scripts/${each}`);
    const sum = (compress) => names.reduce((total, name) => total + compress(fs.readFileSync(`${SITE}/${name}`)).length, 0);
    const [gzip, brotli] = [sum((bytes) => gzipSync(bytes, { level: 9 })), sum(brotliCompressSync)];
    console.log(`${engine}: ${gzip} bytes with gzip, ${brotli} with Brotli`);
    assert.ok(gzip <= 300_000, `${gzip} bytes`);
  }
});
