// The C++ library, as WebAssembly: src/web says what each exported function does.

// Threads need shared memory, which a browser gives to pages with certain headers only.
export const threaded = Boolean(globalThis.crossOriginIsolated);
export const processors = threaded ? Math.max(1, Math.min(16, navigator.hardwareConcurrency || 1)) : 1;

export class EngineError extends Error {}

const text = new TextEncoder();

const BASE = new URL('../', import.meta.url);

async function instantiate(name, options = {}) {
  const { default: create } = await import(new URL(`${name}.js`, BASE));
  return create({ ...options, locateFile: (file) => new URL(file, BASE).href });
}

export class Engine {
  // `threads`: how many more than the caller's own it may start. Emscripten waits forever for the
  // last of none, so there is one at least.
  static async load(threads = 0) {
    if (!threaded) return new Engine(await instantiate('mnist'));
    const wasmMemory = new WebAssembly.Memory({ initial: 512, maximum: 16384, shared: true });
    const module = await instantiate('mnist-threads', { threads: Math.max(1, threads), wasmMemory });
    return new Engine(module, wasmMemory);
  }

  // The one that knows other programs' model files, and can only read them (reader.js). `tell` is
  // called with how far it is.
  static async loadReader(tell) {
    const engine = new Engine(await instantiate('mnist-reader', {
      tell: (address, size) => tell(JSON.parse(new TextDecoder().decode(engine.heap().slice(address, address + size)))),
    }));
    return engine;
  }

  constructor(module, memory) {
    this.module = module;
    this.memory = memory;
  }

  // All of WebAssembly's memory; moves when it grows.
  heap() {
    return this.memory ? new Uint8Array(this.memory.buffer) : this.module.HEAPU8;
  }

  // Calls an exported function. Arrays and strings are passed as (address, size). Throws what it
  // says where it failed.
  call(name, ...values) {
    const addresses = [];
    const numbers = [];
    try {
      for (const value of values) {
        if (typeof value === 'number') {
          numbers.push(value);
          continue;
        }
        const bytes = typeof value === 'string' ? text.encode(value) : value;
        const address = this.module._malloc(bytes.length || 1);
        if (!address) throw new EngineError('not enough memory');
        addresses.push(address);
        this.heap().set(bytes, address);
        numbers.push(address, bytes.length);
      }
      const answer = this.module[`_mnist_${name}`](...numbers);
      if (answer < 0) throw new EngineError(this.text());
      return answer;
    } finally {
      for (const address of addresses) this.module._free(address);
    }
  }

  // What the last call left, as a copy.
  bytes() {
    const address = this.module._mnist_result();
    return this.heap().slice(address, address + this.module._mnist_result_size());
  }
  floats() {
    return new Float32Array(this.bytes().buffer);
  }
  text() {
    return new TextDecoder().decode(this.bytes());
  }
  json() {
    return JSON.parse(this.text());
  }

  // A GGUF file.
  open(file, name) {
    return new Network(this, file, name);
  }

  // Digits that the program draws itself: {pixels, labels}.
  digits(seed, first, count) {
    this.call('digits', seed, first, count);
    const bytes = this.bytes();
    return { pixels: bytes.subarray(0, count * 784), labels: bytes.subarray(count * 784) };
  }
}

// An open model.
export class Network {
  constructor(engine, file, name) {
    this.engine = engine;
    this.handle = engine.call('open', file, name);
    engine.call('describe', this.handle);
    this.facts = engine.json();
    this.kernels = new Map();
  }

  close() {
    this.engine.call('close', this.handle);
  }

  className(index) {
    return this.facts.class_names[index] ?? String(index);
  }

  // The pixels that it sees of a grey picture {pixels, height, width}.
  see(picture, centred) {
    const { pixels, height, width } = picture;
    const { engine } = this;
    // mnist_see takes the extents instead of a size.
    const address = engine.module._malloc(pixels.length || 1);
    try {
      engine.heap().set(pixels, address);
      const answer = engine.module._mnist_see(this.handle, address, height, width, centred ? 1 : 0);
      if (answer < 0) throw new EngineError(engine.text());
      return engine.bytes();
    } finally {
      engine.module._free(address);
    }
  }

  // Probabilities of one image's classes.
  predict(image) {
    this.engine.call('predict', this.handle, image);
    const values = this.engine.floats();
    return values.subarray(values.length / 2);
  }

  // Logits of images that lie one behind the other.
  logits(images) {
    this.engine.call('predict', this.handle, images);
    const values = this.engine.floats();
    return values.subarray(0, values.length / 2);
  }

  // What a picture is prepared to, what it is, and the milliseconds that both took.
  look(picture, centred) {
    const start = performance.now();
    const image = this.see(picture, centred);
    const seen = performance.now();
    const probabilities = this.predict(image);
    return { image, probabilities, times: [seen - start, performance.now() - seen] };
  }

  // {saliency, layers: [values]} while it sees `image`.
  inspect(image, answer) {
    const { facts, engine } = this;
    engine.call('inspect', this.handle, image, answer);
    const values = engine.floats();
    const saliency = values.subarray(0, image.length);
    let at = image.length;
    const layers = facts.layers.map((layer) => {
      const size = layer.shape.reduce((product, extent) => product * extent, 1);
      at += size;
      return values.subarray(at - size, at);
    });
    return { saliency, layers };
  }

  kernel(name) {
    if (!this.kernels.has(name)) {
      this.engine.call('weight', this.handle, name);
      this.kernels.set(name, this.engine.floats());
    }
    return this.kernels.get(name);
  }

  // As a GGUF file.
  save() {
    this.engine.call('save', this.handle);
    return this.engine.bytes();
  }
}
