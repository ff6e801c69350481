// A network as JSON text: everything of a Model but its weights' values (docs/network.md).
//
// What the program writes names everything. What a person writes may leave out what is usual: a
// node's name (its type and a number), its inputs (the node before it and the weights named after
// it), its output (its name), the network's output (the last node's).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "mnist/model.h"

namespace mnist {

// One node and one weight to a line; the same model gives the same bytes. Throws Error where JSON
// cannot say it: a text that is not UTF-8, an attribute that is not finite.
std::string graph_to_json(const Model& model);

// The network that `text` describes, its weights zero. Throws Error naming `who` and the place for
// what is not understood, check_model's included.
Model graph_from_json(std::string_view text, const std::string& who);

// The two halves of it, for formats that carry the graph beside the values.

// The members "architecture" to "nodes", without "format", "version" and "weights", each line
// indented, without a comma at the end.
std::string graph_members_to_json(const Model& model);

// The model that `document` describes; `format` is what its "format" must say. Its weights have
// their shapes but no values: the caller fills them and calls check_model. `weight_shape` takes the
// shape out of a member of "weights". `others` are members that are not the model's.
Model graph_from_document(const JsonView& document, const std::string& format,
                          Shape (*weight_shape)(const JsonView& weight),
                          const std::vector<std::string>& others = {});

// A list of at most 32 extents, none negative, fewer than 2^31 elements.
Shape shape_from_json(const JsonView& value);

inline constexpr char kGraphFormat[] = "mnist.cpp graph";

}  // namespace mnist
