// The WebAssembly build and the program give the same answers: MNIST_PROGRAM and MNIST_DATA_DIR.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import zlib from 'node:zlib';

import { loadEngine } from '../../web/node_engine.mjs';
import { readFiles } from '../../web/scripts/reader.js';

const ROOT = new URL('../../', import.meta.url).pathname;
const SITE = process.env.MNIST_SITE ?? `${ROOT}build/wasm/site`;
const PROGRAM = process.env.MNIST_PROGRAM ?? `${ROOT}build/release/mnist`;
const DATA = process.env.MNIST_DATA_DIR;
const COUNT = 10_000;
const engine = await loadEngine(SITE);
const reader = await loadEngine(SITE, 'mnist-reader');
const digits = engine.digits(3, 0, 300);
const convert = (bytes, name) => readFiles(reader, [{ bytes, name }], digits).readings[0].file;

function testImages(folder) {
  const name = 't10k-images-idx3-ubyte';
  const plain = path.join(DATA, name);
  const bytes = fs.existsSync(plain) ? fs.readFileSync(plain) : zlib.gunzipSync(fs.readFileSync(`${plain}.gz`));
  fs.writeFileSync(path.join(folder, name), bytes);
  return { file: path.join(folder, name), pixels: bytes.subarray(16) };
}

const largest = (values) => values.indexOf(Math.max(...values));

for (const model of ['digit', 'mnist-cnn', 'mnist-fc']) {
  test(`${model}: classes of 10,000 test images, logits within 1e-4`, { skip: !DATA && 'MNIST_DATA_DIR is not set' }, (t) => {
    const folder = fs.mkdtempSync('/tmp/mnist-agreement-');
    t.after(() => fs.rmSync(folder, { recursive: true }));
    const { file, pixels } = testImages(folder);
    const modelFile = `${ROOT}models/${model}.gguf`;
    const names = Array.from({ length: COUNT }, (_, i) => `${file}:${i}`);
    const output = execFileSync(PROGRAM, ['predict', modelFile, ...names, '--json', '--logits'], { maxBuffer: 1 << 28 });
    const native = output.toString().trim().split('\n').map((line) => JSON.parse(line).logits);
    const network = engine.open(fs.readFileSync(modelFile), model);
    const logits = network.logits(pixels);
    let widest = 0;
    for (let i = 0; i < COUNT; ++i) {
      const ours = [...logits.subarray(10 * i, 10 * i + 10)];
      assert.equal(largest(ours), largest(native[i]), `image ${i}`);
      // One image alone takes another way through the kernels.
      const alone = i % 20 === 0 ? [...network.logits(pixels.subarray(784 * i, 784 * (i + 1)))] : ours;
      for (let k = 0; k < 10; ++k) {
        widest = Math.max(widest, Math.abs(ours[k] - native[i][k]), Math.abs(alone[k] - native[i][k]));
      }
    }
    console.log(`${model}: logits differ by at most ${widest}`);
    assert.ok(widest <= 1e-4, `${widest}`);
    network.close();
  });
}

test('what does not fit is refused with its reason', () => {
  const bytes = fs.readFileSync(`${ROOT}models/mnist-cnn.gguf`);
  assert.throws(() => engine.open(bytes.subarray(0, 3000), 'half.gguf'), /half\.gguf: /);
  assert.throws(() => engine.open(new Uint8Array(0), 'none'), /none: a GGUF file expected/);
  assert.throws(() => convert(new Uint8Array(0), 'none'), /none: .*empty/);
  assert.throws(() => convert(bytes.subarray(0, 3000), 'half.gguf'), /half\.gguf: /);
  assert.throws(() => engine.open(bytes.map((byte, i) => (i > 100 ? 255 - byte : byte)), 'odd.gguf'), /odd\.gguf: /);
  const network = engine.open(bytes, 'fine');
  assert.throws(() => network.predict(new Uint8Array(783)), /whole images/);
  assert.throws(() => network.inspect(new Uint8Array(784), 10), /answer 10/);
  assert.throws(() => engine.call('describe', 999), /no such handle/);
  const end = engine.heap().length;
  assert.equal(engine.module._mnist_predict(network.handle, end - 100, 784), -1);
  assert.match(engine.text(), /outside of memory/);
  network.close();
  assert.throws(() => network.predict(new Uint8Array(784)), /no such handle/);
});

test('a drawing is prepared and read within half a frame', () => {
  const network = engine.open(fs.readFileSync(`${ROOT}models/mnist-cnn.gguf`), 'fast');
  const pixels = new Uint8Array(280 * 280);
  for (let row = 40; row < 240; ++row) pixels.fill(255, row * 280 + 130, row * 280 + 150);
  const times = Array.from({ length: 100 }, () => {
    const start = performance.now();
    network.look({ pixels, height: 280, width: 280 }, true);
    return performance.now() - start;
  });
  // Of a busy machine, the best.
  console.log(`prepared and read in ${Math.min(...times).toFixed(2)} ms`);
  assert.ok(Math.min(...times) <= 8, `${Math.min(...times)} ms`);
  network.close();
});

test('a saved model is read back the same', () => {
  const network = engine.open(fs.readFileSync(`${ROOT}models/mnist-cnn.gguf`), 'first');
  const again = engine.open(network.save(), 'again');
  const image = engine.digits(5, 0, 1).pixels;
  assert.deepEqual(again.logits(image), network.logits(image));
});

for (const suffix of ['onnx', 'safetensors', 'json', 'gguf']) {
  test(`a .${suffix} of mnist-cnn is read as the network that it is`, (t) => {
    const folder = fs.mkdtempSync('/tmp/mnist-agreement-');
    t.after(() => fs.rmSync(folder, { recursive: true }));
    const source = `${ROOT}models/mnist-cnn.gguf`;
    execFileSync(PROGRAM, ['convert', source, `${folder}/m.${suffix}`]);
    const converted = engine.open(convert(fs.readFileSync(`${folder}/m.${suffix}`), `m.${suffix}`), 'converted');
    const original = engine.open(fs.readFileSync(source), 'original');
    const images = engine.digits(7, 0, 20).pixels;
    const [ours, theirs] = [converted.logits(images), original.logits(images)];
    for (let i = 0; i < ours.length; ++i) assert.ok(Math.abs(ours[i] - theirs[i]) <= 1e-4, `${ours[i]} ${theirs[i]}`);
  });
}
