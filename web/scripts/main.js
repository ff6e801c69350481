// The page: what is drawn goes through the network, and everything shows it.
import { Answer } from './answer.js';
import { Collection } from './collection.js';
import { eachFrame, find, showGrey, shuffled } from './dom.js';
import { Engine, threaded } from './engine.js';
import { host } from './host.js';
import { readDigits } from './idx.js';
import { Models, builtInFile, fetchBytes } from './models.js';
import { Opening } from './opening.js';
import { isPicture, readPicture } from './picture.js';
import { Seeing } from './seeing.js';
import { Sketch } from './sketch.js';
import { makeTabs } from './tabs.js';
import { TrainingPanel } from './training.js';

const TIMINGS = 20;

const page = { models: null, image: null, truth: undefined, timings: [], order: [] };
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

function useNetwork() {
  const { network, inside, place } = page.models;
  const { facts } = network;
  page.timings = [];
  const names = Array.from({ length: facts.classes }, (_, i) => network.className(i));
  if (names.join() !== answer.names?.join()) answer.setClasses(names);
  seeing.setNetwork(inside);
  page.opening.show(page.models.found);
  find('privacy').textContent = place === 'page'
    ? 'Everything runs in this page; nothing you draw leaves it.'
    : `The program at ${location.host} answers; what you draw goes there and nowhere else.`;
  update(false);
}

function showTiming(times) {
  page.timings.push(times);
  if (page.timings.length > TIMINGS) page.timings.shift();
  // The middle one: a browser's first runs of WebAssembly are slow.
  const middle = (part) => page.timings.map((timing) => timing[part]).sort((a, b) => a - b)[page.timings.length >> 1];
  const milliseconds = (part) => `${middle(part).toFixed(2)} ms`;
  find('timing').textContent = times.length === 1
    ? `Prepared and answered by native code, there and back in ${milliseconds(0)}.`
    : `Prepared in ${milliseconds(0)}, answered in ${milliseconds(1)}.`;
}

function showNothing(facts) {
  page.image = new Uint8Array(facts.height * facts.width);
  showGrey(find('seen'), page.image, facts.height, facts.width);
  answer.clear();
}

async function look(drawing) {
  const { network } = page.models;
  const { sketch, truth } = page;
  const { facts } = network;
  let label = null;
  if (sketch.isEmpty) {
    showNothing(facts);
  } else {
    const looked = network.look(sketch.pixels(), find('view-centred').checked);
    const { image, probabilities, times } = looked instanceof Promise ? await looked : looked;
    // Something else may have been asked for meanwhile; then it comes next.
    if (network !== page.models.network || sketch.isEmpty) return;
    page.image = image;
    showGrey(find('seen'), image, facts.height, facts.width);
    showTiming(times);
    ({ label } = answer.show(probabilities, !drawing, truth));
  }
  if (!find('panel-inside').hidden) seeing.show(page.image, label);
}

const update = eachFrame(async (drawing) => {
  if (!page.models?.network) return;
  try {
    await look(drawing);
  } catch (error) {
    complain(error.message);
  }
});

// What is known of the picture that is shown, if one is.
function setTag({ words = '', truth } = {}) {
  page.truth = truth;
  find('tag').textContent = words;
  find('tag').hidden = !words;
}

async function loadDigits() {
  page.digits ??= readDigits(await fetchBytes('images/images-idx3-ubyte'), await fetchBytes('images/labels-idx1-ubyte'));
  return page.digits;
}

// None twice until all were shown.
async function showRandom() {
  const { pixels, labels, count } = await loadDigits();
  if (page.order.length === 0) page.order = shuffled(count);
  const index = page.order.pop();
  page.sketch.show({
    pixels: pixels.slice(784 * index, 784 * (index + 1)), height: 28, width: 28,
    words: `Test digit ${index + 1} of ${count}, labelled ${labels[index]}.`, truth: labels[index],
  });
}

async function openFiles(files) {
  const [file] = files;
  if (files.length > 1 || !isPicture(file)) return page.opening.open(files);
  const picture = await readPicture(file).catch(() => {
    throw new Error(`${file.name}: a picture that this browser cannot read`);
  });
  page.sketch.show({ ...picture, words: file.name });
}

function listenForFiles() {
  for (const id of ['model-file', 'picture-file']) {
    find(id).addEventListener('change', (event) => {
      const files = [...event.target.files];
      if (files.length > 0) attempt(() => openFiles(files));
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
    const files = [...event.dataTransfer.files];
    if (files.length > 0) attempt(() => openFiles(files));
  });
}

function listen() {
  find('undo').addEventListener('click', () => page.sketch.undo());
  find('clear').addEventListener('click', () => page.sketch.clear());
  find('random').addEventListener('click', () => attempt(showRandom));
  find('sketch').addEventListener('keydown', (event) => {
    if (event.key.toLowerCase() === 'r' && !event.ctrlKey && !event.metaKey && !event.altKey) attempt(showRandom);
  });
  for (const id of ['view-centred', 'view-raw']) find(id).addEventListener('change', () => update(false));
  find('show-kernels').addEventListener('change', (event) => seeing.showKernels(event.target.checked));
  find('model').addEventListener('change', (event) => attempt(() => page.models.choose(event.target.value)));
  for (const place of ['page', 'server']) {
    find(`place-${place}`).addEventListener('change', () => attempt(() => page.models.setPlace(place)));
  }
  listenForFiles();
}

function fineTune(images, labels) {
  const { inside, name } = page.models;
  if (!inside) {
    complain(`${name} is the server's: only a network of this page's can be trained here`);
    return;
  }
  page.tabs.select('tab-train');
  page.training.fineTune(`${name.replace(/\.\w+$/, '')}-tuned`, inside.save(), images, labels);
}

function makePanels() {
  page.tabs = makeTabs(() => update(false));
  page.training = new TrainingPanel((file, name) => page.models.update(file, name), (name) => page.models.unused(name), complain);
  page.collection = new Collection(
    () => (page.sketch.isEmpty || page.image?.length !== 784 ? null : page.image),
    fineTune,
  );
}

// The program was built without WebAssembly: it answers, and there is nothing to look into.
function leaveOutEngine() {
  for (const id of ['more', 'random', 'open-model']) find(id).hidden = true;
  find('notice').textContent = host.notice;
  find('notice').hidden = false;
}

async function start() {
  find('not-started').remove();
  const hasEngine = !host || host.has_engine;
  page.sketch = new Sketch(find('sketch'), (drawing) => {
    setTag(page.sketch.picture ?? {});
    find('invitation').hidden = !page.sketch.isEmpty;
    update(drawing);
  });
  listen();
  makePanels();
  find('server-link').hidden = !host;
  if (!hasEngine) leaveOutEngine();
  await attempt(async () => {
    // At once, not after the engine.
    if (hasEngine) builtInFile('mnist-best');
    page.models = new Models(hasEngine ? await Engine.load() : null, useNetwork);
    page.opening = new Opening(page.models, loadDigits, attempt);
    await page.models.choose(page.models.names()[0]);
    find('build').textContent = hasEngine
      ? `mnist.cpp, compiled to WebAssembly, ${threaded ? 'with' : 'without'} threads.`
      : 'mnist.cpp.';
    document.documentElement.dataset.ready = '';
    if (hasEngine) find('test-source').textContent = new TextDecoder().decode(await fetchBytes('images/source.txt'));
  });
}

start();
