#include "formats/recognise/candidate.h"

#include <fmt/format.h>

#include "formats/graph_builder.h"
#include "formats/recognise.h"
#include "formats/recognise/features.h"
#include "formats/recognise/layer_chain.h"
#include "mnist/error.h"

namespace mnist {
namespace {

using Integers = std::vector<int64_t>;
using Attributes = std::map<std::string, Attribute>;

class CandidateBuilder {
 public:
  CandidateBuilder(const LayerRow& row, const Geometry* geometry, const Style& style,
                   const LooseWeights& weights, const std::string& who)
      : row_(row),
        geometry_(geometry),
        style_(style),
        weights_(weights),
        builder_(who, "input", input_shape(row, geometry, who)),
        value_(builder_.input()) {}

  Model build() && {
    if (row_.input_norm != nullptr && !row_.convs.empty()) norm(row_.input_norm);
    if (geometry_ != nullptr && geometry_->pools_first) pool(Pooling2d::kTwo);
    for (size_t i = 0; i < row_.convs.size(); ++i) conv(i);
    if (geometry_ != nullptr && geometry_->global_average) {
      value_ = builder_.add_node("GlobalAveragePool", "global_pool", {value_});
    }
    features_ = builder_.shape(value_);
    if (features_.size() > 1) value_ = builder_.add_node("Flatten", "flatten", {value_});
    if (row_.convs.empty()) norm(row_.input_norm);
    norm(row_.feature_norm);
    for (size_t i = 0; i < row_.denses.size(); ++i) dense(i);
    Model model = std::move(builder_).finish(value_);
    model.architecture = "custom";
    model.metadata = weights_.metadata;
    if (weights_.pixels) model.pixels = *weights_.pixels;
    std::string& assumed = model.metadata[kRecognisedKey] = describe_network(model);
    const bool reads_maps = !row_.convs.empty() && !row_.denses.empty();
    if (reads_maps && style_.features == LooseWeights::Features::kChannelLast) {
      assumed += ", channels last";
    }
    return model;
  }

 private:
  static Shape input_shape(const LayerRow& row, const Geometry* geometry, const std::string& who) {
    if (geometry != nullptr) return {row.input_channels(), geometry->side, geometry->side};
    const int64_t inputs = row.denses[0].layer->inputs;
    const auto image = image_of(inputs);
    if (!image) {
      throw Error(fmt::format("{}: its first layer '{}' reads {} values, which are no square image",
                              who, row.denses[0].layer->name, inputs));
    }
    return *image;
  }

  std::string part(const WeightLayer::Part& part) {
    return part.name.empty() ? "" : builder_.add_weight(part.name, part.tensor);
  }

  void conv(size_t i) {
    const LayerRow::Step& step = row_.convs[i];
    const ConvWindow& window = geometry_->windows[i];
    const Shape& shape = step.layer->weight.tensor.shape;
    Attributes attributes = {{"kernel_shape", Integers{shape[2], shape[3]}}};
    if (window.stride != 1) attributes["strides"] = Integers{window.stride, window.stride};
    if (window.padding != 0) attributes["pads"] = Integers(4, window.padding);
    if (step.groups != 1) attributes["group"] = step.groups;
    std::vector<std::string> inputs = {value_, part(step.layer->weight)};
    if (!step.layer->bias.name.empty()) inputs.push_back(part(step.layer->bias));
    value_ = builder_.add_node("Conv", step.layer->name, inputs, attributes);
    const bool is_last = i + 1 == row_.convs.size() && row_.denses.empty();
    for (char what : style_.order) {
      if (what == 'N') norm(step.norm);
      if (what == 'A' && style_.convs_activate && (!is_last || style_.last_activates)) activation();
      if (what == 'P') pool(window.pool);
    }
  }

  void dense(size_t i) {
    const LayerRow::Step& step = row_.denses[i];
    WeightLayer::Part weight = step.layer->weight;
    if (i == 0 && style_.features == LooseWeights::Features::kChannelLast) {
      weight.tensor = channels_first(weight.tensor, features_);
    }
    std::vector<std::string> inputs = {value_, part(weight)};
    if (!step.layer->bias.name.empty()) inputs.push_back(part(step.layer->bias));
    value_ = builder_.add_node("Gemm", step.layer->name, inputs, {{"transB", int64_t{1}}});
    const bool is_last = i + 1 == row_.denses.size();
    const bool norm_first = style_.order.find('N') < style_.order.find('A');
    if (norm_first) norm(step.norm);
    if (!is_last) activation();
    if (!norm_first) norm(step.norm);
  }

  void norm(const WeightLayer* layer) {
    if (layer == nullptr) return;
    Attributes attributes;
    // Keras's default where its layout of kernels is; PyTorch's is ONNX's.
    if (weights_.kernel == LooseWeights::Kernel::kHWIO) attributes["epsilon"] = 1e-3;
    value_ = builder_.add_node(
        "BatchNormalization", layer->name,
        {value_, part(layer->weight), part(layer->bias), part(layer->mean), part(layer->variance)},
        attributes);
  }

  void activation() {
    if (style_.activation.empty()) return;
    Attributes attributes;
    if (style_.alpha != 0) attributes["alpha"] = style_.alpha;
    value_ = builder_.add_node(style_.activation, "", {value_}, attributes);
  }

  void pool(Pooling2d pooling) {
    if (pooling == Pooling2d::kNone) return;
    const int64_t kernel = pooling == Pooling2d::kTwo || pooling == Pooling2d::kTwoCeil ? 2 : 3;
    const int64_t stride = pooling == Pooling2d::kThree ? 3 : 2;
    Attributes attributes = {{"kernel_shape", Integers{kernel, kernel}},
                             {"strides", Integers{stride, stride}}};
    if (pooling == Pooling2d::kTwoCeil) attributes["ceil_mode"] = int64_t{1};
    value_ = builder_.add_node(style_.averages ? "AveragePool" : "MaxPool", "pool", {value_},
                               attributes);
  }

  const LayerRow& row_;
  const Geometry* geometry_;
  const Style& style_;
  const LooseWeights& weights_;
  GraphBuilder builder_;
  std::string value_;
  Shape features_;  // what the first dense layer reads, before it was made flat
};

}  // namespace

Model make_candidate(const LayerRow& row, const Geometry* geometry, const Style& style,
                     const LooseWeights& weights, const std::string& who) {
  return CandidateBuilder(row, geometry, style, weights, who).build();
}

}  // namespace mnist
