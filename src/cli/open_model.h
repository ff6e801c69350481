// Opens the model that a command was given, with what the user says of it.
#pragma once

#include <string>

#include "cli/arguments.h"
#include "cli/command.h"
#include "mnist/model.h"

namespace mnist {

// --arch, --calibrate, --pixels and --fit.
struct ModelArguments {
  std::string arch;
  std::string calibrate;
  std::string pixels;
  std::string fit;
};
// Without --fit where the model meets no images of the user's.
enum class ModelUse { kOnImages, kAsItIs };
void add_model_options(Command& command, ModelArguments& arguments,
                       ModelUse use = ModelUse::kOnImages);

// The model in the file `path`. With --arch it is the network of that name, or that one of those
// which fit the weights; with --calibrate the one that does best on its data, which is said on
// `status`; with --pixels it has that scaling. UsageError for arguments that do not go together,
// Error for the file.
Model open_model(const std::string& path, const ModelArguments& arguments, const RunArguments& run,
                 StatusLine& status);

// The same, or an architecture's name, or a JSON file that describes a network. With --pixels these
// have that scaling, too.
Model open_network(const std::string& name, const ModelArguments& arguments);

// `model` for grey images of that size (classify/adapt_input.h), as --fit says.
Model fit_model(const Model& model, size_t height, size_t width, const ModelArguments& arguments,
                const std::string& path);

}  // namespace mnist
