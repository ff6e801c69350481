// Model files of any format, as what the engine reads.

export function readModel(file, name) {
  const worker = new Worker(new URL('reader-worker.js', import.meta.url), { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.addEventListener('message', ({ data }) => (data.model ? resolve(data.model) : reject(new Error(data.problem))));
    worker.addEventListener('error', (event) => reject(new Error(event.message || 'the reader of model files could not be loaded')));
    worker.postMessage({ file, name });
  }).finally(() => worker.terminate());
}
