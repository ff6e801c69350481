// What a model file may mean, as GGUF files: `files` are the model and those that it names, each
// {name, bytes}, `digits` are {pixels, labels} to choose by. Returns {networks, has_network, readings},
// the best reading first: {file, network, scaling, fit, correct, images}, of no images where there was
// nothing to choose or none makes sense of them.
export function readFiles(reader, [model, ...beside], { pixels, labels }) {
  for (const { name, bytes } of beside) reader.call('put_beside', bytes, name);
  reader.call('read', model.bytes, model.name, pixels, labels);
  const found = reader.json();
  const readings = found.readings.map((reading, i) => {
    reader.call('reading', i);
    return { ...reading, file: reader.bytes() };
  });
  return { ...found, readings };
}
