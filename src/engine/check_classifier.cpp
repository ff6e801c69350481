#include "engine/check_classifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "engine/graph.h"
#include "mnist/error.h"

namespace mnist {

void check_classifier(const Model& model) {
  const Graph graph = make_graph(model, find_backend(""));
  const Shape& shape = graph.shapes.at(model.output);
  const auto wide = std::count_if(shape.begin(), shape.end(), [](int64_t n) { return n > 1; });
  if (wide > 1) {
    throw Error(fmt::format("output '{}': one value for each class expected, got the shape {}",
                            printable(model.output, 60), to_string(shape)));
  }
}

}  // namespace mnist
