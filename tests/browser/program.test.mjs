// The page as the program serves it: `mnist draw` and `mnist serve`.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';

import {
  ROOT, SITE, answerOf, chooseModel, drawDigit, launch, open, seenPixels, settle, startProgram, until,
} from './page.mjs';

let browser;
let drawing;
before(async () => {
  browser = await launch();
  drawing = await startProgram('draw', '--no-browser');
});
after(async () => {
  await browser?.close();
  await drawing?.close();
});

// Unlike fetch, this leaves what is compressed as it is. A connection for each: one that is kept may
// be closed by the server, which waits for its next request for some seconds only, just as it comes.
function ask(server, path, headers = {}) {
  return new Promise((resolve, reject) => {
    http.get(new URL(path, server.address), { headers, agent: false }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }));
    }).on('error', reject);
  });
}

// Until the page shows these pixels as what the network sees.
async function untilSeen(page, pixels) {
  await until(page, (wanted) => {
    const { data } = document.getElementById('seen').getContext('2d').getImageData(0, 0, 28, 28);
    return wanted.every((value, i) => value === data[4 * i]);
  }, pixels);
}

const isAnsweredNatively = () => document.getElementById('timing').textContent.includes('native');

async function drawNatively(page, digit) {
  await drawDigit(page, digit);
  await until(page, (wanted) => document.getElementById('digit').textContent === wanted, String(digit));
}

test('mnist draw has the whole page, with the headers that threads need', async () => {
  const page = await ask(drawing, '.', { 'Accept-Encoding': 'gzip' });
  assert.equal(page.headers['content-type'], 'text/html; charset=utf-8');
  assert.equal(page.headers['content-encoding'], 'gzip');
  assert.equal(page.headers['cross-origin-opener-policy'], 'same-origin');
  assert.equal(page.headers['cross-origin-embedder-policy'], 'require-corp');
  assert.match(page.headers['content-security-policy'], /default-src 'none'.*frame-ancestors 'none'/);
  assert.deepEqual(gunzipSync(page.body), fs.readFileSync(`${SITE}/index.html`));
  const types = {
    'scripts/main.js': /^text\/javascript/, 'style.css': /^text\/css/, 'icon.svg': /^image\/svg\+xml/, 'mnist-threads.wasm': /^application\/wasm/,
    'mnist-reader.wasm': /^application\/wasm/, 'models/digit.gguf': /octet-stream/, 'images/source.txt': /^text\/plain/,
  };
  for (const [path, type] of Object.entries(types)) {
    const plain = await ask(drawing, path);
    assert.match(plain.headers['content-type'], type, path);
    assert.equal(plain.headers['content-encoding'], undefined);
    assert.deepEqual(plain.body, fs.readFileSync(`${SITE}/${path}`), path);
    const again = await ask(drawing, path, { 'If-None-Match': plain.headers.etag });
    assert.equal(again.status, 304);
    assert.equal(again.body.length, 0);
  }
  assert.equal((await ask(drawing, '..%2f..%2fetc/passwd')).status, 404);
});

const drawTest = (name, options, action) => {
  test(name, { timeout: 300_000 }, async () => {
    const opened = await open(browser, { server: drawing, ...options });
    try {
      await action(opened.page);
      assert.deepEqual(opened.problems, []);
    } finally {
      await opened.close();
    }
  });
};

drawTest('mnist draw reads digits in the page, with threads', {}, async (page) => {
  assert.match(await page.textContent('#build'), /with threads/);
  for (const digit of [2, 5]) {
    await drawDigit(page, digit);
    assert.equal(await answerOf(page), String(digit));
  }
});

drawTest('mnist draw reads digits by native code as WebAssembly does', {}, async (page) => {
  await drawDigit(page, 7);
  const centred = await seenPixels(page);
  await page.click('label[for="view-raw"]');
  await settle(page);
  const raw = await seenPixels(page);
  await page.click('label[for="place-server"]');
  await until(page, isAnsweredNatively);
  assert.match(await page.textContent('#facts'), /^mnist-best: .* native code/);
  assert.match(await page.textContent('#privacy'), /^The program at 127\.0\.0\.1/);
  assert.deepEqual(await seenPixels(page), raw);
  await page.click('label[for="view-centred"]');
  // The raw drawing may have been taken for a 7, too: what is shown says when the answer has come.
  await untilSeen(page, centred);
  assert.equal(await answerOf(page), '7');
  for (const name of ['mnist-best', 'mnist-cnn', 'mnist-fc']) {
    await chooseModel(page, name);
    for (const digit of [0, 2, 3, 6]) await drawNatively(page, digit);
    assert.ok((await page.locator('#layers .layer').count()) > 2, name);
  }
  console.log(await page.textContent('#timing'));
  await page.click('#random');
  await until(page, () => /labelled/.test(document.getElementById('tag').textContent));
  await page.click('label[for="place-page"]');
  await until(page, () => /^Prepared in .*, answered in/.test(document.getElementById('timing').textContent));
});

drawTest('mnist draw says what a build without WebAssembly lacks, and reads digits', {
  prepare: (page) => page.route('**/scripts/host.js', async (route) => {
    const response = await route.fetch();
    const text = (await response.text()).replace('"has_engine":true', '"has_engine":false').replace('"notice":""', '"notice":"Not all is here."');
    await route.fulfill({ response, body: text });
  }),
}, async (page) => {
  assert.equal(await page.textContent('#notice'), 'Not all is here.');
  for (const id of ['more', 'random', 'open-model', 'place']) assert.ok(await page.locator(`#${id}`).isHidden(), id);
  for (const digit of [1, 4, 9]) await drawNatively(page, digit);
});

test('mnist serve shows its own models on the page', { timeout: 300_000 }, async () => {
  const server = await startProgram('serve', `mine=${ROOT}models/mnist-cnn.gguf`, '--port', '0');
  try {
    const { page, problems, close } = await open(browser, { server });
    assert.equal(await page.inputValue('#model'), 'mnist-best');
    await page.click('label[for="place-server"]');
    await until(page, () => document.getElementById('facts').textContent.startsWith('mine: 9,098'));
    await drawNatively(page, 8);
    assert.ok(await page.locator('#nothing-inside').isVisible());
    await page.click('#server-link');
    await page.waitForURL('**/overview');
    assert.match(await page.textContent('h1'), /mnist serve/);
    assert.deepEqual(problems, []);
    await close();
  } finally {
    await server.close();
  }
});
