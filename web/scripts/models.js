// Which network answers, and where it runs: in this page, or in the program that serves it.
import { fileSize, find, make } from './dom.js';
import { host } from './host.js';
import { NativeNetwork } from './native.js';

const BASE = new URL('../', import.meta.url);
const BUILT_IN = {
  // The program's own built-in model is the best of them.
  'mnist-best': 'models/digit.gguf',
  'mnist-cnn': 'models/mnist-cnn.gguf',
  'mnist-fc': 'models/mnist-fc.gguf',
};

export async function fetchBytes(path) {
  const response = await fetch(new URL(path, BASE));
  if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

const builtIn = new Map();

// A built-in model's file; what was fetched is kept.
export function builtInFile(name) {
  if (!builtIn.has(name)) {
    const file = fetchBytes(BUILT_IN[name]);
    file.catch(() => builtIn.delete(name));
    builtIn.set(name, file);
  }
  return builtIn.get(name);
}

export class Models {
  // `engine` is null where the page has none. `changed` is called when another network answers.
  constructor(engine, changed) {
    this.engine = engine;
    this.changed = changed;
    this.place = engine ? 'page' : 'server';
    this.network = null; // answers
    this.inside = null; // the same one in this page, to look into; null where it is not here
    this.name = '';
    this.own = new Map(); // by name, {file, size, found}: opened by the visitor, or trained here
    this.request = 0;
    find('place').hidden = !(engine && host);
  }

  names() {
    if (this.place === 'server') return host.models.map((model) => model.name);
    return [...new Set([...Object.keys(BUILT_IN), ...this.own.keys()])];
  }

  fill() {
    find('model').replaceChildren(...this.names().map((name) => make('option', { value: name, textContent: name })));
    find('model').value = this.name;
    find(`place-${this.place}`).checked = true;
  }

  use(name, network, inside, words) {
    for (const old of new Set([this.network, this.inside])) old?.close();
    Object.assign(this, { name, network, inside, words });
    this.describe();
    this.fill();
    this.changed();
  }

  describe() {
    const { name, network, words } = this;
    find('facts').textContent = `${name}: ${network.facts.parameters.toLocaleString('en')} parameters, ${words}`;
  }

  // Opens a network that the list names. Of several that were asked for, the last one counts.
  async choose(name) {
    const request = ++this.request;
    try {
      const own = this.place === 'page' ? this.own.get(name) : null;
      const facts = this.place === 'server' ? host.models.find((model) => model.name === name) : null;
      const isHere = !facts || (this.engine && host.has_page_models && name in BUILT_IN);
      const file = own?.file ?? (isHere ? await builtInFile(name) : null);
      if (request !== this.request) return;
      const inside = isHere ? this.engine.open(file, name) : null;
      this.use(name, facts ? new NativeNetwork(facts) : inside, inside, facts ? 'native code' : fileSize(own?.size ?? file.length));
    } finally {
      find('model').value = this.name;
    }
  }

  async setPlace(place) {
    this.place = place;
    const names = this.names();
    await this.choose(names.includes(this.name) ? this.name : names[0]);
  }

  // How the network that answers was read (opening.js), null where that is no question.
  get found() {
    return (this.place === 'page' && this.own.get(this.name)?.found) || null;
  }

  // A GGUF file that becomes an entry of the list and answers; `size` is that of the file that it was
  // made of, `found` what else that may mean.
  useFile(file, name, size = file.length, found = null) {
    ++this.request;
    const network = this.engine.open(file, name);
    this.own.set(name, { file, size, found });
    this.place = 'page';
    this.use(name, network, network, fileSize(size));
  }

  // `name`, with a number where a file of the list is called so already.
  unused(name) {
    let free = name;
    for (let number = 2; this.own.has(`${free}.gguf`); ++number) free = `${name}-${number}`;
    return free;
  }

  // A newer state of an entry: it answers from now on if it did before, or is new.
  update(file, name) {
    if (!this.own.has(name) || this.name === name) this.useFile(file, name);
    else this.own.set(name, { file, size: file.length, found: null });
  }
}
