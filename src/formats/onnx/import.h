// What a network in ONNX means: from the container to the document.
#pragma once

#include <string>

#include "formats/format.h"
#include "formats/onnx/onnx.h"
#include "mnist/model.h"

namespace mnist {

// The document of a graph: its weights under the names they have there, the batch taken out, what
// the graph computes of constants and shapes computed. It ends in the classes' scores, even where
// the graph goes on to the class (noted in the metadata). Throws Error starting with source.who.
Model import_onnx(const OnnxModel& file, const ModelSource& source);

// The value that holds the classes' scores. `note` is what to say of it, "" where it is simply what
// comes out.
std::string onnx_scores(const OnnxModel& file, const std::string& who, std::string& note);

// Names that the file has for `classes` classes; empty where it has none.
std::vector<std::string> onnx_class_names(const OnnxModel& file, size_t classes);

}  // namespace mnist
