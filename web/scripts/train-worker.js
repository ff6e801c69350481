// Training, beside the page: steps until it is told to stop.
import { Engine, processors } from './engine.js';

const SLICE = 60; // milliseconds between two looks at the page's messages
const CHECK = 1500; // milliseconds between two measurements

let engine = null;
let training = null;
let running = false;

function report() {
  engine.call('train_check', training);
  const check = engine.json();
  engine.call('train_model', training);
  const model = engine.bytes();
  postMessage({ type: 'check', ...check, model }, [model.buffer]);
}

async function run() {
  running = true;
  let checked = 0;
  while (running) {
    const end = performance.now() + SLICE;
    let progress = null;
    let loss = 0;
    let steps = 0;
    while (performance.now() < end) {
      engine.call('train_step', training);
      progress = engine.json();
      loss += progress.loss;
      ++steps;
    }
    postMessage({ type: 'progress', images: progress.images, loss: loss / steps });
    if (performance.now() - checked > CHECK) {
      report();
      checked = performance.now();
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
  report();
  postMessage({ type: 'stopped' });
}

async function start({ settings, model, pixels, labels }) {
  engine ??= await Engine.load(processors - 1);
  const handle = model ? engine.call('open', model, 'network.gguf', 0) : 0;
  if (training !== null) engine.call('train_close', training);
  training = null;
  training = engine.call('train', handle, JSON.stringify({ ...settings, threads: processors }), pixels, labels);
  if (handle) engine.call('close', handle);
  await run();
}

addEventListener('message', async ({ data }) => {
  try {
    if (data.type === 'start') await start(data);
    else if (data.type === 'go') await run();
    else if (data.type === 'stop') running = false;
  } catch (error) {
    running = false;
    postMessage({ type: 'error', message: error.message });
  }
});
