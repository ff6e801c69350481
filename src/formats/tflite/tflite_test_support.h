// TensorFlow Lite files for tests.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "formats/flatbuffers_test_support.h"
#include "formats/format_list.h"
#include "formats/tflite/tflite.h"
#include "mnist/error.h"

namespace mnist {

class TfliteWriter {
 public:
  TfliteWriter() { buffers_.emplace_back(); }

  // Each gives its number. A tensor without values is one that is computed.
  template <typename T = float>
  int32_t tensor(const std::string& name, std::vector<int32_t> shape, TfliteType type,
                 const std::vector<T>& values = {}, const FlatTable& quantization = {}) {
    FlatTable tensor;
    tensor.numbers(0, shape).number(1, static_cast<int8_t>(type)).text(3, name);
    if (!values.empty()) {
      const std::string raw(reinterpret_cast<const char*>(values.data()),
                            values.size() * sizeof(T));
      tensor.number(2, static_cast<uint32_t>(buffers_.size()));
      buffers_.push_back(FlatTable().text(0, raw));
    }
    if (!quantization.fields.empty()) tensor.table(4, quantization);
    tensors_.push_back(tensor);
    return static_cast<int32_t>(tensors_.size() - 1);
  }
  static FlatTable quantization(const std::vector<float>& scales,
                                const std::vector<int64_t>& zero_points, int32_t axis = 0) {
    return FlatTable().numbers(2, scales).numbers(3, zero_points).number(6, axis);
  }

  void op(int32_t code, const std::vector<int32_t>& inputs, const std::vector<int32_t>& outputs,
          uint8_t options_type = 0, const FlatTable& options = {}) {
    FlatTable op;
    op.number(0, static_cast<uint32_t>(codes_.size())).numbers(1, inputs).numbers(2, outputs);
    if (options_type != 0) op.number(3, options_type).table(4, options);
    codes_.push_back(
        FlatTable().number(0, static_cast<int8_t>(code > 127 ? 127 : code)).number(3, code));
    operators_.push_back(op);
  }
  void custom(const std::string& name, const std::vector<int32_t>& inputs,
              const std::vector<int32_t>& outputs) {
    op(32, inputs, outputs);
    codes_.back().text(1, name);
  }

  std::string file(int32_t input, int32_t output) const {
    FlatTable graph;
    graph.tables(0, tensors_)
        .numbers<int32_t>(1, {input})
        .numbers<int32_t>(2, {output})
        .tables(3, operators_);
    FlatTable model;
    model.number(0, uint32_t{3})
        .tables(1, codes_)
        .tables(2, {graph})
        .text(3, "test")
        .tables(4, buffers_);
    return FlatWriter::file(model, "TFL3");
  }

 private:
  std::vector<FlatTable> tensors_;
  std::vector<FlatTable> buffers_;
  std::vector<FlatTable> codes_;
  std::vector<FlatTable> operators_;
};

inline Model read_tflite_text(const std::string& file) {
  const auto alone = [](const std::string&, uint64_t) -> std::vector<std::byte> { return {}; };
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(file.data()),
                                         file.size());
  Model model = std::get<Model>(format_by_name("tflite").read({"net.tflite", bytes, alone}));
  try {
    check_model(model);
  } catch (const Error& error) {  // whose messages are of the document
    throw Error(std::string("net.tflite: ") + error.what());
  }
  return model;
}

}  // namespace mnist
