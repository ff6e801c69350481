// Which layers a Keras model has, and which reads which: Sequential and Functional models, within
// one another too, as one list.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "mnist/model.h"

namespace mnist {

struct KerasLayer {
  std::string class_name;
  std::string name;
  std::vector<std::string> models;  // names of the models that it is in, the outermost left out
  JsonView config;
  bool trainable = true;       // of itself and of all models that it is in
  std::vector<size_t> inputs;  // the layers that it reads, by their place in the list
  Shape input_shape;           // of an InputLayer: per image, as Keras lays it out
  // A layer that is called again is in the list again: where it is for the first time, and has its
  // weights.
  std::optional<size_t> first_call = {};

  // How Keras names it where it saves weights: of its own class, the how manieth of its model; the
  // same for the models that it is in.
  struct Place {
    std::string class_name;  // "max_pooling2d"
    size_t number = 0;
  };
  std::vector<Place> places;

  std::string full_name() const;  // "encoder/conv2d"
};

struct KerasNetwork {
  std::string name;
  std::vector<KerasLayer> layers;  // each after those that it reads; the first is the InputLayer
  size_t output = 0;
};

// Of {"class_name": "Sequential", "config": ...}, what Keras calls a model's config. The layers
// refer to the JSON. Throws Error with the place in it.
KerasNetwork read_keras_topology(const JsonView& model);

}  // namespace mnist
