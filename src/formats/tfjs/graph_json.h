// TensorFlow.js's graph models: TensorFlow's graph, as JSON.
#pragma once

#include <map>
#include <string>

#include "base/json.h"
#include "formats/tensorflow/graph.h"

namespace mnist {

// `document` is model.json; `weights` are the values of its constants, taken out. Throws Error with
// the place in it.
TfGraph read_tfjs_graph(const JsonView& document, std::map<std::string, TfConstant> weights);

}  // namespace mnist
