// A page in a real browser: Debian's Chromium, headless.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';

import { chromium } from 'playwright-core';

import { serve } from './server.mjs';

export const ROOT = new URL('../../', import.meta.url).pathname;
export const SITE = process.env.MNIST_SITE ?? `${ROOT}build/wasm/site`;
export const PROGRAM = process.env.MNIST_PROGRAM ?? `${ROOT}build/release/mnist`;

export async function launch() {
  return chromium.launch({
    executablePath: process.env.MNIST_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
}

// How long a busy machine may take for anything that is not itself measured.
export const PATIENCE = 120_000;

// The program as a server: where it is, and how to end it.
export async function startProgram(...words) {
  const child = spawn(PROGRAM, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve, reject) => {
    child.on('exit', (code, signal) => resolve(code ?? signal));
    child.on('error', reject);
  });
  const printed = new Promise((resolve) => {
    let text = '';
    child.stdout.on('data', (part) => {
      text += part;
      // Not before something follows: a part may end within the address.
      const found = text.match(/(http:\S+)\s/);
      if (found) resolve(found[1]);
    });
  });
  const address = await Promise.race([printed, ended.then((code) => {
    throw new Error(`${words[0]} ended with ${code} before it printed an address`);
  })]);
  const close = () => {
    child.kill('SIGTERM');
    return ended;
  };
  return { address, close };
}

// A ready page, its server and what went wrong in it. `server` is one that runs already, else the
// folder of files is served, with or without the headers for threads. `prepare` may change the page
// before it is loaded.
export async function open(browser, { server: given, prepare, isolated = false, prefix = '/', hold, ...options } = {}) {
  const server = given ?? (await serve(SITE, { isolated, prefix, hold }));
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const problems = [];
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol.startsWith('http') && origin !== new URL(server.address).origin) problems.push(`request to ${request.url()}`);
  });
  await prepare?.(page);
  await page.goto(server.address);
  await page.waitForSelector('html[data-ready]');
  const close = async () => {
    await context.close();
    if (!given) await server.close();
  };
  return { page, problems, close, server };
}

// Strokes of each digit in a box of 100 x 100, as a person would draw them.
export const STROKES = [
  [[[50, 10], [30, 18], [22, 40], [22, 62], [32, 84], [50, 90], [68, 84], [78, 62], [78, 40], [70, 18], [50, 10]]],
  [[[36, 26], [54, 10], [54, 90]]],
  [[[24, 30], [30, 14], [52, 10], [72, 20], [72, 38], [54, 60], [24, 88], [50, 86], [78, 88]]],
  [[[26, 18], [50, 10], [70, 20], [68, 38], [46, 47], [70, 56], [74, 74], [56, 88], [26, 82]]],
  [[[34, 10], [26, 54], [76, 54]], [[64, 22], [60, 90]]],
  [[[72, 12], [36, 12], [32, 44], [54, 42], [72, 54], [72, 74], [56, 88], [28, 84]]],
  [[[66, 10], [42, 26], [28, 54], [30, 78], [48, 90], [66, 80], [68, 64], [52, 54], [34, 62]]],
  [[[24, 14], [76, 14], [58, 48], [46, 90]]],
  [[[66, 20], [48, 10], [34, 22], [42, 40], [64, 56], [68, 76], [50, 90], [32, 78], [38, 58], [62, 40], [68, 24]]],
  [[[68, 28], [52, 12], [34, 22], [34, 40], [50, 48], [66, 38], [68, 24], [68, 54], [62, 90]]],
];

// With pointer events; `box` is the part of the canvas, in shares of its side.
export async function drawDigit(page, digit, part = { left: 0.1, top: 0.1, side: 0.8 }) {
  await page.click('#clear');
  const canvas = page.locator('#sketch');
  await canvas.scrollIntoViewIfNeeded();
  const box = await canvas.boundingBox();
  const at = ([x, y]) => [
    box.x + box.width * (part.left + (part.side * x) / 100),
    box.y + box.height * (part.top + (part.side * y) / 100),
  ];
  for (const stroke of STROKES[digit]) {
    await page.mouse.move(...at(stroke[0]));
    await page.mouse.down();
    for (const place of stroke.slice(1)) await page.mouse.move(...at(place), { steps: 4 });
    await page.mouse.up();
  }
  await settle(page);
}

// Until what was asked for has been shown.
export async function settle(page) {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

// Playwright's own waitForFunction needs 'unsafe-eval', which the page does not allow.
export async function until(page, holds, argument, limit = PATIENCE) {
  const end = Date.now() + limit;
  while (!(await page.evaluate(holds, argument))) {
    if (Date.now() > end) throw new Error(`never came true: ${holds}`);
    await page.waitForTimeout(50);
  }
}

// The 28 x 28 pixels that the page shows as what the network sees.
export const seenPixels = (page) => page.evaluate(() => {
  const canvas = document.getElementById('seen');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return [...data].filter((_, i) => i % 4 === 0);
});

export async function chooseModel(page, name) {
  await page.selectOption('#model', name);
  await until(page, (wanted) => document.getElementById('facts').textContent.startsWith(`${wanted}:`), name);
}

export const answerOf = (page) => page.textContent('#digit');

// `files`: [{name, bytes, type}].
export async function dropFiles(page, files) {
  const texts = files.map(({ name, bytes, type = '' }) => [Buffer.from(bytes).toString('base64'), name, type]);
  const data = await page.evaluateHandle((all) => {
    const transfer = new DataTransfer();
    for (const [text, name, type] of all) {
      const raw = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      transfer.items.add(new File([raw], name, { type }));
    }
    return transfer;
  }, texts);
  await page.dispatchEvent('body', 'drop', { dataTransfer: data });
  await settle(page);
}

export const dropFile = (page, name, type, bytes) => dropFiles(page, [{ name, type, bytes }]);

// A test with a page of its own, which must end without a problem.
export function testPage(browser, name, options, action) {
  test(name, { timeout: 300_000 }, async () => {
    const opened = await open(browser(), options);
    try {
      await action(opened.page, opened);
      assert.deepEqual(opened.problems, []);
    } finally {
      await opened.close();
    }
  });
}
