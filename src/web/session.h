// A model that the page has open.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/threads.h"
#include "classify/input_size.h"
#include "data/prepare.h"
#include "engine/inference.h"
#include "engine/inspection.h"
#include "mnist/model.h"
#include "web/exports.h"

namespace mnist::web {

class Session {
 public:
  // Throws Error where the model is not a classifier of grey images that can be run.
  Session(const Model& model, const std::string& who);

  const Model& model() const { return model_; }
  const InputSize& size() const { return size_; }
  Inference& inference() { return inference_; }
  Inspection& inspection();
  // How drawings are prepared for it; empty where its images are not square.
  const std::optional<PrepareOptions>& preparation() const { return preparation_; }

 private:
  Model model_;
  InputSize size_;
  ThreadPool threads_;
  Inference inference_;
  std::optional<Inspection> inspection_;  // made when first looked into
  std::optional<PrepareOptions> preparation_;
};

Session& session(int handle);
int add_session(const Model& model, const std::string& who);

}  // namespace mnist::web
