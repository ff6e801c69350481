// Looking inside: feature maps, kernels and saliency.
import { find, make } from './dom.js';

const MOST_MAPS = 96; // of a layer
const MOST_KERNELS = 24; // side by side, and so small, where each has many inputs
const MOST_KERNEL_ROWS = 12;
const SMALLEST_TILE = 12; // pixels, of a picture that is enlarged anyway
const UNCHANGED = ['Flatten', 'Dropout', 'Reshape', 'Identity', 'Squeeze', 'Unsqueeze']; // hand values on

// From -1 (orange) over 0 (black) to 1 (blue).
function signedColour(value, data, at) {
  const strength = Math.min(1, Math.abs(value)) ** 0.7;
  const [r, g, b] = value > 0 ? [120, 165, 255] : [255, 150, 60];
  data[at] = r * strength;
  data[at + 1] = g * strength;
  data[at + 2] = b * strength;
  data[at + 3] = 255;
}

// Tiles of height x width values as one picture; each tile's values begin at starts[i]. Small tiles
// are enlarged, so that the gaps between them stay narrow.
function paintTiles(canvas, values, starts, height, width, columns) {
  const rows = Math.ceil(starts.length / columns);
  const isRow = height === 1 && width > 1;
  const gap = isRow ? 0 : 1;
  const side = isRow ? 1 : Math.max(1, Math.round(SMALLEST_TILE / Math.max(height, width)));
  canvas.width = columns * (width * side + gap) - gap;
  canvas.height = rows * (height * side + gap) - gap;
  let largest = 1e-9;
  for (const start of starts) {
    for (let i = start; i < start + height * width; ++i) largest = Math.max(largest, Math.abs(values[i]));
  }
  const image = new ImageData(canvas.width, canvas.height);
  starts.forEach((start, tile) => {
    const top = Math.floor(tile / columns) * (height * side + gap);
    const left = (tile % columns) * (width * side + gap);
    for (let row = 0; row < height; ++row) {
      const line = 4 * ((top + row * side) * canvas.width + left);
      for (let column = 0; column < width; ++column) {
        const at = line + 4 * column * side;
        signedColour(values[start + row * width + column] / largest, image.data, at);
        for (let i = 1; i < side; ++i) image.data.copyWithin(at + 4 * i, at, at + 4);
      }
      for (let i = 1; i < side; ++i) image.data.copyWithin(line + 4 * i * canvas.width, line, line + 4 * width * side);
    }
  });
  canvas.getContext('2d').putImageData(image, 0, 0);
}

const range = (count, step) => Array.from({ length: count }, (_, i) => i * step);

// As many columns as make the whole about three times as wide as high; with full rows, where that
// is not far off.
export function columnsFor(count, height, width) {
  if (height * width === 1 && count <= 16) return count;
  const wished = Math.sqrt((3 * count * (height + 1)) / (width + 1));
  const off = (columns) => Math.abs(Math.log(columns / wished));
  const [best] = range(count, 1).map((i) => i + 1).filter((i) => count % i === 0).sort((a, b) => off(a) - off(b));
  return off(best) < Math.log(1.6) ? best : Math.max(1, Math.min(count, Math.round(wished)));
}

function paintActivation(canvas, shape, values) {
  const [height, width] = shape.length === 3 ? shape.slice(1) : [1, 1];
  const count = Math.min(shape.length === 3 ? MOST_MAPS : values.length, values.length / (height * width));
  paintTiles(canvas, values, range(count, height * width), height, width, columnsFor(count, height, width));
}

const some = (shown, all, what) => (shown < all ? `the first ${shown} of ${all} ${what}s` : `${all} ${what}${all === 1 ? '' : 's'}`);

// Kernels of a convolution: a column for each output, a row for each input. Of a dense layer that
// reads a picture: each output's weights as that picture. Else the matrix. Returns what it shows.
function paintKernel(canvas, shape, values) {
  if (shape.length === 4) {
    const [outputs, inputs, height, width] = shape;
    const columns = Math.min(outputs, inputs === 1 ? MOST_MAPS : MOST_KERNELS);
    const rows = Math.min(inputs, MOST_KERNEL_ROWS);
    const starts = range(rows * columns, 1).map((i) => ((i % columns) * inputs + Math.floor(i / columns)) * height * width);
    if (rows === 1) paintTiles(canvas, values, starts, height, width, columnsFor(columns, height, width));
    else paintTiles(canvas, values, starts, height, width, columns);
    const words = `${some(columns, outputs, 'kernel')}, ${some(rows, inputs, 'input')}`;
    return words[0].toUpperCase() + words.slice(1);
  }
  const [outputs, inputs] = [shape[0], shape.slice(1).reduce((a, b) => a * b, 1)];
  const side = Math.sqrt(inputs);
  if (Number.isInteger(side) && side >= 14) {
    const count = Math.min(outputs, 40);
    paintTiles(canvas, values, range(count, inputs), side, side, columnsFor(count, side, side));
    return `Weights of the first ${count} of ${outputs} outputs`;
  }
  const [high, wide] = [Math.min(outputs, 64), Math.min(inputs, 256)];
  paintTiles(canvas, values, range(high, inputs), 1, wide, 1);
  const words = `${some(high, outputs, 'output')}, ${some(wide, inputs, 'input')}`;
  return words[0].toUpperCase() + words.slice(1);
}

export class Seeing {
  // Null: it is not here.
  setNetwork(network) {
    this.network = network;
    find('nothing-inside').hidden = network !== null;
    find('speaks').hidden = find('layers').hidden = network === null;
    const layers = (network?.facts.layers ?? []).map((layer, index) => ({ ...layer, index }));
    this.views = layers.filter((layer) => !UNCHANGED.includes(layer.type)).map((layer) => {
      const canvas = make('canvas', { role: 'img', ariaLabel: `Output of ${layer.name}` });
      const shape = layer.shape.join(' × ');
      const title = make('h3', { textContent: `${layer.name} ` }, make('span', { textContent: `${layer.type} · ${shape}` }));
      return { view: make('div', { className: 'layer' }, title, canvas), canvas, layer };
    });
    find('layers').replaceChildren(...this.views.map((each) => each.view));
    this.showKernels(find('show-kernels').checked);
  }

  showKernels(shown) {
    const layers = this.views.map(({ layer }) => layer).filter((layer) => layer.kernel);
    find('kernels').hidden = !shown || layers.length === 0;
    find('kernel-list').replaceChildren(...(shown ? layers : []).map((layer) => {
      const canvas = make('canvas', { role: 'img', ariaLabel: `Kernels of ${layer.name}` });
      const words = paintKernel(canvas, layer.kernel_shape, this.network.kernel(layer.kernel));
      const title = make('h4', { textContent: `${layer.name} ` }, make('span', { textContent: words }));
      return make('div', { className: 'layer' }, title, canvas);
    }));
  }

  // What goes on inside while it sees `image` and answers `label`; null: there is no answer.
  show(image, label) {
    if (this.network === null) return;
    const { saliency, layers } = this.network.inspect(image, label ?? 0);
    if (label === null) saliency.fill(0);
    find('layers').classList.toggle('idle', label === null);
    const { height, width } = this.network.facts;
    this.paintSaliency(image, saliency, height, width);
    for (const { canvas, layer } of this.views) paintActivation(canvas, layer.shape, layers[layer.index]);
  }

  paintSaliency(image, saliency, height, width) {
    const canvas = find('saliency');
    canvas.width = width;
    canvas.height = height;
    const largest = saliency.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
    const picture = new ImageData(width, height);
    for (let i = 0; i < saliency.length; ++i) {
      signedColour(saliency[i] / largest, picture.data, 4 * i);
      // The digit shines through in grey.
      for (let c = 0; c < 3; ++c) picture.data[4 * i + c] = Math.min(255, picture.data[4 * i + c] + 0.25 * image[i]);
    }
    canvas.getContext('2d').putImageData(picture, 0, 0);
  }
}
