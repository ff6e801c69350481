// The page, as people use it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';

import { SITE, answerOf, drawDigit, dropFile, launch, open, settle, until } from './page.mjs';

const ROOT = new URL('../../', import.meta.url).pathname;
let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

// A test with a page of its own, which must end without a problem.
function pageTest(name, options, action) {
  test(name, { timeout: 300_000 }, async () => {
    const opened = await open(browser, options);
    try {
      await action(opened.page, opened);
      assert.deepEqual(opened.problems, []);
    } finally {
      await opened.close();
    }
  });
}

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
  for (let i = 0; i < 100; ++i) {
    await page.click('#random');
    await page.waitForSelector('#tag:not([hidden])');
    await settle(page);
    const label = (await page.textContent('#tag')).match(/labelled (\d)/)[1];
    if ((await answerOf(page)) === label) ++right;
  }
  // Some of the digits that the program draws itself are hardly legible.
  const isReal = (await page.textContent('#test-source')).includes('MNIST');
  assert.ok(right >= (isReal ? 97 : 90), `${right} of 100`);
});

pageTest('centring finds a small digit in the corner, raw does not', {}, async (page) => {
  const corner = { left: 0.03, top: 0.03, side: 0.3 };
  await drawDigit(page, 7, corner);
  assert.equal(await answerOf(page), '7');
  const pixels = () => page.evaluate(() => {
    const canvas = document.getElementById('seen');
    const { data } = canvas.getContext('2d').getImageData(0, 0, 28, 28);
    return [...data].filter((_, i) => i % 4 === 0);
  });
  const centred = await pixels();
  await page.click('label[for="view-raw"]');
  await settle(page);
  const raw = await pixels();
  assert.notDeepEqual(raw, centred);
  const lowerHalf = (image) => image.slice(14 * 28).reduce((sum, value) => sum + value, 0);
  assert.equal(lowerHalf(raw), 0);
  assert.ok(lowerHalf(centred) > 1000);
});

pageTest('switches models', {}, async (page) => {
  for (const name of ['mnist-cnn', 'mnist-fc', 'mnist-best']) {
    await page.selectOption('#model', name);
    await until(page, (wanted) => document.getElementById('facts').textContent.startsWith(wanted), name);
    for (const digit of [0, 2, 6]) {
      await drawDigit(page, digit);
      assert.equal(await answerOf(page), String(digit), name);
    }
    const [, time] = (await page.textContent('#timing')).match(/answered in ([\d.]+) ms/);
    console.log(`${name}: ${await page.textContent('#timing')}`);
    if (name === 'mnist-cnn') assert.ok(Number(time) < 5, `${time} ms`);
  }
});

pageTest('opens a dropped model file, and refuses a damaged one', {}, async (page) => {
  const bytes = fs.readFileSync(`${ROOT}models/mnist-cnn.gguf`);
  await dropFile(page, 'mine.gguf', '', bytes);
  await until(page, () => document.getElementById('facts').textContent.startsWith('mine.gguf'));
  assert.equal(await page.inputValue('#model'), 'mine.gguf');
  await drawDigit(page, 5);
  assert.equal(await answerOf(page), '5');
  await dropFile(page, 'broken.gguf', '', bytes.subarray(0, 5000));
  await page.waitForSelector('#problem:not([hidden])');
  assert.match(await page.textContent('#problem'), /broken\.gguf/);
  assert.equal(await page.inputValue('#model'), 'mine.gguf');
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
  assert.match(await page.textContent('#layers .layer p'), /kernels/);
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
});

test('page, scripts and WebAssembly are small', () => {
  for (const engine of ['mnist', 'mnist-threads']) {
    const names = fs.readdirSync(SITE).filter((name) => name.startsWith(`${engine}.`));
    names.push('index.html', 'style.css', 'icon.svg');
    for (const each of fs.readdirSync(`${SITE}/scripts`)) names.push(`scripts/${each}`);
    const sizes = names.map((name) => brotliCompressSync(fs.readFileSync(`${SITE}/${name}`)).length);
    const sum = sizes.reduce((total, size) => total + size, 0);
    console.log(`${engine}: ${sum} bytes with Brotli`);
    assert.ok(sum <= 300_000, `${sum} bytes`);
  }
});
