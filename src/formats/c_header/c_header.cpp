// A network as one C99 file that needs nothing but the standard library: constants, a function for
// every layer, and digit_predict, which takes pixels and gives probabilities.
//
// It is written to be read, by people and by compilers: a layer's sizes are numbers in its
// function. With TensorType::kInt8 the weights of convolutions and dense layers are signed bytes, a
// scale for each output; activations stay float.
#include <algorithm>
#include <map>
#include <memory>

#include "formats/c_header/c_functions.h"
#include "formats/c_header/c_memory.h"
#include "formats/c_header/c_ops.h"
#include "formats/format_list.h"
#include "ops/op_list.h"

namespace mnist {
namespace {

bool is_softmax(const Node& node) { return node.type == "Softmax" || node.type == "LogSoftmax"; }

// The network as steps that compute something.
class Program {
 public:
  explicit Program(const Model& model) : model_(model), output_(model.output) {
    shapes_[model.input] = model.input_shape;
    for (const Node& node : model.nodes) {
      ops_.push_back(make_op(op_spec(model, node, shapes_)));
      shapes_[node.outputs[0]] = ops_.back()->output_shape();
    }
    for (const Node& node : model.nodes) {
      // digit_predict ends in a softmax anyway.
      if (is_softmax(node) && node.outputs[0] == model.output) output_ = node.inputs[0];
    }
    find_needed();
    place();
  }

  size_t outputs() const { return element_count(shapes_.at(output_)); }
  size_t floats() const { return memory_.floats(); }
  std::string expression(const std::string& value) const {
    return fmt::format("memory + {}", memory_.offset(value));
  }
  std::string output() const { return expression(output_); }

  const std::map<std::string, Shape>& shapes() const { return shapes_; }  // of activations

  // The nodes that compute something which the output needs.
  template <typename Visit>
  void each_step(Visit visit) const {
    for (size_t i = 0; i < model_.nodes.size(); ++i) {
      if (is_step(i)) visit(model_.nodes[i]);
    }
  }

 private:
  bool is_step(size_t i) const { return needed_[i] && !ops_[i]->is_view(false); }

  void find_needed() {
    std::set<std::string> values = {output_};
    needed_.resize(model_.nodes.size());
    for (size_t i = model_.nodes.size(); i-- > 0;) {
      const Node& node = model_.nodes[i];
      needed_[i] = values.contains(node.outputs[0]);
      if (needed_[i]) values.insert(node.inputs.begin(), node.inputs.end());
    }
  }

  void place() {
    CMemory lives;  // who is read last when
    lay_out(lives, [](const Node&, size_t) { return false; });
    lay_out(memory_, [&](const Node& node, size_t step) {
      const std::string& input = activation(node);
      return c_works_in_place(node) && lives.last_use(input) == step &&
             element_count(shapes_.at(input)) == element_count(shapes_.at(node.outputs[0]));
    });
    memory_.place();
  }

  template <typename InPlace>
  void lay_out(CMemory& memory, InPlace in_place) const {
    memory.add(model_.input, element_count(model_.input_shape), 0);
    for (size_t i = 0; i < model_.nodes.size(); ++i) {
      if (!needed_[i]) continue;
      const Node& node = model_.nodes[i];
      const std::string& value = node.outputs[0];
      const size_t step = i + 1;
      for (const std::string& input : node.inputs) {
        if (shapes_.contains(input)) memory.use(input, step);
      }
      if (!is_step(i) || in_place(node, step)) {
        memory.add_alias(value, activation(node));
      } else {
        memory.add(value, element_count(shapes_.at(value)), step);
      }
    }
    memory.use(output_, model_.nodes.size() + 1);
  }

  // The node's first input that is not a weight.
  const std::string& activation(const Node& node) const {
    return *std::find_if(node.inputs.begin(), node.inputs.end(),
                         [&](const std::string& input) { return shapes_.contains(input); });
  }

  const Model& model_;
  std::string output_;
  std::vector<std::unique_ptr<Op>> ops_;
  std::map<std::string, Shape> shapes_;
  std::vector<bool> needed_;
  CMemory memory_;
};

CParts parts_of(const Model& model, const Program& program, TensorType type) {
  CParts parts;
  parts.type = type;
  add_c_softmax_helper(parts);
  CNames names;
  for (const char* taken : {"predict", "class_name"}) names.add(taken);
  add_c_names(names);
  program.each_step([&](const Node& node) {
    CNode c{op_spec(model, node, program.shapes()),
            program.shapes().at(node.outputs[0]),
            "digit_" + names.add(node.name),
            {},
            program.expression(node.outputs[0])};
    for (const std::string& input : node.inputs) {
      c.inputs.push_back(program.shapes().contains(input) ? program.expression(input) : "");
    }
    const std::string comment =
        fmt::format("\n/* {}: {} -> {} */", c_comment(node.name), node.type, to_string(c.output));
    add_c_op(c, comment, parts);
    parts.calls.back() += fmt::format("  /* {} */", to_string(c.output));
  });
  return parts;
}

void add_head(CText& text, const Model& model, const Program& program) {
  text.line("/* A classifier of images, written by mnist.cpp from '{}'.",
            c_comment(model.architecture));
  text.line("");
  text.line("   #include \"digit.h\"");
  text.line("   float probabilities[DIGIT_CLASSES];");
  text.line("   int label = digit_predict(pixels, probabilities);");
  text.line("");
  text.line(
      "   C99 or C++; link with -lm where the system asks for it. Nothing is allocated, no state "
      "is");
  text.line("   kept: digit_predict may run in several threads. It needs {} bytes of stack; with",
            program.floats() * sizeof(float));
  text.line("   DIGIT_STATIC defined they are static, and one thread at a time may call it. */");
  text.line("#ifndef DIGIT_H");
  text.line("#define DIGIT_H");
  text.line("");
  text.line("#include <float.h>");
  text.line("#include <math.h>");
  text.line("#include <stdint.h>");
  text.line("");
  text.line("#define DIGIT_PIXELS {}  /* {}, 0 to 255, row by row */",
            element_count(model.input_shape), to_string(model.input_shape));
  text.line("#define DIGIT_CLASSES {}", program.outputs());
}

void add_predict(CText& text, const Model& model, const Program& program, const CParts& parts) {
  text.line("");
  text.line("/* The most probable class, and the probabilities of all. */");
  text.open(
      "static inline int digit_predict(const uint8_t pixels[DIGIT_PIXELS],\n"
      "                                float probabilities[DIGIT_CLASSES])");
  text.line("#ifdef DIGIT_STATIC");
  text.line("static");
  text.line("#endif");
  text.line("float memory[{}];", program.floats());
  text.line("int best = 0;");
  text.line("float *const input = {};", program.expression(model.input));
  text.line("const float *const output = {};", program.output());
  const auto offset = static_cast<float>(model.pixels.offset);
  text.line("for (int i = 0; i < DIGIT_PIXELS; ++i) input[i] = (float)pixels[i] * {}{};",
            c_float(static_cast<float>(model.pixels.scale)),
            offset == 0.0F ? "" : " + " + c_float(offset));
  for (const std::string& call : parts.calls) text.line(call);
  text.line("for (int i = 0; i < DIGIT_CLASSES; ++i) probabilities[i] = output[i];");
  text.line("digit_softmax(probabilities, probabilities, DIGIT_CLASSES, DIGIT_CLASSES, 1);");
  text.open("for (int i = 1; i < DIGIT_CLASSES; ++i)");
  text.line("if (probabilities[i] > probabilities[best]) best = i;");
  text.close();
  text.line("return best;");
  text.close();
}

void add_class_names(CText& text, const Model& model) {
  if (model.class_names.empty()) return;
  text.line("");
  text.open("static inline const char *digit_class_name(int label)");
  text.open("switch (label)");
  for (size_t i = 0; i < model.class_names.size(); ++i) {
    text.line("case {}: return {};", i, c_string(model.class_names[i]));
  }
  text.close();
  text.line("return \"\";");
  text.close();
}

void write(const Model& model, const SaveOptions& options, Sink& sink) {
  const Program program(model);
  const CParts parts = parts_of(model, program, options.tensor_type);
  CText text;
  add_head(text, model, program);
  sink.write(text.text());
  for (const auto& [name, helper] : parts.helpers) sink.write("\n" + helper);
  sink.write(parts.functions.text());
  CText end;
  add_predict(end, model, program, parts);
  add_class_names(end, model);
  end.line("");
  end.line("#endif");
  sink.write(end.text());
}

// The weights of a convolution, or of a dense layer stored (outputs, inputs) or the other way
// round, as they come back from bytes.
void round_to_bytes(Tensor& tensor, bool is_transposed) {
  const auto outputs = static_cast<size_t>(tensor.shape[is_transposed ? 1 : 0]);
  const size_t inputs = tensor.values.size() / outputs;
  const auto place = [&](size_t i) {
    return is_transposed ? i % inputs * outputs + i / inputs : i;
  };
  std::vector<float> rows(tensor.values.size());
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = tensor.values[place(i)];
  const CBytes bytes = c_bytes(rows, outputs);
  for (size_t i = 0; i < rows.size(); ++i) {
    tensor.values[place(i)] = static_cast<float>(bytes.values[i]) * bytes.scales[i / inputs];
  }
}

Model as_written(const Model& model, const SaveOptions& options) {
  Model written = model;
  if (options.tensor_type != TensorType::kInt8) return written;
  for (const Node& node : model.nodes) {
    if (node.type != "Conv" && node.type != "Gemm") continue;
    Tensor& tensor = written.weights.at(node.inputs[1]);
    round_to_bytes(tensor, node.type == "Gemm" && node.integer("transB", 0) == 0);
  }
  return written;
}

bool recognises(std::span<const std::byte>) { return false; }

}  // namespace

extern const Format kCHeader;
const Format kCHeader = {
    .name = "c",
    .description = "one C99 file without dependencies: the network as digit_predict()",
    .suffixes = {".h"},
    .recognises = recognises,
    .read = nullptr,
    .write = write,
    .abilities = {.types = {TensorType::kF32, TensorType::kInt8}},
    .as_written = as_written,
};

}  // namespace mnist
