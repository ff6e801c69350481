#include "classify/adapt_input.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

int64_t extent(size_t value) { return static_cast<int64_t>(value); }

// The nodes between the images and the model, put before the model's own.
class Beginning {
 public:
  Beginning(Model model, size_t height, size_t width) : model_(std::move(model)) {
    value_ = unused_name("image");
    input_ = value_;
    input_shape_ = {1, extent(height), extent(width)};
  }

  void add(const std::string& type, std::vector<std::string> inputs,
           std::map<std::string, Attribute> attributes) {
    const std::string name = unused_name("image_" + std::to_string(nodes_.size() + 1));
    nodes_.push_back({type, name, std::move(inputs), {name}, std::move(attributes)});
    value_ = name;
  }
  const std::string& value() const { return value_; }

  // The last node makes what was the model's input.
  Model finish() && {
    nodes_.back().outputs[0] = model_.input;
    model_.input = input_;
    model_.input_shape = input_shape_;
    model_.nodes.insert(model_.nodes.begin(), nodes_.begin(), nodes_.end());
    return std::move(model_);
  }

 private:
  bool is_used(const std::string& name) const {
    return name == model_.input || model_.is_weight(name) ||
           std::any_of(model_.nodes.begin(), model_.nodes.end(), [&](const Node& node) {
             return node.name == name || node.outputs[0] == name;
           });
  }
  std::string unused_name(std::string name) const {
    while (is_used(name)) name += "_";
    return name;
  }

  Model model_;
  std::string input_;
  Shape input_shape_;
  std::string value_;
  std::vector<Node> nodes_;
};

void add_padding(Beginning& beginning, const InputSize& size, size_t height, size_t width,
                 const PixelScaling& pixels) {
  const int64_t rows = extent(size.height - height);
  const int64_t columns = extent(size.width - width);
  const std::vector<int64_t> pads = {0, 0, rows / 2,        columns / 2,
                                     0, 0, rows - rows / 2, columns - columns / 2};
  // Behind the scaling, a pixel of the background is the offset.
  beginning.add("Pad", {beginning.value()}, {{"pads", pads}, {"value", pixels.offset}});
}

void add_resizing(Beginning& beginning, const InputSize& size) {
  beginning.add("Resize", {beginning.value()},
                {{"sizes", std::vector<int64_t>{1, 1, extent(size.height), extent(size.width)}},
                 {"mode", std::string("linear")},
                 {"coordinate_transformation_mode", std::string("half_pixel")}});
}

void add_means(Beginning& beginning, const InputSize& size, size_t height, size_t width) {
  const std::vector<int64_t> block = {extent(height / size.height), extent(width / size.width)};
  beginning.add("AveragePool", {beginning.value()}, {{"kernel_shape", block}, {"strides", block}});
}

}  // namespace

const std::vector<Fit>& all_fits() {
  static const std::vector<Fit> fits = {Fit::kNone, Fit::kPad, Fit::kResize, Fit::kMean};
  return fits;
}

std::string to_string(Fit fit) {
  return fit == Fit::kNone     ? "none"
         : fit == Fit::kPad    ? "pad"
         : fit == Fit::kResize ? "resize"
                               : "mean";
}

Fit parse_fit(const std::string& word) {
  for (Fit fit : all_fits()) {
    if (word == to_string(fit)) return fit;
  }
  throw Error(fmt::format("'{}': none, pad, resize or mean expected", printable(word, 40)));
}

bool can_fit(Fit fit, const InputSize& size, size_t height, size_t width) {
  const bool is_same = size.height == height && size.width == width;
  if (fit == Fit::kNone) return is_same;
  if (is_same || height == 0 || width == 0) return false;
  if (fit == Fit::kPad) return size.height >= height && size.width >= width;
  if (fit == Fit::kMean) return height % size.height == 0 && width % size.width == 0;
  return true;
}

Model adapt_input(const Model& model, size_t height, size_t width, Fit fit,
                  const std::string& who) {
  const InputSize size = input_size(model, who);
  const bool is_same = size.height == height && size.width == width;
  if (is_same && size.channels == 1) return model;
  if (!is_same && !can_fit(fit, size, height, width)) {
    throw Error(fmt::format("{}: reads images of {} x {} pixels, these have {} x {}{}", who,
                            size.width, size.height, width, height,
                            fit == Fit::kNone
                                ? ": --fit pad, resize or mean brings them to its size"
                                : fmt::format(", which '{}' cannot mend", to_string(fit))));
  }
  Beginning beginning(model, height, width);
  if (!is_same && fit == Fit::kPad) add_padding(beginning, size, height, width, model.pixels);
  if (!is_same && fit == Fit::kResize) add_resizing(beginning, size);
  if (!is_same && fit == Fit::kMean) add_means(beginning, size, height, width);
  if (size.channels > 1) {
    std::string value = beginning.value();
    if (size.is_channel_last) {
      beginning.add("Reshape", {value},
                    {{"shape", std::vector<int64_t>{extent(size.height), extent(size.width), 1}}});
      value = beginning.value();
    }
    beginning.add("Concat", std::vector<std::string>(size.channels, value),
                  {{"axis", int64_t{size.is_channel_last ? 3 : 1}}});
  } else if (model.input_shape.size() != 3 || size.is_channel_last) {
    beginning.add("Reshape", {beginning.value()}, {{"shape", model.input_shape}});
  }
  return std::move(beginning).finish();
}

Model grey_input(const Model& model, const std::string& who) {
  const InputSize size = input_size(model, who);
  return adapt_input(model, size.height, size.width, Fit::kNone, who);
}

}  // namespace mnist
