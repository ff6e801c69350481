// Writing .keras files, and reading back what only ours have.
#pragma once

#include <optional>

#include "base/json.h"
#include "base/zip.h"
#include "mnist/model.h"
#include "mnist/model_file.h"

namespace mnist {

void write_keras(const Model& model, const SaveOptions& options, Sink& sink);

// The document that write_keras left in metadata.json, with the weights from Keras's own file;
// nothing where there is none, or where the config has been changed since.
std::optional<Model> model_from_metadata(const Json& metadata, const ZipArchive& archive);

}  // namespace mnist
