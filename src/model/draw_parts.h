// What the pictures of a model are made of.
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "mnist/describe.h"
#include "mnist/model.h"

namespace mnist {

// What a box says, printable but not yet escaped for any language.
struct DrawnBox {
  std::string kind;     // "conv", "dense", ...: chooses the colour
  std::string type;     // "Conv"
  std::string name;     // "conv1"
  std::string details;  // "kernel_shape 3×3, pads 1×1×1×1"
  std::string facts;    // "8 × 28 × 28 · 80 parameters"
};

// Boxes: the input, the nodes in the model's order, the output. Edges go from a lower number to a
// higher one, each pair once.
struct DrawnGraph {
  std::vector<DrawnBox> boxes;
  std::vector<std::pair<size_t, size_t>> edges;
};

DrawnGraph drawn_graph(const Model& model, std::span<const NodeFacts> facts);

// The colours of a kind of box, as #rrggbb: its fill and line on a light background and on a dark
// one.
struct DrawnColours {
  const char* kind;
  const char* light_fill;
  const char* light_line;
  const char* dark_fill;
  const char* dark_line;
};
std::span<const DrawnColours> drawn_colours();

}  // namespace mnist
