#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string_view>

#include "base/json.h"
#include "classify/evaluate.h"
#include "mnist/error.h"
#include "serve/infer.h"

namespace mnist {
namespace {

std::string_view name_of(OutputKind kind) {
  return kind == OutputKind::kProbabilities ? "probabilities"
         : kind == OutputKind::kClass       ? "class"
                                            : "logits";
}

void append_json(std::span<const float> values, std::string& text) {
  std::array<char, 64> buffer;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += ',';
    text += shortest_json(values[i], buffer);
  }
}

void append_json(std::span<const int64_t> values, std::string& text) {
  text += fmt::format("{}", fmt::join(values, ","));
}

// The response while it is written: its JSON, and the bytes that follow it.
struct Writer {
  std::string json;
  std::string binary;

  template <class Value>
  void add(const RequestedOutput& output, const std::string& shape, std::span<const Value> values) {
    json += fmt::format("{{\"name\":\"{}\",\"datatype\":\"{}\",\"shape\":{},", name_of(output.kind),
                        output.kind == OutputKind::kClass ? "INT64" : "FP32", shape);
    if (output.is_binary) {
      const auto bytes = std::as_bytes(values);
      json += fmt::format("\"parameters\":{{\"binary_data_size\":{}}}}}", bytes.size());
      binary.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    } else {
      json += "\"data\":[";
      append_json(values, json);
      json += "]}";
    }
  }
};

std::vector<int64_t> classes_of(std::span<const float> logits, size_t classes) {
  std::vector<int64_t> result;
  for (auto row = logits.begin(); row != logits.end();) {
    const auto end = row + static_cast<std::ptrdiff_t>(classes);
    result.push_back(std::max_element(row, end) - row);
    row = end;
  }
  return result;
}

std::vector<float> probabilities_of(std::vector<float> logits, size_t classes) {
  for (size_t at = 0; at < logits.size(); at += classes) softmax(logits.data() + at, classes);
  return logits;
}

std::string tensor(std::string_view name, std::string_view datatype, const std::string& shape) {
  return fmt::format("{{\"name\":\"{}\",\"datatype\":\"{}\",\"shape\":{}}}", name, datatype, shape);
}

}  // namespace

Response infer_response(const InferRequest& request, const ServedModel& model,
                        std::vector<float> logits) {
  if (!std::all_of(logits.begin(), logits.end(),
                   [](float value) { return std::isfinite(value); })) {
    throw Error(fmt::format("{}: its outputs for this are not finite", model.name()));
  }
  const size_t classes = model.classes();
  const std::string matrix = fmt::format("[{},{}]", request.images, classes);
  Writer writer;
  writer.json =
      fmt::format("{{\"model_name\":\"{}\",\"model_version\":\"{}\",", model.name(), kModelVersion);
  if (request.id) writer.json += fmt::format("\"id\":{},", quote_json(*request.id, "id"));
  writer.json += "\"outputs\":[";
  for (const RequestedOutput& output : request.outputs) {
    if (&output != request.outputs.data()) writer.json += ',';
    if (output.kind == OutputKind::kClass) {
      writer.add(output, fmt::format("[{}]", request.images),
                 std::span<const int64_t>(classes_of(logits, classes)));
    } else if (output.kind == OutputKind::kLogits) {
      writer.add(output, matrix, std::span<const float>(logits));
    } else {
      writer.add(output, matrix, std::span<const float>(probabilities_of(logits, classes)));
    }
  }
  writer.json += "]}";
  Response response;
  if (!writer.binary.empty()) {
    response.content_type = "application/octet-stream";
    response.headers.emplace_back("Inference-Header-Content-Length",
                                  std::to_string(writer.json.size()));
  }
  response.body = std::move(writer.json) + writer.binary;
  return response;
}

std::string model_metadata(const ServedModel& model) {
  const std::string matrix = fmt::format("[-1,{}]", model.classes());
  return fmt::format(
      "{{\"name\":\"{}\",\"versions\":[\"{}\"],\"platform\":\"mnist_cpp\",\"inputs\":[{}],"
      "\"outputs\":[{},{},{}]}}",
      model.name(), kModelVersion,
      tensor("input", "UINT8", fmt::format("[-1,{},{}]", model.size().height, model.size().width)),
      tensor("probabilities", "FP32", matrix), tensor("class", "INT64", "[-1]"),
      tensor("logits", "FP32", matrix));
}

}  // namespace mnist
