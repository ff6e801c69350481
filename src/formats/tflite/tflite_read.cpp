#include <fmt/format.h>

#include <algorithm>

#include "formats/tflite/tflite.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// Bounds against files that say the same table again and again.
constexpr size_t kMostTensors = 20'000;
constexpr size_t kMostOperators = 5'000;
constexpr size_t kMostOperands = 64;
constexpr size_t kMostExtents = 8;
constexpr size_t kMostScales = size_t{1} << 16;
constexpr uint32_t kVersion = 3;

// The places of fields in the schema's tables.
enum ModelField : uint16_t { kModelVersion, kOperatorCodes, kSubgraphs, kBuffers = 4 };
enum CodeField : uint16_t { kOldCode, kCustomCode, kCodeVersion, kCode };
enum SubgraphField : uint16_t { kTensors, kInputs, kOutputs, kOperators };
enum TensorField : uint16_t {
  kShape,
  kType,
  kBuffer,
  kName,
  kQuantization,
  kIsVariable,
  kSparsity,
  kSignature,
  kExternalBuffer = 10
};
enum BufferField : uint16_t { kData, kOffset, kSize };
enum OperatorField : uint16_t {
  kOpcodeIndex,
  kOperatorInputs,
  kOperatorOutputs,
  kOptionsType,
  kOptions
};
enum QuantizationField : uint16_t { kScale = 2, kZeroPoint = 3, kAxis = 6 };

Shape extents(const FlatBufferTable& table, uint16_t field, const char* name) {
  const std::vector<int32_t> values = table.numbers<int32_t>(field, kMostExtents, name);
  return {values.begin(), values.end()};
}

Shape shape_of(const FlatBufferTable& tensor) {
  Shape shape = extents(tensor, kShape, "shape");
  try {
    element_count(shape);
  } catch (const Error& error) {
    tensor.fail(error.what());
  }
  return shape;
}

std::span<const std::byte> buffer_data(const FlatBufferTable& buffer,
                                       std::span<const std::byte> file) {
  const auto offset = buffer.number<uint64_t>(kOffset, 0, "offset");
  if (offset <= 1) return buffer.bytes(kData, "data");
  // Behind the tables, in files that were made to be larger than 2 GB.
  const auto size = buffer.number<uint64_t>(kSize, 0, "size");
  if (offset > file.size() || size > file.size() - offset) {
    buffer.fail("its data goes beyond the file's end");
  }
  return file.subspan(static_cast<size_t>(offset), static_cast<size_t>(size));
}

TfliteTensor read_tensor(const FlatBufferTable& table, const FlatBufferTables& buffers,
                         std::span<const std::byte> file) {
  const auto buffer = table.number<uint32_t>(kBuffer, 0, "buffer");
  if (buffer >= buffers.size() && buffer != 0) table.fail("a buffer that is not there");
  if (table.number<uint32_t>(kExternalBuffer, 0, "external_buffer") != 0) {
    table.fail("its values lie in another file, which is not read");
  }
  return {.name = table.text(kName, "name"),
          .shape = shape_of(table),
          .signature = extents(table, kSignature, "shape_signature"),
          .type = static_cast<TfliteType>(table.number<int8_t>(kType, 0, "type")),
          .data = buffer == 0 ? std::span<const std::byte>() : buffer_data(buffers[buffer], file),
          .is_sparse = table.has(kSparsity, "sparsity"),
          .table = table};
}

TfliteOperator read_operator(const FlatBufferTable& table, const FlatBufferTables& codes) {
  const auto index = table.number<uint32_t>(kOpcodeIndex, 0, "opcode_index");
  if (index >= codes.size()) table.fail("an operator code that is not there");
  const FlatBufferTable code = codes[index];
  // Files older than the codes above 127 have the first field only.
  const int8_t old_code = code.number<int8_t>(kOldCode, 0, "deprecated_builtin_code");
  const int32_t new_code = code.number<int32_t>(kCode, 0, "builtin_code");
  return {.code = std::max<int32_t>(old_code, new_code),
          .custom_code = code.text(kCustomCode, "custom_code"),
          .inputs = table.numbers<int32_t>(kOperatorInputs, kMostOperands, "inputs"),
          .outputs = table.numbers<int32_t>(kOperatorOutputs, kMostOperands, "outputs"),
          .table = table};
}

void check_tensors(const FlatBufferTable& table, const std::vector<int32_t>& numbers, int32_t least,
                   size_t count) {
  for (int32_t number : numbers) {
    if (number < least || number >= static_cast<int64_t>(count)) {
      table.fail(fmt::format("tensor {}, there are {}", number, count));
    }
  }
}

}  // namespace

TfliteQuantization TfliteTensor::quantization() const {
  if (!table.has(kQuantization, "quantization")) return {};
  const FlatBufferTable found = table.table(kQuantization, "quantization");
  return {.scales = found.numbers<float>(kScale, kMostScales, "scale"),
          .zero_points = found.numbers<int64_t>(kZeroPoint, kMostScales, "zero_point"),
          .axis = found.number<int32_t>(kAxis, 0, "quantized_dimension")};
}

std::optional<FlatBufferTable> TfliteOperator::options(uint8_t type) const {
  if (table.number<uint8_t>(kOptionsType, 0, "builtin_options_type") != type) return std::nullopt;
  if (!table.has(kOptions, "builtin_options")) return std::nullopt;
  return table.table(kOptions, "builtin_options");
}

TfliteModel read_tflite(std::span<const std::byte> bytes, const std::string& who) {
  const FlatBufferTable root = FlatBufferTable::root(bytes, who, "model");
  const auto version = root.number<uint32_t>(kModelVersion, 0, "version");
  if (version != kVersion) root.fail(fmt::format("version {}, {} expected", version, kVersion));
  const FlatBufferTables codes = root.tables(kOperatorCodes, "operator code");
  const FlatBufferTables buffers = root.tables(kBuffers, "buffer");
  const FlatBufferTables subgraphs = root.tables(kSubgraphs, "subgraph");
  if (subgraphs.size() == 0) root.fail("it has no subgraph");
  const FlatBufferTable graph = subgraphs[0];

  TfliteModel model;
  model.who = who;
  const FlatBufferTables tensors = graph.tables(kTensors, "tensor");
  const FlatBufferTables operators = graph.tables(kOperators, "operator");
  if (tensors.size() > kMostTensors || operators.size() > kMostOperators) {
    graph.fail(fmt::format("{} tensors and {} operators, at most {} and {} expected",
                           tensors.size(), operators.size(), kMostTensors, kMostOperators));
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    model.tensors.push_back(read_tensor(tensors[i], buffers, bytes));
  }
  model.inputs = graph.numbers<int32_t>(kInputs, kMostOperands, "inputs");
  model.outputs = graph.numbers<int32_t>(kOutputs, kMostOperands, "outputs");
  check_tensors(graph, model.inputs, 0, tensors.size());
  check_tensors(graph, model.outputs, 0, tensors.size());
  for (size_t i = 0; i < operators.size(); ++i) {
    model.operators.push_back(read_operator(operators[i], codes));
    check_tensors(operators[i], model.operators[i].inputs, -1, tensors.size());
    check_tensors(operators[i], model.operators[i].outputs, 0, tensors.size());
  }
  return model;
}

}  // namespace mnist
