// Reads one model file of another program, beside the page: finding out what it means takes a while.
import { Engine } from './engine.js';

addEventListener('message', async ({ data }) => {
  try {
    const reader = await Engine.loadReader();
    const model = reader.convert(data.file, data.name);
    postMessage({ model }, [model.buffer]);
  } catch (error) {
    postMessage({ problem: error.message });
  }
});
