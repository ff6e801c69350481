// How a network of ours is said in Keras: which layers, and where each weight goes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "mnist/model.h"

namespace mnist {

// A weight of the document as a variable of a Keras layer.
struct KerasVariablePlan {
  enum class Order {
    kSame,
    kDense,     // (out,in) -> (in,out), its rows as `flattened` says
    kDenseIn,   // (in,out) -> (in,out), likewise
    kKernel,    // (out,in,H,W) -> (H,W,in,out)
    kDepthwise  // (channels * multiplier,1,H,W) -> (H,W,channels,multiplier)
  };
  std::string weight;
  Shape shape;  // in Keras
  Order order = Order::kSame;
  // The (H,W,C) that Keras counts the elements of a vector by where the document counts by (C,H,W).
  Shape flattened = {};

  // For each element of Keras's variable the place of the document's.
  std::vector<size_t> places() const;
};

struct KerasLayerPlan {
  std::string class_name;
  std::string name;
  Json config;                 // without the name
  std::vector<size_t> inputs;  // places in the list
  Shape shape;                 // of what it makes, per image, as Keras sees it
  std::vector<KerasVariablePlan> variables = {};
  std::string saved_name = {};  // its group of weights: "conv2d_1"
};

struct KerasPlan {
  std::string name;
  std::vector<KerasLayerPlan> layers;  // the first is the input, the last one the output
  bool is_chain() const;
};

// Of a model whose weights need no values. `with_pixels` begins with a Rescaling layer that takes
// pixels 0..255. Throws Error naming the node that Keras has no layer for.
KerasPlan plan_keras(const Model& model, bool with_pixels);

// What Keras calls config.json.
Json keras_config(const KerasPlan& plan);

}  // namespace mnist
