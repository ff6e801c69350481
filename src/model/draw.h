// A model for people to look at.
//
// All three escape what comes from files. `facts` is describe()'s answer, one entry a node; the
// pictures do without if it is empty. Throw Error if it has another number of entries.
#pragma once

#include <span>
#include <string>

#include "mnist/describe.h"
#include "mnist/model.h"

namespace mnist {

// Graphviz's language: `dot -Tpdf`.
std::string draw_dot(const Model& model, std::span<const NodeFacts> facts = {});

// A picture that needs no other program, for light and dark backgrounds. Throws Error for graphs
// whose edges together cross more than 50,000 layers.
std::string draw_svg(const Model& model, std::span<const NodeFacts> facts = {});

// A table: a line for each node with its name, type, output shape, parameters and multiply-adds,
// and the totals. Needs the facts.
std::string layer_table(const Model& model, std::span<const NodeFacts> facts);

}  // namespace mnist
