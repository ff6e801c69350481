// Reads one model file of another program, beside the page: finding out what it means takes a while.
import { Engine } from './engine.js';
import { readFiles } from './reader.js';

const PAUSE = 50; // milliseconds between two reports

let last = 0;

function tell(progress) {
  if (progress.share && progress.share < 1 && performance.now() - last < PAUSE) return;
  last = performance.now();
  postMessage({ progress });
}

addEventListener('message', async ({ data }) => {
  try {
    const reader = await Engine.loadReader(tell);
    postMessage({ found: readFiles(reader, data.files, data.digits) });
  } catch (error) {
    postMessage({ problem: error.message });
  }
});
