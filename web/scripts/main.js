// The page: what is drawn goes through the network, and everything shows it.
import { Answer } from './answer.js';
import { Collection } from './collection.js';
import { eachFrame, fileSize, find, showGrey } from './dom.js';
import { Engine, threaded } from './engine.js';
import { readDigits } from './idx.js';
import { readPicture } from './picture.js';
import { Seeing } from './seeing.js';
import { Sketch } from './sketch.js';
import { makeTabs } from './tabs.js';
import { TrainingPanel } from './training.js';

const BASE = new URL('../', import.meta.url);
const TIMINGS = 20;

const page = { network: null, image: null, truth: undefined, timings: [] };
const answer = new Answer();
const seeing = new Seeing();

function complain(message) {
  const box = find('problem');
  box.textContent = message;
  box.hidden = !message;
}

// Runs what may fail and says so.
async function attempt(action) {
  try {
    complain('');
    await action();
  } catch (error) {
    complain(error.message);
  }
}

async function fetchBytes(path) {
  const response = await fetch(new URL(path, BASE));
  if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

function useNetwork(file, name, search = false) {
  const network = page.engine.open(file, name, search);
  page.network?.close();
  page.network = network;
  page.timings = [];
  const { facts } = network;
  const names = Array.from({ length: facts.classes }, (_, i) => network.className(i));
  if (names.join() !== answer.names?.join()) answer.setClasses(names);
  seeing.setNetwork(network);
  find('facts').textContent =
    `${name}: ${facts.parameters.toLocaleString('en')} parameters, ${fileSize(file.length)}`;
  page.file = file;
  update(false);
}

async function useBuiltIn(name) {
  // The program's own built-in model is the best of them.
  const path = name === 'mnist-best' ? 'models/digit.gguf' : `models/${name}.gguf`;
  useNetwork(await fetchBytes(path), name);
}

// A model that is no built-in one becomes an entry of the list.
function useFile(file, name, search) {
  useNetwork(file, name, search);
  const list = find('model');
  let option = list.querySelector('option[data-own]');
  if (!option) {
    option = document.createElement('option');
    option.dataset.own = '';
    list.append(option);
  }
  option.textContent = option.value = name;
  page.own = { file, name, search };
  list.value = name;
}

function showTiming(seeTime, predictTime) {
  page.timings.push([seeTime, predictTime]);
  if (page.timings.length > TIMINGS) page.timings.shift();
  const mean = (part) => page.timings.reduce((sum, timing) => sum + timing[part], 0) / page.timings.length;
  const milliseconds = (time) => `${time.toFixed(2)} ms`;
  find('timing').textContent = `Prepared in ${milliseconds(mean(0))}, answered in ${milliseconds(mean(1))}.`;
}

const update = eachFrame((drawing) => {
  const { network, sketch } = page;
  if (!network) return;
  const start = performance.now();
  page.image = network.see(sketch.pixels(), find('view-centred').checked);
  const seen = performance.now();
  showGrey(find('seen'), page.image, network.facts.height, network.facts.width);
  let label = 0;
  if (sketch.isEmpty) {
    answer.clear();
  } else {
    const before = performance.now();
    const probabilities = network.predict(page.image);
    showTiming(seen - start, performance.now() - before);
    ({ label } = answer.show(probabilities, !drawing, page.truth));
  }
  if (!find('panel-inside').hidden) seeing.show(page.image, label);
});

function setTag(words, truth) {
  page.truth = truth;
  find('tag').textContent = words;
  find('tag').hidden = !words;
}

async function loadDigits() {
  page.digits ??= readDigits(await fetchBytes('images/images-idx3-ubyte'), await fetchBytes('images/labels-idx1-ubyte'));
  return page.digits;
}

async function showRandom() {
  const { pixels, labels, count } = await loadDigits();
  const index = Math.floor(Math.random() * count);
  setTag(`Test digit ${index + 1} of ${count}, labelled ${labels[index]}.`, labels[index]);
  page.sketch.show({ pixels: pixels.slice(784 * index, 784 * (index + 1)), height: 28, width: 28 });
}

const isPicture = (file) => file.type.startsWith('image/');

async function openFile(file) {
  if (isPicture(file)) {
    const picture = await readPicture(file).catch(() => {
      throw new Error(`${file.name}: a picture that this browser cannot read`);
    });
    setTag(file.name);
    page.sketch.show(picture);
  } else {
    if (file.size > 2 ** 28) throw new Error(`${file.name}: over 256 MB`);
    useFile(new Uint8Array(await file.arrayBuffer()), file.name, true);
  }
}

function listenForFiles() {
  for (const id of ['model-file', 'picture-file']) {
    find(id).addEventListener('change', (event) => {
      const [file] = event.target.files;
      if (file) attempt(() => openFile(file));
      event.target.value = '';
    });
  }
  const drop = find('drop');
  let depth = 0;
  const shown = (by) => {
    depth = Math.max(0, depth + by);
    drop.hidden = depth === 0;
  };
  addEventListener('dragenter', () => shown(1));
  addEventListener('dragleave', () => shown(-1));
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => {
    event.preventDefault();
    depth = 0;
    shown(0);
    const [file] = event.dataTransfer.files;
    if (file) attempt(() => openFile(file));
  });
}

function listen() {
  find('undo').addEventListener('click', () => page.sketch.undo());
  find('clear').addEventListener('click', () => page.sketch.clear());
  find('random').addEventListener('click', () => attempt(showRandom));
  for (const id of ['view-centred', 'view-raw']) find(id).addEventListener('change', () => update(false));
  find('show-kernels').addEventListener('change', (event) => seeing.showKernels(event.target.checked));
  find('model').addEventListener('change', (event) => {
    const name = event.target.value;
    attempt(() => (page.own?.name === name ? useNetwork(page.own.file, name, page.own.search) : useBuiltIn(name)));
  });
  listenForFiles();
}

async function start() {
  page.sketch = new Sketch(find('sketch'), (drawing) => {
    if (!page.sketch.picture) setTag('');
    update(drawing);
  });
  const tabs = makeTabs(() => update(false));
  listen();
  page.training = new TrainingPanel((file, name) => useFile(file, name, false), complain);
  page.collection = new Collection(
    () => (page.sketch.isEmpty || page.image?.length !== 784 ? null : page.image),
    (images, labels) => {
      tabs.select('tab-train');
      page.training.fineTune(`${find('model').value.replace(/\.\w+$/, '')}-tuned`, page.network.save('network.gguf'), images, labels);
    },
  );
  await attempt(async () => {
    const [engine, file] = await Promise.all([Engine.load(), fetchBytes('models/digit.gguf')]);
    page.engine = engine;
    find('model').value = 'mnist-best';
    useNetwork(file, 'mnist-best');
    find('build').textContent = threaded ? ', with threads' : ', without threads';
    document.documentElement.dataset.ready = '';
    const source = new TextDecoder().decode(await fetchBytes('images/source.txt'));
    find('test-source').textContent = source;
  });
}

start();
