// Networks that the serving program runs: the same interface as the engine's, over HTTP.
import { EngineError } from './engine.js';

const BASE = new URL('../', import.meta.url);

// A grey picture as a PGM file.
function pgm({ pixels, height, width }) {
  const head = new TextEncoder().encode(`P5 ${width} ${height} 255\n`);
  const file = new Uint8Array(head.length + pixels.length);
  file.set(head);
  file.set(pixels, head.length);
  return file;
}

export class NativeNetwork {
  // `facts`: of the program's own list (host.js).
  constructor(facts) {
    this.facts = facts;
  }

  close() {}

  className(index) {
    return this.facts.class_names[index] ?? String(index);
  }

  async look(picture, centred) {
    const address = new URL('v1/classify', BASE);
    address.search = new URLSearchParams({ model: this.facts.name, seen: 1, ...(centred ? {} : { fit: 1 }) });
    const start = performance.now();
    const response = await fetch(address, {
      method: 'POST', headers: { 'Content-Type': 'image/x-portable-graymap' }, body: pgm(picture),
    }).catch(() => {
      throw new EngineError('the program that served this page does not answer');
    });
    const answer = await response.json();
    if (!response.ok) throw new EngineError(answer.error);
    const times = [performance.now() - start];
    return { image: Uint8Array.from(answer.seen), probabilities: Float32Array.from(answer.probabilities), times };
  }
}
