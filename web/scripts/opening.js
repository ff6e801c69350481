// Opening model files: says how far it is, and lets people choose where a file does not say all.
import { find, make, percent } from './dom.js';
import { readModel } from './reading.js';

const LARGEST = 2 ** 28;

// Not the page's, but the program's.
const PROGRAM_READS = /\.(pt|pth|ckpt|pkl|npz|h5|hdf5|keras|pb|zip|data-\d+-of-\d+)$/i;

// The model first. Only ONNX has files beside it.
function sorted(files) {
  if (files.length === 1) return files;
  const models = files.filter(({ name }) => /\.onnx$/i.test(name));
  if (models.length !== 1) throw new Error(`${files.length} files at once: one file expected, or an ONNX model with its data`);
  return [...models, ...files.filter((file) => file !== models[0])];
}

async function content(file) {
  const bytes = await file.arrayBuffer().catch(() => {
    throw new Error(`${file.name}: cannot be read; is it a folder?`);
  });
  return { name: file.name, bytes: new Uint8Array(bytes) };
}

const way = ({ network, scaling, fit }) => `${network}, pixels ${scaling}${fit === 'none' ? '' : `, ${fit}`}`;

function option(reading, value) {
  const words = reading.images ? `${percent(reading.correct / reading.images)} · ${way(reading)}` : reading.network;
  return make('option', { value, textContent: words });
}

export class Opening {
  // `models` are the page's; `loadDigits` gives the test digits; `attempt` says what fails.
  constructor(models, loadDigits, attempt) {
    this.models = models;
    this.loadDigits = loadDigits;
    find('reading-stop').addEventListener('click', () => this.stop());
    find('read-choice').addEventListener('change', (event) => attempt(() => {
      try {
        this.take(this.shown, Number(event.target.value));
      } finally {
        event.target.value = this.shown.index;
      }
    }));
  }

  stop() {
    this.running?.abort();
  }

  // Of any format, as they are found. Of several that were asked for, the last one counts.
  async open(files) {
    if (!this.models.engine) throw new Error(`${files[0].name}: this page runs the server's models only`);
    const [model, ...beside] = sorted(files);
    const { name, size } = model;
    if (files.reduce((sum, file) => sum + file.size, 0) > LARGEST) throw new Error(`${name}: over 256 MB`);
    this.stop();
    const running = this.running = new AbortController();
    this.begin(name);
    try {
      const contents = await Promise.all([model, ...beside].map(content));
      const found = await readModel(contents, await this.loadDigits(), (progress) => {
        if (running === this.running) this.tell(name, progress);
      }, running.signal);
      if (found) this.take({ ...found, name, size }, 0);
    } catch (error) {
      const advice = PROGRAM_READS.test(name) ? `. The program reads more formats than the page: mnist convert ${name} mine.gguf` : '';
      throw new Error(`${error.message}${advice}`);
    } finally {
      if (running === this.running) find('reading').hidden = true;
    }
  }

  say(words) {
    find('reading-text').textContent = find('announcement').textContent = words;
  }

  begin(name) {
    this.say(`Reading ${name}…`);
    find('reading-bar').removeAttribute('value');
    find('reading-detail').textContent = '';
    find('reading').hidden = false;
  }

  tell(name, { networks, has_network, images, tried, trials, share, best }) {
    if (networks) {
      if (!has_network && networks > 1) this.say(`Which of ${networks} networks is ${name}?`);
      return;
    }
    find('reading-bar').value = share;
    const right = best ? ` The best, with ${best.correct} right: ${way(best)}.` : '';
    find('reading-detail').textContent = `${tried} of ${trials} ways to read it tried on ${images} test digits.${right}`;
  }

  // Lets the reading of that number answer.
  take(found, index) {
    this.models.useFile(found.readings[index].file, found.name, found.size, { ...found, index });
  }

  // What there is to say of how a network was read; `found` is null where it is not of a file.
  show(found) {
    this.shown = found;
    const { name, networks, has_network: hasNetwork, readings = [], index } = found ?? {};
    const reading = readings[index];
    find('read').hidden = readings.length < 2;
    if (readings.length < 2) return;
    const open = hasNetwork ? 'how pixels become inputs' : 'which network it is';
    const best = hasNetwork ? 'This way it reads' : `Of ${networks} that fit, this one reads`;
    find('read-text').textContent = reading.images
      ? `${name} does not say ${open}. ${best} ${reading.correct} of ${reading.images} test digits:`
      : `${name} does not say ${open}, and none of ${networks} that fit reads digits:`;
    find('read-choice').replaceChildren(...readings.map(option));
    find('read-choice').value = index;
  }
}
