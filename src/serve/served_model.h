// A model that the server answers for.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/threads.h"
#include "classify/input_size.h"
#include "data/prepare.h"
#include "engine/inference.h"
#include "mnist/model.h"

namespace mnist {

class ServedModel {
 public:
  // `name` is what clients call it; `model` reads grey images (adapt_input.h). Throws Error where
  // it cannot be run. `threads` must outlive this.
  ServedModel(std::string name, const Model& model, ThreadPool& threads, const Backend* backend);

  const std::string& name() const { return name_; }
  const std::string& architecture() const { return architecture_; }
  const InputSize& size() const { return size_; }
  size_t parameters() const { return parameters_; }
  size_t classes() const { return inference_.output_elements(); }
  std::string class_name(size_t index) const;
  // How photographs and drawings are prepared; none for a model whose images are not square.
  const std::optional<PrepareOptions>& preparation() const { return preparation_; }

  // For one thread at a time.
  Inference& inference() { return inference_; }

 private:
  std::string name_;
  std::string architecture_;
  std::vector<std::string> class_names_;
  size_t parameters_;
  Inference inference_;
  InputSize size_;
  std::optional<PrepareOptions> preparation_;
};

// Whether a model may be called so: letters, digits, ".", "_" and "-", which need no quoting in a
// URL, in JSON and in Prometheus's labels.
bool is_model_name(const std::string& name);

}  // namespace mnist
