// make_site.mjs SOURCE SITE: puts the page's sources, models and test digits beside the WebAssembly
// in the folder SITE. The digits are the first of MNIST's test set where MNIST_DATA_DIR names a
// folder with its files, else some that the program draws itself, without those that nobody can read.
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';

import { loadEngine } from './node_engine.mjs';
import { writeImages, writeLabels } from './scripts/idx.js';

const COUNT = 300;
const PAGE = ['index.html', 'style.css', 'icon.svg', 'scripts'];
const MODELS = ['digit.gguf', 'mnist-cnn.gguf', 'mnist-fc.gguf'];
const [source, site] = process.argv.slice(2);

function readData(folder, name) {
  const plain = path.join(folder, name);
  return fs.existsSync(plain) ? fs.readFileSync(plain) : zlib.gunzipSync(fs.readFileSync(`${plain}.gz`));
}

async function testDigits() {
  const folder = process.env.MNIST_DATA_DIR;
  if (folder) {
    return {
      pixels: readData(folder, 't10k-images-idx3-ubyte').subarray(16, 16 + 784 * COUNT),
      labels: readData(folder, 't10k-labels-idx1-ubyte').subarray(8, 8 + COUNT),
      words: 'Test digits: the first of MNIST’s (Y. LeCun, C. Cortes, C. Burges; CC BY-SA 3.0).',
    };
  }
  return drawnDigits();
}

// The program distorts some digits beyond recognition, which is fine for learning and not for
// showing. Two networks say which; the third one, which answers on the page, is not asked.
async function drawnDigits() {
  const engine = await loadEngine(site);
  const drawn = engine.digits(2026, 0, 2 * COUNT);
  const answers = ['mnist-cnn', 'mnist-fc'].map((name) => {
    const network = engine.open(fs.readFileSync(path.join(source, 'models', `${name}.gguf`)), name);
    const logits = network.logits(drawn.pixels);
    return (i) => [...logits.subarray(10 * i, 10 * i + 10)].reduce((best, value, k, row) => (value > row[best] ? k : best), 0);
  });
  const legible = [...drawn.labels.keys()].filter((i) => answers.every((answer) => answer(i) === drawn.labels[i])).slice(0, COUNT);
  const pixels = new Uint8Array(784 * COUNT);
  legible.forEach((from, to) => pixels.set(drawn.pixels.subarray(784 * from, 784 * (from + 1)), 784 * to));
  const words = 'Test digits: drawn by the program itself, without those that mnist-cnn or mnist-fc misreads.';
  return { pixels, labels: Uint8Array.from(legible, (i) => drawn.labels[i]), words };
}

// Visitors load the page without the comments, which are an eighth of it.
function copyPage(name) {
  const from = path.join(source, 'web', name);
  const to = path.join(site, name);
  if (fs.statSync(from).isDirectory()) {
    fs.mkdirSync(to, { recursive: true });
    for (const file of fs.readdirSync(from)) copyPage(path.join(name, file));
  } else {
    fs.writeFileSync(to, fs.readFileSync(from, 'utf8').replace(/^ *\/\/.*\n|^ *\/\*.*\*\/\n/gm, ''));
  }
}

PAGE.forEach(copyPage);
fs.mkdirSync(path.join(site, 'models'), { recursive: true });
for (const name of MODELS) fs.copyFileSync(path.join(source, 'models', name), path.join(site, 'models', name));

const { pixels, labels, words } = await testDigits();
const images = Array.from({ length: COUNT }, (_, i) => pixels.subarray(784 * i, 784 * (i + 1)));
fs.mkdirSync(path.join(site, 'images'), { recursive: true });
fs.writeFileSync(path.join(site, 'images/images-idx3-ubyte'), writeImages(images, 28, 28));
fs.writeFileSync(path.join(site, 'images/labels-idx1-ubyte'), writeLabels(labels));
fs.writeFileSync(path.join(site, 'images/source.txt'), words);
