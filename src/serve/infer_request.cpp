#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>

#include "base/json.h"
#include "base/text.h"
#include "mnist/error.h"
#include "serve/infer.h"

namespace mnist {
namespace {

constexpr char kWho[] = "request";
constexpr char kHeaderLength[] = "Inference-Header-Content-Length";

// The tensors that come as bytes, behind the JSON.
struct Body {
  std::string_view json;
  std::string_view binary;
};

Body split_body(const Request& request) {
  const std::string_view body = request.body;
  const auto header = request.header(kHeaderLength);
  if (!header) return {body, {}};
  size_t length = 0;
  const auto parsed = std::from_chars(header->data(), header->data() + header->size(), length);
  if (parsed.ec != std::errc() || parsed.ptr != header->data() + header->size() ||
      length > body.size()) {
    throw Error(fmt::format("{}: {}: a number up to the content's {} bytes expected", kWho,
                            kHeaderLength, body.size()));
  }
  return {body.substr(0, length), body.substr(length)};
}

// The images that `shape` says, of any of the forms of infer.h.
size_t parse_shape(const JsonView& view, const InputSize& size) {
  const std::vector<int64_t> shape = view.integers();
  const auto height = static_cast<int64_t>(size.height);
  const auto width = static_cast<int64_t>(size.width);
  const std::vector<std::vector<int64_t>> forms = {
      {height, width}, {1, height, width}, {height * width}};
  for (const std::vector<int64_t>& form : forms) {
    if (shape.size() != form.size() + 1 ||
        !std::equal(form.begin(), form.end(), shape.begin() + 1)) {
      continue;
    }
    if (shape.front() < 1 || shape.front() > (1 << 20)) break;
    return static_cast<size_t>(shape.front());
  }
  view.fail(fmt::format("[n,{0},{1}], [n,1,{0},{1}] or [n,{2}] expected, n at least 1", height,
                        width, height * width));
}

// Reads `data`, flat or nested as the shape is, into numbers one behind the other.
template <class Value>
class DataReader {
 public:
  DataReader(const JsonView& view, std::vector<int64_t> shape, size_t elements)
      : view_(view), shape_(std::move(shape)), elements_(elements) {}

  std::vector<Value> read() {
    const Json& data = view_.value();
    if (!data.is_array()) view_.fail("an array expected");
    // A request of few bytes cannot claim many elements: memory follows what is there.
    const bool is_nested = !data.empty() && data.front().is_array();
    if (is_nested) {
      add_nested(data, 0);
    } else {
      add_row(data, elements_);
    }
    return std::move(values_);
  }

 private:
  void add_nested(const Json& array, size_t depth) {
    const auto extent = static_cast<size_t>(shape_[depth]);
    if (depth + 1 == shape_.size()) {
      add_row(array, extent);
      return;
    }
    expect_extent(array, extent);
    for (const Json& element : array) add_nested(element, depth + 1);
  }
  void add_row(const Json& array, size_t extent) {
    expect_extent(array, extent);
    values_.reserve(values_.size() + extent);
    for (const Json& element : array) values_.push_back(value_of(element));
  }
  void expect_extent(const Json& array, size_t extent) {
    if (!array.is_array() || array.size() != extent) {
      view_.fail(fmt::format("does not have the shape's {} elements, flat or nested", elements_));
    }
  }
  Value value_of(const Json& element) {
    if constexpr (std::is_same_v<Value, uint8_t>) {
      if (!element.is_number_unsigned() || element.get<uint64_t>() > 255) {
        view_.fail("whole numbers from 0 to 255 expected in UINT8");
      }
      return static_cast<uint8_t>(element.get<uint64_t>());
    } else {
      const double value = element.is_number() ? element.get<double>() : NAN;
      const auto rounded = static_cast<float>(value);
      if (!std::isfinite(rounded)) view_.fail("numbers within float32's range expected in FP32");
      return rounded;
    }
  }

  const JsonView& view_;
  std::vector<int64_t> shape_;
  size_t elements_;
  std::vector<Value> values_;
};

template <class Value>
std::vector<Value> binary_values(const JsonView& input, size_t elements, std::string_view binary) {
  static_assert(std::endian::native == std::endian::little);
  const JsonView parameters = input.at("parameters");
  parameters.expect_keys({"binary_data_size"});
  const JsonView size = parameters.at("binary_data_size");
  const size_t bytes = elements * sizeof(Value);
  if (size.integer() < 0 || static_cast<size_t>(size.integer()) != bytes ||
      binary.size() != bytes) {
    size.fail(
        fmt::format("{} bytes expected by shape and datatype, {} are there", bytes, binary.size()));
  }
  std::vector<Value> values(elements);
  std::memcpy(values.data(), binary.data(), bytes);
  if constexpr (std::is_same_v<Value, float>) {
    for (float value : values) {
      if (!std::isfinite(value)) input.fail("finite numbers expected in FP32");
    }
  }
  return values;
}

template <class Value>
std::vector<Value> input_values(const JsonView& input, size_t elements, std::string_view binary) {
  if (!input.has("data")) {
    if (!input.has("parameters")) input.fail("'data' is missing");
    return binary_values<Value>(input, elements, binary);
  }
  if (!binary.empty()) input.fail("'data' and bytes behind the JSON exclude each other");
  if (input.has("parameters")) input.at("parameters").expect_keys({});
  return DataReader<Value>(input.at("data"), input.at("shape").integers(), elements).read();
}

void parse_input(const JsonView& input, const ServedModel& model, std::string_view binary,
                 InferRequest& result) {
  input.expect_keys({"name", "shape", "datatype", "parameters", "data"});
  if (input.at("name").text() != "input") input.at("name").fail("'input' expected");
  result.images = parse_shape(input.at("shape"), model.size());
  const size_t elements = result.images * model.size().pixels();
  const std::string datatype = input.at("datatype").text();
  if (datatype == "UINT8") {
    result.pixels = input_values<uint8_t>(input, elements, binary);
  } else if (datatype == "FP32") {
    result.inputs = input_values<float>(input, elements, binary);
  } else {
    input.at("datatype").fail("UINT8 (pixels) or FP32 (network inputs) expected");
  }
}

bool flag(const JsonView& parameters, const std::string& name, bool otherwise) {
  parameters.expect_keys({name});
  if (!parameters.has(name)) return otherwise;
  const JsonView value = parameters.at(name);
  if (!value.value().is_boolean()) value.fail("true or false expected");
  return value.value().get<bool>();
}

RequestedOutput parse_output(const JsonView& output, bool is_binary) {
  output.expect_keys({"name", "parameters"});
  RequestedOutput result;
  const std::string name = output.at("name").text();
  if (name == "class") {
    result.kind = OutputKind::kClass;
  } else if (name == "logits") {
    result.kind = OutputKind::kLogits;
  } else if (name != "probabilities") {
    output.at("name").fail("'probabilities', 'class' or 'logits' expected");
  }
  result.is_binary = output.has("parameters")
                         ? flag(output.at("parameters"), "binary_data", is_binary)
                         : is_binary;
  return result;
}

void parse_outputs(const JsonView& view, InferRequest& result) {
  const bool is_binary =
      view.has("parameters") && flag(view.at("parameters"), "binary_data_output", false);
  if (!view.has("outputs") || view.at("outputs").elements().empty()) {
    for (const OutputKind kind : kAllOutputs) result.outputs.push_back({kind, is_binary});
    return;
  }
  for (const JsonView& output : view.at("outputs").elements()) {
    const RequestedOutput parsed = parse_output(output, is_binary);
    for (const RequestedOutput& other : result.outputs) {
      if (other.kind == parsed.kind) output.fail("this output is asked for twice");
    }
    result.outputs.push_back(parsed);
  }
}

}  // namespace

InferRequest parse_infer(const Request& request, const ServedModel& model) {
  const Body body = split_body(request);
  const Json document = parse_json(body.json, kWho);
  const JsonView view(document, kWho);
  view.expect_keys({"id", "parameters", "inputs", "outputs"});
  InferRequest result;
  if (view.has("id")) result.id = view.at("id").text();
  parse_outputs(view, result);
  const std::vector<JsonView> inputs = view.at("inputs").elements();
  if (inputs.size() != 1) view.at("inputs").fail("one input expected");
  parse_input(inputs.front(), model, body.binary, result);
  return result;
}

}  // namespace mnist
