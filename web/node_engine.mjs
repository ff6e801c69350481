// The page's engine under Node, for the build and the tests.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { Engine } from './scripts/engine.js';

// `name`: "mnist", or "mnist-reader", which converts other programs' files.
export async function loadEngine(site, name = 'mnist') {
  // What Emscripten's output expects of Node, and a module does not have.
  globalThis.require = createRequire(import.meta.url);
  globalThis.__dirname = site;
  const file = path.resolve(site, `${name}.js`);
  const { default: create } = await import(pathToFileURL(file).href);
  return new Engine(await create({ wasmBinary: fs.readFileSync(file.replace(/js$/, 'wasm')) }));
}
