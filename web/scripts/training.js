// The part of the page that trains: the worker does it.
import { Curve } from './curve.js';
import { download, find, percent } from './dom.js';

export class TrainingPanel {
  // `answers` is called with the bytes of the network as it is now, and its name; `unused` gives a
  // name that no other network has.
  constructor(answers, unused, complain) {
    this.answers = answers;
    this.unused = unused;
    this.complain = complain;
    this.curve = new Curve(find('curve'));
    this.worker = null;
    this.state = 'idle'; // 'running', 'stopping', 'stopped'
    this.name = '';
    this.model = null;
    this.images = 0;
    find('train-start').addEventListener('click', () => this.begin());
    find('train-stop').addEventListener('click', () => (this.state === 'stopped' ? this.goOn() : this.stop()));
    find('train-download').addEventListener('click', () => download(this.model, `${this.name}.gguf`));
    this.paint();
  }

  begin() {
    const architecture = find('train-network').value;
    this.start(`my-${architecture}`, { architecture, learning_rate: 0.002 }, null, [], []);
  }

  // Goes on learning from an open network, with the page's own drawings among the digits.
  fineTune(name, model, images, labels) {
    this.start(name, { architecture: '', learning_rate: 0.0005 }, model, images, labels);
  }

  start(name, settings, model, images, labels) {
    this.worker?.terminate();
    this.worker = new Worker(new URL('train-worker.js', import.meta.url), { type: 'module' });
    this.worker.addEventListener('message', ({ data }) => this.hear(data));
    this.worker.addEventListener('error', (event) => this.fail(event.message || 'the training could not be loaded'));
    this.name = this.unused(name);
    this.model = null;
    this.images = 0;
    this.accuracy = null;
    this.curve.clear();
    const pixels = new Uint8Array(images.length * 784);
    images.forEach((image, i) => pixels.set(image, 784 * i));
    const seed = 1 + 2 * Math.floor(Math.random() * 2 ** 30);
    this.worker.postMessage({
      type: 'start', settings: { ...settings, seed }, model, pixels, labels: Uint8Array.from(labels),
    });
    this.set('running');
  }

  stop() {
    this.worker.postMessage({ type: 'stop' });
    this.set('stopping');
  }

  goOn() {
    this.worker.postMessage({ type: 'go' });
    this.set('running');
  }

  fail(message) {
    this.worker.terminate();
    this.worker = null;
    this.set('idle');
    this.complain(`Training: ${message}`);
  }

  hear(data) {
    if (data.type === 'error') return this.fail(data.message);
    if (data.type === 'stopped') this.set('stopped');
    if (data.type === 'progress') {
      this.images = data.images;
      this.loss = data.loss;
      this.curve.addLoss(data.images, data.loss);
    }
    if (data.type === 'check') {
      this.accuracy = data.accuracy;
      this.model = data.model;
      this.curve.addAccuracy(this.images, data.accuracy);
      this.answers(data.model, `${this.name}.gguf`);
    }
    this.curve.paint();
    this.paint();
  }

  set(state) {
    this.state = state;
    this.paint();
  }

  paint() {
    const { state } = this;
    const stop = find('train-stop');
    stop.textContent = state === 'stopped' ? 'Go on' : 'Stop';
    stop.disabled = state === 'idle' || state === 'stopping';
    find('train-start').textContent = state === 'idle' ? 'Start' : 'Start anew';
    find('train-download').disabled = this.model === null;
    find('train-status').textContent = this.words();
  }

  words() {
    if (this.state === 'idle') return 'Not started.';
    if (this.images === 0) return 'Starting…';
    const right = this.accuracy === null ? '' : `, ${percent(this.accuracy)} of those held out are right`;
    const stopped = this.state === 'stopped' ? 'Stopped. ' : '';
    return `${stopped}${this.images.toLocaleString('en')} digits seen, loss ${this.loss.toFixed(3)}${right}.`;
  }
}
