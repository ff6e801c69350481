// MNIST's own file format: https://yann.lecun.com/exdb/mnist

const IMAGES = 0x0803;
const LABELS = 0x0801;

function withHeader(numbers, bytes) {
  const file = new Uint8Array(4 * numbers.length + bytes.length);
  const view = new DataView(file.buffer);
  numbers.forEach((number, i) => view.setUint32(4 * i, number));
  file.set(bytes, 4 * numbers.length);
  return file;
}

export function writeImages(images, height, width) {
  const bytes = new Uint8Array(images.length * height * width);
  images.forEach((image, i) => bytes.set(image, i * height * width));
  return withHeader([IMAGES, images.length, height, width], bytes);
}

export function writeLabels(labels) {
  return withHeader([LABELS, labels.length], Uint8Array.from(labels));
}

// {pixels, labels, count} of two files of the page's own.
export function readDigits(images, labels) {
  const view = new DataView(images.buffer, images.byteOffset);
  const count = view.getUint32(4);
  if (view.getUint32(0) !== IMAGES || labels.length !== 8 + count || images.length !== 16 + count * 784) {
    throw new Error('the test digits are damaged');
  }
  return { pixels: images.subarray(16), labels: labels.subarray(8), count };
}
