// Model files of any format, as what the engine reads.

// Resolves to readFiles' answer (reader.js), or to null where `signal` ends it before. `tell` is
// called with how far it is. `files` are handed over.
export function readModel(files, digits, tell, signal) {
  const worker = new Worker(new URL('reader-worker.js', import.meta.url), { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.addEventListener('message', ({ data }) => {
      if (data.progress) tell(data.progress);
      else if (data.found) resolve(data.found);
      else reject(new Error(data.problem));
    });
    worker.addEventListener('error', (event) => reject(new Error(event.message || 'the reader of model files could not be loaded')));
    signal.addEventListener('abort', () => resolve(null));
    if (signal.aborted) resolve(null);
    worker.postMessage({ files, digits }, files.map((file) => file.bytes.buffer));
  }).finally(() => worker.terminate());
}
