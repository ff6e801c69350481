// A plain static server: any path, with or without the headers that threads need. `hold` is asked
// with each file's name, and the file is not sent before what it returns has come.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

const TYPES = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css',
  '.wasm': 'application/wasm', '.svg': 'image/svg+xml', '.txt': 'text/plain; charset=utf-8',
};

export async function serve(folder, { isolated = false, prefix = '/', hold } = {}) {
  const root = path.resolve(folder);
  const server = http.createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const name = decodeURIComponent(pathname.slice(prefix.length)) || 'index.html';
    const file = path.resolve(root, name);
    if (!pathname.startsWith(prefix) || !file.startsWith(root) || !fs.existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    await hold?.(name);
    const headers = { 'Content-Type': TYPES[path.extname(file)] ?? 'application/octet-stream' };
    if (isolated) {
      headers['Cross-Origin-Opener-Policy'] = 'same-origin';
      headers['Cross-Origin-Embedder-Policy'] = 'require-corp';
    }
    response.writeHead(200, headers).end(fs.readFileSync(file));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${server.address().port}${prefix}`;
  return { address, close: () => new Promise((resolve) => server.close(resolve)) };
}

// node server.mjs FOLDER [--isolated]
if (process.argv[1] === new URL(import.meta.url).pathname) {
  const { address } = await serve(process.argv[2], { isolated: process.argv.includes('--isolated') });
  console.log(address);
}
