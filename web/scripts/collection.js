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
    this.isKept = true;
    this.forgotten = []; // [{images, labels}], the last ones behind
    for (let label = 0; label < 10; ++label) {
      const button = make('button', { type: 'button', textContent: label });
      button.addEventListener('click', () => this.add(label));
      find('label-buttons').append(button);
    }
    find('download-images').addEventListener('click', () => download(writeImages(this.images, 28, 28), 'drawings-images-idx3-ubyte'));
    find('download-labels').addEventListener('click', () => download(writeLabels(this.labels), 'drawings-labels-idx1-ubyte'));
    find('fine-tune').addEventListener('click', () => fineTune(this.images, this.labels));
    find('forget').addEventListener('click', () => {
      this.forget(() => false);
      find('bring-back').focus();
    });
    find('bring-back').addEventListener('click', () => this.bringBack());
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
    this.forget((other) => other !== index);
    (find('collection').children[index]?.firstChild ?? find('bring-back')).focus();
  }

  // All but those whose index `isKept`.
  forget(isKept) {
    const part = (values, wanted) => values.filter((_, i) => isKept(i) === wanted);
    this.forgotten.push({ images: part(this.images, false), labels: part(this.labels, false) });
    this.set(part(this.images, true), part(this.labels, true));
  }

  // Those that were forgotten last, behind what has been drawn since.
  bringBack() {
    const { images, labels } = this.forgotten.pop();
    this.set([...this.images, ...images], [...this.labels, ...labels]);
    find('forget').focus();
  }

  set(images, labels) {
    this.images = images;
    this.labels = labels;
    this.isKept = this.keep();
    this.paint();
  }

  // Whether they are kept: storage may be switched off, or full.
  keep() {
    try {
      const texts = this.images.map((image) => btoa(String.fromCharCode(...image)));
      localStorage.setItem(KEY, JSON.stringify({ images: texts, labels: this.labels }));
      return true;
    } catch {
      return false;
    }
  }

  // Storage may hold something else.
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
    const last = this.forgotten.at(-1);
    find('bring-back').hidden = !last;
    find('bring-back').textContent = `Bring back ${last?.images.length} forgotten`;
    find('collection-status').textContent = this.words();
    find('collection').replaceChildren(...this.images.map((image, i) => {
      const canvas = make('canvas');
      showGrey(canvas, image, 28, 28);
      const button = make('button', { type: 'button', ariaLabel: `A ${this.labels[i]}: remove` }, canvas, `${this.labels[i]}`);
      button.addEventListener('click', () => this.remove(i));
      return make('li', {}, button);
    }));
  }

  words() {
    if (this.images.length === 0) return 'Nothing collected. Drawings stay in this browser.';
    const collected = `${this.images.length} collected.`;
    return `${collected} ${this.isKept ? 'They stay in this browser.' : 'This browser keeps nothing: download them before you leave.'}`;
  }
}
