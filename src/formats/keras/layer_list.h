// Every Keras layer that is known. Adding one: a function in a file layers_*.cpp of this folder and
// a line in layer_list.cpp.
#pragma once

#include <string>
#include <vector>

#include "formats/keras/translation.h"

namespace mnist {

struct KerasVariable {
  std::string name;
  bool trainable = true;
  std::string part = {};  // of the layer that has it, where Keras 3 saves it: "cell", "layer"
};

struct KerasLayerClass {
  const char* name;
  KerasValue (*translate)(KerasTranslation& layer);
  // The layer's weights in Keras's order; null for a layer without any.
  std::vector<KerasVariable> (*variables)(const JsonView& config) = nullptr;
};

// Null if there is none.
const KerasLayerClass* find_keras_class(const std::string& name);

// Throws Error naming the layer unless its class is known.
void expect_keras_class(const JsonView& layer, const std::string& class_name,
                        const std::string& layer_name);

std::vector<KerasVariable> keras_variables(const KerasLayer& layer);
std::vector<KerasVariable> keras_variables(const std::string& class_name, const JsonView& config);

// Of a layer that is in another one's config: {"class_name": ..., "config": ...}.
KerasLayer keras_layer_within(const KerasLayer& outer, const JsonView& layer);
// Its weights, as the outer layer's: with `prefix` before their names, in its part `part`.
std::vector<KerasVariable> keras_variables_within(const JsonView& layer, const std::string& prefix,
                                                  const std::string& part);

// Of the class that Keras saves as `saved_name` ("batch_normalization"), with its usual config;
// none for a class that is not known.
std::vector<KerasVariable> usual_keras_variables(const std::string& saved_name);

}  // namespace mnist
