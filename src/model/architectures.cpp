#include "model/architectures.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// Writes a chain of layers down, keeping the shape of an image on its way through it.
class Chain {
 public:
  Chain(const std::string& name, const Shape& input_shape) : shape_(input_shape) {
    model_.architecture = name;
    model_.input_shape = input_shape;
    last_ = model_.input;
  }

  // Stride 1; `pad` pixels of zeros on each side.
  Chain& conv(int64_t channels, int64_t kernel, int64_t pad, bool bias = true) {
    const std::string name = number("conv");
    std::vector<std::string> inputs = {
        weight(name + ".weight", {channels, shape_[0], kernel, kernel})};
    if (bias) inputs.push_back(weight(name + ".bias", {channels}));
    std::map<std::string, Attribute> attributes;
    attributes["kernel_shape"] = std::vector<int64_t>{kernel, kernel};
    if (pad != 0) attributes["pads"] = std::vector<int64_t>{pad, pad, pad, pad};
    reshape({channels, shape_[1] + 2 * pad - kernel + 1, shape_[2] + 2 * pad - kernel + 1});
    return node("Conv", name, inputs, attributes);
  }
  Chain& batch_norm() {
    const std::string name = number("bn");
    const Shape channels = {shape_[0]};
    return node("BatchNormalization", name,
                {weight(name + ".scale", channels), weight(name + ".bias", channels),
                 weight(name + ".mean", channels), weight(name + ".var", channels)});
  }
  Chain& relu() { return node("Relu", number("relu")); }
  Chain& max_pool() {
    reshape({shape_[0], shape_[1] / 2, shape_[2] / 2});
    const std::vector<int64_t> two = {2, 2};
    return node("MaxPool", number("pool"), {}, {{"kernel_shape", two}, {"strides", two}});
  }
  Chain& flatten() {
    reshape({static_cast<int64_t>(element_count(shape_))});
    return node("Flatten", "flatten");
  }
  Chain& dropout(double ratio) {
    return node("Dropout", number("dropout"), {}, {{"ratio", ratio}});
  }
  Chain& dense(const std::string& name, int64_t units) {
    std::vector<std::string> inputs = {weight(name + ".weight", {units, shape_[0]}),
                                       weight(name + ".bias", {units})};
    reshape({units});
    return node("Gemm", name, inputs, {{"transB", int64_t{1}}});
  }

  operator Model() {
    model_.output = last_;
    return std::move(model_);
  }

 private:
  Chain& node(const std::string& type, const std::string& name,
              const std::vector<std::string>& weights = {},
              std::map<std::string, Attribute> attributes = {}) {
    Node node{type, name, {last_}, {name}, std::move(attributes)};
    node.inputs.insert(node.inputs.end(), weights.begin(), weights.end());
    model_.nodes.push_back(std::move(node));
    last_ = name;
    return *this;
  }

  std::string weight(const std::string& name, const Shape& shape) {
    model_.weights[name].shape = shape;
    return name;
  }

  void reshape(const Shape& shape) {
    for (int64_t extent : shape) {
      if (extent >= 1) continue;
      throw Error(fmt::format("{}: images of {} are too small: no pixels are left after '{}'",
                              model_.architecture, to_string(model_.input_shape), last_));
    }
    shape_ = shape;
  }

  std::string number(const std::string& kind) { return fmt::format("{}{}", kind, ++counts_[kind]); }

  Model model_;
  Shape shape_;
  std::string last_;
  std::map<std::string, int> counts_;
};

// ggml's examples/mnist: 784-500-10.
Model mnist_fc(Chain net, int64_t classes) {
  return net.flatten().dense("fc1", 500).relu().dense("fc2", classes);
}

// ggml's examples/mnist: 8 and 16 channels.
Model mnist_cnn(Chain net, int64_t classes) {
  net.conv(8, 3, 1).relu().max_pool();
  net.conv(16, 3, 1).relu().max_pool();
  return net.flatten().dense("dense", classes);
}

Model mnist_mlp(Chain net, int64_t classes) {
  return net.flatten().dense("fc1", 128).relu().dense("fc2", 64).relu().dense("fc3", classes);
}

// Keras' examples/vision/mnist_convnet; it ends in a softmax there, in logits here.
Model mnist_keras_cnn(Chain net, int64_t classes) {
  net.conv(32, 3, 0).relu().max_pool();
  net.conv(64, 3, 0).relu().max_pool();
  return net.flatten().dropout(0.5).dense("dense", classes);
}

// LeCun et al. 1998, with the ReLU and max pooling that it is built with today (the original has
// tanh, trained averages and a sparse second convolution); 28x28 padded to its 32x32.
Model lenet5(Chain net, int64_t classes) {
  net.conv(6, 5, 2).relu().max_pool();
  net.conv(16, 5, 0).relu().max_pool();
  net.flatten().dense("fc1", 120).relu();
  return net.dense("fc2", 84).relu().dense("fc3", classes);
}

// The next two pool before they normalise: it is a quarter of the work there, and where a channel's
// scale is positive the result is the same.
Model mnist_fast(Chain net, int64_t classes) {
  net.conv(6, 3, 1, false).max_pool().batch_norm().relu();
  net.conv(16, 3, 1, false).max_pool().batch_norm().relu();
  net.conv(32, 3, 1, false).batch_norm().relu();
  return net.flatten().dense("dense", classes);
}

Model mnist_best(Chain net, int64_t classes) {
  net.conv(16, 3, 1, false).max_pool().batch_norm().relu();
  net.conv(32, 3, 1, false).max_pool().batch_norm().relu();
  net.conv(64, 3, 1, false).max_pool().batch_norm().relu();
  net.conv(96, 3, 1, false).batch_norm().relu();
  return net.flatten().dropout(0.3).dense("dense", classes);
}

struct Architecture {
  const char* name;
  const char* description;
  Model (*make)(Chain net, int64_t classes);
};

constexpr Architecture kArchitectures[] = {
    {"mnist-fc", "784-500-10, one hidden layer; ggml's", mnist_fc},
    {"mnist-cnn", "two 3x3 convolutions (8, 16) and a dense layer; ggml's", mnist_cnn},
    {"mnist-mlp", "784-128-64-10, two hidden layers", mnist_mlp},
    {"mnist-keras-cnn", "two 3x3 convolutions (32, 64), dropout, a dense layer; Keras's",
     mnist_keras_cnn},
    {"lenet5", "LeNet-5 with ReLU and max pooling", lenet5},
    {"mnist-fast", "three convolutions (6, 16, 32), batch normalisation; learns fastest",
     mnist_fast},
    {"mnist-best", "four convolutions (16 to 96), batch normalisation; most accurate", mnist_best},
};

const Architecture& find_architecture(const std::string& name) {
  for (const Architecture& architecture : kArchitectures) {
    if (name == architecture.name) return architecture;
  }
  const std::string nearest = nearest_word(name, architecture_names());
  throw Error(fmt::format("unknown architecture '{}'{}: {} are known", printable(name, 60),
                          nearest.empty() ? "" : fmt::format(", did you mean '{}'?", nearest),
                          join(architecture_names())));
}

}  // namespace

std::vector<std::string> architecture_names() {
  std::vector<std::string> names;
  for (const Architecture& architecture : kArchitectures) names.push_back(architecture.name);
  return names;
}

std::string architecture_description(const std::string& name) {
  return find_architecture(name).description;
}

Model architecture_graph(const std::string& name, const Shape& input_shape, int64_t classes) {
  const Architecture& architecture = find_architecture(name);
  const bool is_image = input_shape.size() == 3 && element_count(input_shape) != 0;
  if (!is_image) {
    throw Error(fmt::format("{}: images of (channels,height,width) expected, got {}", name,
                            to_string(input_shape)));
  }
  if (classes < 2 || classes > 65'536) {
    throw Error(fmt::format("{}: 2 to 65536 classes expected, got {}", name, classes));
  }
  return architecture.make(Chain(name, input_shape), classes);
}

Model make_architecture(const std::string& name, const Shape& input_shape, int64_t classes) {
  Model model = architecture_graph(name, input_shape, classes);
  for (auto& [weight, tensor] : model.weights) tensor.values.resize(element_count(tensor.shape));
  return model;
}

}  // namespace mnist
