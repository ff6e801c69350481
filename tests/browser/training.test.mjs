// Training in the page, collecting and fine-tuning.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { after, before, test } from 'node:test';

import { PROGRAM, ROOT, answerOf, chooseModel, drawDigit, dropFile, launch, open, settle, until } from './page.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

async function downloaded(page, selector) {
  const [file] = await Promise.all([page.waitForEvent('download'), page.click(selector)]);
  return { name: file.suggestedFilename(), bytes: fs.readFileSync(await file.path()) };
}

const heldOut = async (page) => Number((await page.textContent('#train-status')).match(/([\d.]+) % of those/)?.[1] ?? 0);

async function trainTo(page, percent) {
  await until(page, (wanted) => {
    const found = document.getElementById('train-status').textContent.match(/([\d.]+) % of those/);
    return found && Number(found[1]) >= wanted;
  }, percent, 300_000);
}

for (const isolated of [false, true]) {
  const kind = isolated ? 'with threads' : 'without threads';
  test(`trains to 95 %, stops, goes on, downloads and reloads, ${kind}`, { timeout: 400_000 }, async () => {
    const { page, problems, close } = await open(browser, { isolated });
    await page.click('#tab-train');
    const start = Date.now();
    await page.click('#train-start');
    await trainTo(page, 95);
    console.log(`95 % after ${(Date.now() - start) / 1000} s ${kind}: ${await page.textContent('#train-status')}`);
    await page.click('#train-stop');
    await until(page, () => document.getElementById('train-stop').textContent === 'Go on');
    const stopped = await page.textContent('#train-status');
    await page.waitForTimeout(500);
    assert.equal(await page.textContent('#train-status'), stopped);
    await page.click('#train-stop');
    await until(page, (before) => document.getElementById('train-status').textContent !== before, stopped);
    await page.click('#train-stop');
    await until(page, () => document.getElementById('train-stop').textContent === 'Go on');

    assert.equal(await page.inputValue('#model'), 'my-mnist-cnn.gguf');
    await drawDigit(page, 0);
    assert.equal(await answerOf(page), '0');
    assert.ok((await heldOut(page)) >= 90);

    const { name, bytes } = await downloaded(page, '#train-download');
    assert.equal(name, 'my-mnist-cnn.gguf');
    await page.reload();
    await page.waitForSelector('html[data-ready]');
    await dropFile(page, name, '', bytes);
    await until(page, () => document.getElementById('facts').textContent.startsWith('my-mnist-cnn'));
    await drawDigit(page, 0);
    assert.equal(await answerOf(page), '0');
    assert.deepEqual(problems, []);
    await close();
  });
}

test('collects drawings, gives them as IDX and learns from them', { timeout: 300_000 }, async () => {
  const { page, problems, close } = await open(browser);
  await page.click('#tab-collect');
  for (const digit of [3, 8]) {
    await drawDigit(page, digit);
    await page.click(`#label-buttons button:nth-child(${digit + 1})`);
    await settle(page);
  }
  assert.equal(await page.locator('#collection li').count(), 2);
  await page.reload();
  await page.waitForSelector('html[data-ready]');
  await page.click('#tab-collect');
  assert.equal(await page.locator('#collection li').count(), 2);
  const images = await downloaded(page, '#download-images');
  assert.equal(images.bytes.length, 16 + 2 * 784);
  assert.deepEqual([...images.bytes.subarray(0, 16)], [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28]);
  const labels = await downloaded(page, '#download-labels');
  assert.deepEqual([...labels.bytes], [0, 0, 8, 1, 0, 0, 0, 2, 3, 8]);
  const folder = fs.mkdtempSync('/tmp/mnist-drawings-');
  for (const { name, bytes } of [images, labels]) fs.writeFileSync(`${folder}/${name}`, bytes);
  const evaluation = execFileSync(PROGRAM, ['eval', `${ROOT}models/digit.gguf`, `${folder}/${images.name}`, `${folder}/${labels.name}`, '--json']);
  fs.rmSync(folder, { recursive: true });
  assert.equal(JSON.parse(evaluation).accuracy, 1);
  await chooseModel(page, 'mnist-cnn');
  await page.click('#fine-tune');
  await trainTo(page, 80);
  await page.click('#train-stop');
  await until(page, () => document.getElementById('train-stop').textContent === 'Go on');
  assert.equal(await page.inputValue('#model'), 'mnist-cnn-tuned.gguf');
  await drawDigit(page, 8);
  assert.equal(await answerOf(page), '8');
  assert.deepEqual(problems, []);
  await close();
});

test('forgets drawings, and brings them back', { timeout: 300_000 }, async () => {
  const { page, problems, close } = await open(browser);
  await page.click('#tab-collect');
  const labels = () => page.locator('#collection li').allTextContents();
  for (const digit of [3, 8, 1]) {
    await drawDigit(page, digit);
    await page.click(`#label-buttons button:nth-child(${digit + 1})`);
  }
  assert.deepEqual(await labels(), ['3', '8', '1']);
  assert.ok(await page.isHidden('#bring-back'));
  await page.click('#collection li:nth-child(2) button');
  assert.deepEqual(await labels(), ['3', '1']);
  await page.focus('#forget');
  await page.keyboard.press('Enter');
  assert.deepEqual(await labels(), []);
  assert.equal(await page.textContent('#bring-back'), 'Bring back 2 forgotten');
  // What is drawn meanwhile stays.
  await drawDigit(page, 5);
  await page.click('#label-buttons button:nth-child(6)');
  await page.focus('#bring-back');
  await page.keyboard.press('Enter');
  assert.deepEqual(await labels(), ['5', '3', '1']);
  await page.click('#bring-back');
  assert.deepEqual(await labels(), ['5', '3', '1', '8']);
  assert.ok(await page.isHidden('#bring-back'));
  await page.reload();
  await page.waitForSelector('html[data-ready]');
  await page.click('#tab-collect');
  assert.deepEqual(await labels(), ['5', '3', '1', '8']);
  const images = await downloaded(page, '#download-images');
  assert.equal(images.bytes.length, 16 + 4 * 784);
  assert.deepEqual(problems, []);
  await close();
});

test('leaves the network that was chosen while another one learns, and none of those trained behind', { timeout: 300_000 }, async () => {
  const { page, problems, close } = await open(browser);
  await page.click('#tab-train');
  await page.selectOption('#train-network', 'mnist-fc');
  await page.click('#train-start');
  await until(page, () => document.getElementById('model').value === 'my-mnist-fc.gguf');
  await chooseModel(page, 'mnist-cnn');
  const before = await heldOut(page);
  await until(page, (old) => !document.getElementById('train-status').textContent.includes(` ${old.toFixed(1)} %`), before);
  assert.equal(await page.inputValue('#model'), 'mnist-cnn');
  assert.match(await page.textContent('#facts'), /^mnist-cnn: /);
  await page.click('#train-start');
  await until(page, () => document.getElementById('model').value === 'my-mnist-fc-2.gguf');
  await page.click('#train-stop');
  await until(page, () => document.getElementById('train-stop').textContent === 'Go on');
  await chooseModel(page, 'my-mnist-fc.gguf');
  assert.deepEqual(problems, []);
  await close();
});
