#include "engine/plan.h"

#include <algorithm>

#include "base/random.h"
#include "engine/plan_parts.h"

namespace mnist {

Plan::~Plan() = default;
Plan::Plan(Plan&&) noexcept = default;
Plan& Plan::operator=(Plan&&) noexcept = default;

uint64_t Plan::forward_macs() const {
  uint64_t sum = 0;
  for (const Step& step : steps_) sum += step.op->macs();
  return sum;
}

uint64_t Plan::backward_macs() const {
  uint64_t sum = 0;
  for (const Step& step : steps_) {
    bool has_weights = false;
    bool has_gradient = false;
    for (const Step::Input& input : step.inputs) {
      has_weights = has_weights || input.parameter != kNone;
      has_gradient = has_gradient || (input.value != kNone && values_[input.value].needs_gradient);
    }
    sum += step.op->macs() * ((has_weights ? 1U : 0U) + (has_gradient ? 1U : 0U));
  }
  return sum;
}

float* Plan::input(Workspace& workspace) const {
  return workspace.at(values_[input_value_].offset);
}
float* Plan::output(Workspace& workspace) const {
  return workspace.at(values_[output_value_].offset);
}
float* Plan::d_output(Workspace& workspace) const { return workspace.at(d_output_offset_); }
float* Plan::d_input(Workspace& workspace) const {
  return workspace.at(values_[input_value_].gradient_offsets.at(0));
}

const float* Plan::value(Workspace& workspace, const std::string& name) const {
  auto found = value_names_.find(name);
  return found == value_names_.end() ? nullptr : workspace.at(values_[found->second].offset);
}

void Plan::weights_changed() {
  for (const Step& step : steps_) {
    if (step.prepared_offset == kNone) continue;
    std::vector<const float*> inputs;
    for (const Step::Input& input : step.inputs) {
      inputs.push_back(input.parameter == kNone
                           ? nullptr
                           : weights_.data() + parameters_[input.parameter].offset);
    }
    step.op->prepare(inputs, prepared_.data() + step.prepared_offset);
  }
}

void Plan::store_weights(Model& model) const {
  for (const Parameter& parameter : parameters_) {
    std::vector<float>& values = model.weights.at(parameter.name).values;
    std::copy_n(weights_.data() + parameter.offset, parameter.count, values.begin());
  }
}

Pass Plan::pass_of(const Step& step, size_t images, uint64_t random_key,
                   uint64_t first_image) const {
  Pass pass;
  pass.lanes = lanes();
  pass.blocks = (images + lanes() - 1) / lanes();
  pass.images = images;
  pass.training = options_.training;
  pass.frozen = options_.inspect;
  // Each op draws numbers of its own.
  pass.random_key = mix64(random_key + static_cast<uint64_t>(&step - steps_.data()));
  pass.first_image = first_image;
  return pass;
}

std::vector<const float*> Plan::step_inputs(const Step& step, Workspace& workspace) const {
  std::vector<const float*> inputs;
  inputs.reserve(step.inputs.size());
  for (const Step::Input& input : step.inputs) {
    if (input.value != kNone) {
      inputs.push_back(workspace.at(values_[input.value].offset));
    } else if (input.parameter != kNone) {
      inputs.push_back(weights_.data() + parameters_[input.parameter].offset);
    } else {
      inputs.push_back(nullptr);
    }
  }
  return inputs;
}

void Plan::forward(Workspace& workspace, size_t images, uint64_t random_key,
                   uint64_t first_image) const {
  for (const Step& step : steps_) {
    std::vector<const float*> inputs = step_inputs(step, workspace);
    ForwardArgs args;
    args.pass = pass_of(step, images, random_key, first_image);
    args.inputs = inputs;
    args.output = workspace.at(values_[step.output].offset);
    args.prepared =
        step.prepared_offset == kNone ? nullptr : prepared_.data() + step.prepared_offset;
    args.saved = step.saved_offset == kNone ? nullptr : workspace.at(step.saved_offset);
    args.scratch = workspace.at(scratch_offset_);
    step.op->forward(args);
  }
}

void Plan::backward(Workspace& workspace, std::span<float> gradients, size_t images,
                    uint64_t random_key, uint64_t first_image, float* kept,
                    size_t kept_first) const {
  for (size_t i = steps_.size(); i-- > 0;) {
    const Step& step = steps_[i];
    if (!values_[step.output].needs_gradient) continue;
    backward_step(step, workspace, gradients, pass_of(step, images, random_key, first_image),
                  kept_of(step, kept, kept_first));
  }
}

KeptImages Plan::kept_of(const Step& step, float* kept, size_t first) const {
  if (step.kept_offset == kNone) return {};
  return {kept + step.kept_offset, kept_images_, first};
}

void Plan::deferred_gradient(const Parameter& parameter, float* kept, size_t images, size_t first,
                             size_t count, std::span<float> gradients, bool add) const {
  const auto index = static_cast<size_t>(&parameter - parameters_.data());
  const auto step = std::find_if(steps_.begin(), steps_.end(), [&](const Step& candidate) {
    return candidate.kept_offset != kNone && candidate.inputs[1].parameter == index;
  });
  DeferredArgs args;
  args.kept = kept_of(*step, kept, 0);
  args.images = images;
  args.first = first;
  args.count = count;
  args.gradient = gradients.data() + parameter.gradient_offset;
  args.add = add;
  step->op->deferred_gradient(args);
}

void Plan::backward_step(const Step& step, Workspace& workspace, std::span<float> gradients,
                         const Pass& pass, const KeptImages& kept) const {
  const Value& output = values_[step.output];
  float* d_output = workspace.at(output.gradient_offsets[0]);
  const size_t floats = pass.blocks * pass.lanes * output.elements;
  for (size_t part = 1; part < output.gradient_offsets.size(); ++part) {
    const float* more = workspace.at(output.gradient_offsets[part]);
    for (size_t i = 0; i < floats; ++i) d_output[i] += more[i];
  }
  std::vector<const float*> inputs = step_inputs(step, workspace);
  std::vector<float*> d_inputs;
  for (const Step::Input& input : step.inputs) {
    if (input.parameter != kNone) {
      d_inputs.push_back(gradients.data() + parameters_[input.parameter].gradient_offset);
    } else if (input.gradient != kNone) {
      d_inputs.push_back(workspace.at(values_[input.value].gradient_offsets[input.gradient]));
    } else {
      d_inputs.push_back(nullptr);
    }
  }
  BackwardArgs args;
  args.pass = pass;
  args.inputs = inputs;
  args.output = workspace.at(output.offset);
  args.d_output = d_output;
  args.d_inputs = d_inputs;
  args.kept = kept;
  args.saved = step.saved_offset == kNone ? nullptr : workspace.at(step.saved_offset);
  args.scratch = workspace.at(scratch_offset_);
  step.op->backward(args);
}

}  // namespace mnist
