#include "formats/tfjs/weights.h"

#include <fmt/format.h>

#include <set>

#include "base/bytes.h"
#include "base/text.h"
#include "mnist/error.h"
#include "model/graph_json.h"

namespace mnist {
namespace {

constexpr size_t kMostShards = 10'000;

std::vector<std::byte> read_group(const JsonView& group, const ModelSource& source,
                                  std::set<std::string>& seen) {
  std::vector<std::byte> values;
  const std::vector<std::string> paths = group.at("paths").texts();
  if (paths.size() > kMostShards) group.fail("too many files");
  for (const std::string& path : paths) {
    if (!seen.insert(path).second) group.fail("a file that is named twice");
    const std::vector<std::byte> part = source.beside(path, kLargestFile - values.size());
    values.insert(values.end(), part.begin(), part.end());
  }
  return values;
}

int64_t type_number(const JsonView& type) {
  const std::string name = type.text();
  if (name == "float32") return kTfFloat;
  if (name == "float16") return kTfHalf;
  if (name == "int32") return kTfInt32;
  if (name == "uint8") return kTfUint8;
  if (name == "bool") return kTfBool;
  type.fail(fmt::format("data type '{}' is not read", printable(name, 40)));
}

// Of values that are stored as whole steps of `scale` from `min`.
TfConstant dequantised(const JsonView& quantization, const Shape& shape, ByteReader& reader) {
  const JsonView type = quantization.at("dtype");
  const bool is_wide = type.text() == "uint16";
  if (!is_wide && type.text() != "uint8") type.fail("uint8, uint16 or float16 expected");
  const double scale = quantization.at("scale").number();
  const double least = quantization.at("min").number();
  TfConstant constant{.shape = shape};
  const size_t count = element_count(shape);
  ByteReader(reader).take(uint64_t{count} * (is_wide ? 2 : 1), "values");
  for (size_t i = 0; i < count; ++i) {
    const uint32_t step =
        is_wide ? reader.little<uint16_t>("value") : reader.little<uint8_t>("value");
    constant.floats.push_back(static_cast<float>(scale * step + least));
  }
  return constant;
}

TfConstant read_weight(const JsonView& weight, ByteReader& reader) {
  const Shape shape = shape_from_json(weight.at("shape"));
  int64_t type = type_number(weight.at("dtype"));
  if (weight.has("quantization")) {
    const JsonView quantization = weight.at("quantization");
    if (quantization.at("dtype").text() != "float16") {
      return dequantised(quantization, shape, reader);
    }
    type = kTfHalf;
  }
  const uint64_t width = type == kTfHalf ? 2 : type == kTfUint8 || type == kTfBool ? 1 : 4;
  const uint64_t size = uint64_t{element_count(shape)} * width;  // below 2^34
  return decode_constant(type, shape, reader.take(size, "values"), reader.who());
}

}  // namespace

std::map<std::string, TfConstant> read_tfjs_weights(const JsonView& manifest,
                                                    const ModelSource& source) {
  std::map<std::string, TfConstant> weights;
  std::set<std::string> files;
  for (const JsonView& group : manifest.elements()) {
    const std::vector<std::byte> values = read_group(group, source, files);
    ByteReader reader(values, fmt::format("{}: weights", source.who));
    for (const JsonView& weight : group.at("weights").elements()) {
      const std::string name = weight.at("name").text();
      if (!weights.emplace(name, read_weight(weight, reader)).second) {
        weight.fail(fmt::format("weight '{}' is there twice", printable(name, 80)));
      }
    }
    if (reader.remaining() != 0) reader.fail("bytes behind the last weight");
  }
  return weights;
}

}  // namespace mnist
