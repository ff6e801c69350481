// screenshot.mjs [FOLDER [STATE...]]: makes docs/page.png, the README's picture of the page; with a
// folder, a picture of every state of it there instead, light and dark and from 360 pixels wide to a
// large screen. After scripts/build.sh wasm (and release, for the native state);
// tests/browser/run.sh installs what it needs.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { bareWeights } from '../tests/browser/model_files.mjs';
import { PROGRAM, SITE, drawDigit, dropFile, launch, open, settle, startProgram, until } from '../tests/browser/page.mjs';

const [folder, ...wanted] = process.argv.slice(2);
const ROOT = path.resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');

const LOOKS = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  narrow: { colorScheme: 'light', viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
  tablet: { colorScheme: 'dark', viewport: { width: 820, height: 1180 }, hasTouch: true },
  wide: { colorScheme: 'light', viewport: { width: 1920, height: 1080 } },
  readme: { colorScheme: 'light', viewport: { width: 1600, height: 860 } },
};

// A file that does not say which network it is.
async function dropWeights(page) {
  const file = `/tmp/mnist-weights-${process.pid}.safetensors`;
  execFileSync(PROGRAM, ['convert', `${ROOT}/models/mnist-cnn.gguf`, file]);
  const weights = bareWeights(fs.readFileSync(file), (name) => `net.${name}`);
  fs.rmSync(file);
  await dropFile(page, 'weights.safetensors', '', weights);
}

const STATES = {
  empty: async () => {},
  drawn: async (page) => drawDigit(page, 3),
  unsure: async (page) => {
    await drawDigit(page, 4);
    await page.click('label[for="view-raw"]');
    await page.click('#undo');
  },
  random: async (page) => {
    await page.click('#random');
    await page.waitForSelector('#tag:not([hidden])');
  },
  kernels: async (page) => {
    await drawDigit(page, 8);
    await page.check('#show-kernels');
  },
  problem: async (page) => {
    await page.setInputFiles('#model-file', { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') });
    await page.waitForSelector('#problem:not([hidden])');
  },
  reading: async (page) => {
    await drawDigit(page, 7);
    await dropWeights(page);
    await until(page, () => document.getElementById('reading-detail').textContent !== '');
  },
  recognised: async (page) => {
    await dropWeights(page);
    await page.waitForSelector('#read:not([hidden])');
    await drawDigit(page, 5);
  },
  native: async (page) => {
    await page.click('label[for="place-server"]');
    await drawDigit(page, 6);
    await until(page, () => document.getElementById('digit').textContent === '6');
  },
  training: async (page) => {
    await page.click('#tab-train');
    await page.click('#train-start');
    await page.waitForTimeout(15_000);
    await page.click('#train-stop');
    await drawDigit(page, 2);
  },
  collecting: async (page) => {
    await page.click('#tab-collect');
    for (const digit of [1, 5, 9]) {
      await drawDigit(page, digit);
      await page.click(`#label-buttons button:nth-child(${digit + 1})`);
    }
  },
  forgotten: async (page) => {
    await STATES.collecting(page);
    await page.click('#forget');
  },
  file: async (page) => {
    await page.goto(`file://${fs.realpathSync(SITE)}/index.html`);
    await page.waitForSelector('#not-started', { state: 'visible' });
  },
};

async function shoot(browser, look, state, file, fullPage) {
  const server = state === 'native' ? await startProgram('draw', '--no-browser') : undefined;
  const { page, close } = await open(browser, { server, deviceScaleFactor: 1, ...LOOKS[look] });
  await STATES[state](page);
  await settle(page);
  await page.waitForTimeout(200);
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: file, fullPage });
  await close();
  await server?.close();
  console.log(file);
}

const browser = await launch();
if (folder) {
  for (const look of Object.keys(LOOKS)) {
    for (const state of wanted.length > 0 ? wanted : Object.keys(STATES)) await shoot(browser, look, state, path.join(folder, `${state}-${look}.png`), true);
  }
} else {
  await shoot(browser, 'readme', 'drawn', path.join(ROOT, 'docs/page.png'), false);
}
await browser.close();
