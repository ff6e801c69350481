// Own drawings with labels: kept in this browser, for IDX files and fine-tuning.
import { download, find, make, showGrey } from './dom.js';
import { writeImages, writeLabels } from './idx.js';

const KEY = 'mnist-drawings';

export class Collection {
  // `current` gives the 28 x 28 pixels of the drawing, null where there is none.
  constructor(current, fineTune) {
    this.current = current;
    this.images = [];
    this.labels = [];
    for (let label = 0; label < 10; ++label) {
      const button = make('button', { type: 'button', textContent: label });
      button.addEventListener('click', () => this.add(label));
      find('label-buttons').append(button);
    }
    find('download-images').addEventListener('click', () => download(writeImages(this.images, 28, 28), 'drawings-images-idx3-ubyte'));
    find('download-labels').addEventListener('click', () => download(writeLabels(this.labels), 'drawings-labels-idx1-ubyte'));
    find('fine-tune').addEventListener('click', () => fineTune(this.images, this.labels));
    find('forget').addEventListener('click', () => this.set([], []));
    this.restore();
  }

  add(label) {
    const image = this.current();
    if (image === null) {
      find('collection-status').textContent = 'Draw something first.';
      return;
    }
    this.set([...this.images, image], [...this.labels, label]);
  }

  remove(index) {
    this.set(this.images.filter((_, i) => i !== index), this.labels.filter((_, i) => i !== index));
  }

  set(images, labels) {
    this.images = images;
    this.labels = labels;
    this.keep();
    this.paint();
  }

  // Storage may be switched off, full, or hold something else.
  keep() {
    try {
      const texts = this.images.map((image) => btoa(String.fromCharCode(...image)));
      localStorage.setItem(KEY, JSON.stringify({ images: texts, labels: this.labels }));
    } catch {
      find('collection-status').textContent = 'This browser keeps nothing: download them before you leave.';
    }
  }

  restore() {
    try {
      const { images, labels } = JSON.parse(localStorage.getItem(KEY)) ?? { images: [], labels: [] };
      const read = images.map((text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
      if (read.length === labels.length && read.every((image) => image.length === 784)) {
        this.images = read;
        this.labels = labels.map(Number);
      }
    } catch {
      // Nothing to restore.
    }
    this.paint();
  }

  paint() {
    const none = this.images.length === 0;
    for (const id of ['fine-tune', 'download-images', 'download-labels', 'forget']) find(id).disabled = none;
    find('collection-status').textContent = none
      ? 'Nothing collected yet. Drawings stay in this browser.'
      : `${this.images.length} collected. They stay in this browser.`;
    find('collection').replaceChildren(...this.images.map((image, i) => {
      const canvas = make('canvas');
      showGrey(canvas, image, 28, 28);
      const button = make('button', { type: 'button', ariaLabel: `A ${this.labels[i]}: remove` }, canvas, `${this.labels[i]}`);
      button.addEventListener('click', () => this.remove(i));
      return make('li', {}, button);
    }));
  }
}
