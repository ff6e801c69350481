// Small helpers for the page.

export const find = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

export function download(bytes, name) {
  const address = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
  make('a', { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

// One call a frame at most, and one at a time where it takes longer; with the last arguments.
export function eachFrame(action) {
  let waiting = null;
  let busy = false;
  const run = async () => {
    const last = waiting;
    waiting = null;
    await action(...last);
    busy = waiting !== null;
    if (busy) requestAnimationFrame(run);
  };
  return (...values) => {
    waiting = values;
    if (!busy) requestAnimationFrame(run);
    busy = true;
  };
}

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Grey pixels as a canvas's picture.
export function showGrey(canvas, pixels, height, width) {
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  for (let i = 0; i < pixels.length; ++i) image.data.set([pixels[i], pixels[i], pixels[i], 255], 4 * i);
  canvas.getContext('2d').putImageData(image, 0, 0);
}

export const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;

export function fileSize(bytes) {
  return bytes < 1e6 ? `${Math.round(bytes / 1000)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

// 0..count-1 in any order.
export function shuffled(count) {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; --i) {
    const other = Math.floor(Math.random() * (i + 1));
    [order[i], order[other]] = [order[other], order[i]];
  }
  return order;
}
