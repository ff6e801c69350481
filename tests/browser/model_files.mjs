// Model files as other programs write them, made of the program's own.

// A safetensors file without what the program adds to it, its tensors called as `rename` says.
export function bareWeights(file, rename) {
  const size = Number(file.readBigUInt64LE(0));
  const { __metadata__: ignored, ...tensors } = JSON.parse(file.subarray(8, 8 + size));
  const renamed = Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [rename(name), tensor]));
  const text = Buffer.from(JSON.stringify(renamed));
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([head, text, file.subarray(8 + size)]);
}

// ---- Protocol Buffers, as far as ONNX needs them: fields of numbers and of bytes ----

function readNumber(bytes, at) {
  let value = 0;
  for (let power = 1; ; power *= 128, ++at) {
    value += (bytes[at] % 128) * power;
    if (bytes[at] < 128) return [value, at + 1];
  }
}

function writeNumber(value) {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return Buffer.from([...bytes, value]);
}

// [{field, kind, whole, bytes}] of a message; `bytes` of fields that have a length.
function readMessage(bytes) {
  const fields = [];
  for (let at = 0; at < bytes.length;) {
    const start = at;
    let [tag, size] = [0, 0];
    [tag, at] = readNumber(bytes, at);
    const kind = tag % 8;
    if (kind === 0) [, at] = readNumber(bytes, at);
    else if (kind === 2) {
      [size, at] = readNumber(bytes, at);
      at += size;
    } else at += kind === 1 ? 8 : 4;
    fields.push({ field: Math.floor(tag / 8), whole: bytes.subarray(start, at), bytes: bytes.subarray(at - size, at) });
  }
  return fields;
}

const withLength = (field, bytes) => Buffer.concat([writeNumber(8 * field + 2), writeNumber(bytes.length), bytes]);

// An ONNX file whose tensors' bytes are in a file of their own called `name`: {model, data}.
export function withExternalData(file, name) {
  const parts = [];
  let size = 0;
  const entry = (key, value) => withLength(13, Buffer.concat([withLength(1, Buffer.from(key)), withLength(2, Buffer.from(String(value)))]));
  const tensor = (message) => Buffer.concat(readMessage(message).map(({ field, whole, bytes }) => {
    if (field !== 9) return whole;
    parts.push(bytes);
    size += bytes.length;
    return Buffer.concat([
      entry('location', name), entry('offset', size - bytes.length), entry('length', bytes.length), Buffer.from([14 * 8, 1]),
    ]);
  }));
  const graph = (message) => Buffer.concat(readMessage(message).map(({ field, whole, bytes }) => (field === 5 ? withLength(5, tensor(bytes)) : whole)));
  const model = Buffer.concat(readMessage(file).map(({ field, whole, bytes }) => (field === 7 ? withLength(7, graph(bytes)) : whole)));
  return { model, data: Buffer.concat(parts) };
}
