// A model as JSON, and more than the model: the member "training" is not the model's. Whoever
// writes it knows what it is (train/checkpoint.h), and a reader of models passes it over.
#pragma once

#include <string_view>

#include "base/file.h"
#include "base/json.h"
#include "mnist/model.h"

namespace mnist {

inline constexpr char kTrainingMember[] = "training";

// `training` is the member's value as JSON text; "": none.
void write_json_model(const Model& model, std::string_view training, Sink& sink);

// The model that `document` describes, not yet checked (check_model). Throws Error starting with
// the view's who.
Model model_from_json(const JsonView& document);

// Whether a file that begins with `head` is such a document.
bool is_json_model(std::span<const std::byte> head);

}  // namespace mnist
