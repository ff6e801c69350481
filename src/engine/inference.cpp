#include "engine/inference.h"

#include <algorithm>

#include "engine/graph.h"
#include "engine/load_images.h"

namespace mnist {

Inference::Inference(const Model& model, ThreadPool& threads, bool logits, const Backend* backend)
    : model_(model), threads_(threads), logits_(logits), backend_(backend), pixels_(model.pixels) {
  Graph graph = make_graph(model, find_backend(""));
  input_elements_ = element_count(model.input_shape);
  output_elements_ = element_count(graph.shapes.at(model.output));
}

uint64_t Inference::macs() const {
  uint64_t sum = 0;
  for (const GraphNode& part : make_graph(model_, find_backend("")).nodes) sum += part.op->macs();
  return sum;
}

Inference::Engine& Inference::engine(bool single) {
  std::optional<Engine>& engine = single ? single_ : blocks_;
  if (!engine) {
    PlanOptions options;
    options.logits = logits_;
    options.backend = backend_;
    if (single) options.lanes = 1;
    engine.emplace(Engine{Plan(model_, options), {}});
    for (size_t i = 0; i < (single ? 1 : threads_.threads()); ++i) {
      engine->workspaces.push_back(engine->plan.make_workspace());
    }
  }
  return *engine;
}

namespace {

// Of few images every thread gets its share, in whole vectors: 64 images are 32 and 32 for two
// threads, where one pass could take 48.
size_t pass_size(const Plan& plan, size_t images, size_t threads) {
  size_t passes = (images + plan.images() - 1) / plan.images();
  passes = (passes + threads - 1) / threads * threads;
  const size_t share = (images + passes - 1) / passes;
  return (share + plan.lanes() - 1) / plan.lanes() * plan.lanes();
}

}  // namespace

template <class Load>
void Inference::run_passes(size_t count, float* outputs, Load load) {
  if (count == 0) return;
  Engine& engine = this->engine(count == 1);
  const Plan& plan = engine.plan;
  const size_t size = pass_size(plan, count, threads_.threads());
  threads_.run((count + size - 1) / size, [&](size_t pass, size_t thread) {
    const size_t first = pass * size;
    const size_t images = std::min(size, count - first);
    Workspace& workspace = engine.workspaces[thread];
    load(first, images, plan, plan.input(workspace));
    plan.forward(workspace, images);
    store_outputs(plan.output(workspace), images, plan.output_elements(), plan.lanes(),
                  outputs + first * plan.output_elements());
  });
}

void Inference::run(std::span<const uint8_t* const> images, float* outputs) {
  run_passes(images.size(), outputs, [&](size_t first, size_t count, const Plan& plan, float* to) {
    load_images(images.subspan(first, count), plan.input_elements(), plan.lanes(), pixels_, to);
  });
}

void Inference::run(const uint8_t* pixels, size_t count, float* outputs) {
  std::vector<const uint8_t*> images(count);
  for (size_t i = 0; i < count; ++i) images[i] = pixels + i * input_elements_;
  run(images, outputs);
}

void Inference::run_inputs(std::span<const float* const> inputs, float* outputs) {
  run_passes(inputs.size(), outputs, [&](size_t first, size_t count, const Plan& plan, float* to) {
    load_inputs(inputs.subspan(first, count), plan.input_elements(), plan.lanes(), to);
  });
}

}  // namespace mnist
