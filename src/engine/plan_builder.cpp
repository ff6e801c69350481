// From a document to a plan: which nodes run, fused with which, on which memory.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "engine/buffers.h"
#include "engine/graph.h"
#include "engine/plan_parts.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// What one pass should touch, so that it stays in a second-level cache (256 KB to 2 MB on today's
// processors); more blocks than kMostBlocks gain nothing (measured: dense layers reach their best
// at 8 to 16 blocks).
constexpr size_t kPassBytes = size_t{384} * 1024;
constexpr size_t kMostBlocks = 16;

// Of how many images what deferred gradients are made of is kept at most: 5 MB for a dense layer of
// 784 inputs and 500 outputs.
constexpr size_t kMostKeptImages = 1024;

}  // namespace

class PlanBuilder {
 public:
  PlanBuilder(const Model& model, Plan& plan)
      : model_(model),
        plan_(plan),
        graph_(make_graph(
            model, plan.options_.backend != nullptr ? *plan.options_.backend : find_backend(""))) {}

  void build() {
    drop_softmax();
    drop_unused();
    fuse();
    add_parameters();
    add_values();
    mark_gradients();
    choose_blocks();
    lay_out_memory(plan_.blocks_);
    lay_out_gradients();
    prepare();
  }

 private:
  bool training() const { return plan_.options_.training; }
  bool inspect() const { return plan_.options_.inspect; }

  // The value that `name` stands for: views are looked through.
  std::string root(std::string name) const {
    for (auto view = views_.find(name); view != views_.end(); view = views_.find(name)) {
      name = view->second;
    }
    return name;
  }

  void drop_softmax() {
    output_ = model_.output;
    for (const GraphNode& part : graph_.nodes) {
      if (part.node->outputs[0] != output_) continue;
      bool softmax = part.node->type == "Softmax" || part.node->type == "LogSoftmax";
      if (softmax && plan_.options_.logits) output_ = part.node->inputs[0];
      plan_.output_is_probabilities_ = part.node->type == "Softmax" && !plan_.options_.logits;
      break;
    }
  }

  void drop_unused() {
    std::set<std::string> used = {output_};
    for (size_t i = graph_.nodes.size(); i-- > 0;) {
      const Node& node = *graph_.nodes[i].node;
      if (used.contains(node.outputs[0])) used.insert(node.inputs.begin(), node.inputs.end());
    }
    std::erase_if(graph_.nodes,
                  [&](const GraphNode& part) { return !used.contains(part.node->outputs[0]); });
  }

  // Calls visit(node index, activation name) for every use of an activation.
  template <class Visit>
  void for_each_use(Visit visit) const {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      for (const std::string& name : graph_.nodes[i].node->inputs) {
        if (!name.empty() && !model_.is_weight(name)) visit(i, name);
      }
    }
  }

  // Joins an op with the only op that reads its output, as long as the first can do the second's
  // work on its way to memory; then sets views aside.
  void fuse() {
    std::map<std::string, std::vector<size_t>> users;
    for_each_use([&](size_t i, const std::string& name) { users[name].push_back(i); });
    std::set<size_t> gone;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      GraphNode& part = graph_.nodes[i];
      if (gone.contains(i)) continue;
      std::string made = part.node->outputs[0];
      while (!inspect() && made != output_ && users[made].size() == 1) {
        size_t next = users[made][0];
        auto fused = part.op->with_epilogue(graph_.nodes[next].op->epilogue());
        if (fused == nullptr) break;
        part.op = std::move(fused);
        gone.insert(next);
        made = graph_.nodes[next].node->outputs[0];
      }
      made_[i] = made;
    }
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (gone.contains(i)) continue;
      if (graph_.nodes[i].op->is_view(training() && !inspect())) {
        views_[made_[i]] = graph_.nodes[i].node->inputs[0];
      } else {
        order_.push_back(i);
      }
    }
  }

  void add_parameters() {
    size_t offset = 0;
    for (size_t i : order_) {
      const Node& node = *graph_.nodes[i].node;
      for (size_t k = 0; k < node.inputs.size(); ++k) {
        const std::string& name = node.inputs[k];
        if (!model_.is_weight(name) || parameter_of_.contains(name)) continue;
        const Op& op = *graph_.nodes[i].op;
        const Tensor& tensor = model_.weight(name);
        parameter_of_[name] = plan_.parameters_.size();
        plan_.parameters_.push_back({name, tensor.shape, offset, tensor.values.size(),
                                     op.trainable(k), op.statistic_rate(), op.initial(k)});
        offset += round_up(tensor.values.size(), kFloatsPerLine);
      }
    }
    plan_.weights_ = FloatBuffer(offset);
    for (const Parameter& parameter : plan_.parameters_) {
      const std::vector<float>& values = model_.weight(parameter.name).values;
      std::copy(values.begin(), values.end(), plan_.weights_.data() + parameter.offset);
    }
  }

  size_t value_of(const std::string& name) {
    std::string real = root(name);
    auto [place, added] = value_of_.try_emplace(real, plan_.values_.size());
    if (added) {
      Plan::Value value;
      value.elements = element_count(graph_.shapes.at(real));
      plan_.values_.push_back(value);
    }
    return place->second;
  }

  void add_values() {
    plan_.input_value_ = value_of(model_.input);
    for (size_t i : order_) {
      GraphNode& part = graph_.nodes[i];
      Plan::Step step;
      for (const std::string& name : part.node->inputs) {
        Plan::Step::Input input;
        if (model_.is_weight(name)) {
          input.parameter = parameter_of_.at(name);
        } else if (!name.empty()) {
          input.value = value_of(name);
        }
        step.inputs.push_back(input);
      }
      step.output = value_of(made_[i]);
      step.op = std::move(part.op);
      plan_.steps_.push_back(std::move(step));
    }
    plan_.output_value_ = value_of(output_);
    if (inspect()) name_values();
    plan_.input_elements_ = plan_.values_[plan_.input_value_].elements;
    plan_.output_elements_ = plan_.values_[plan_.output_value_].elements;
  }

  void name_values() {
    for (const GraphNode& part : graph_.nodes) {
      const std::string& name = part.node->outputs[0];
      plan_.value_names_[name] = value_of(name);
    }
  }

  // Values have one gradient buffer for each use; the output's first one is the caller's.
  void mark_gradients() {
    if (!training()) return;
    const std::vector<bool> passes = steps_that_pass_gradients();
    freeze_weights(passes);
    plan_.values_[plan_.input_value_].needs_gradient = plan_.options_.input_gradient;
    plan_.values_[plan_.output_value_].gradient_offsets.push_back(0);
    for (size_t s = 0; s < plan_.steps_.size(); ++s) {
      if (!passes[s]) continue;
      Plan::Value& output = plan_.values_[plan_.steps_[s].output];
      for (Plan::Step::Input& input : plan_.steps_[s].inputs) {
        bool weight = input.parameter != kNone;
        if (weight || (input.value != kNone && plan_.values_[input.value].needs_gradient)) {
          output.needs_gradient = true;
        }
        if (input.value == kNone || !plan_.values_[input.value].needs_gradient) continue;
        input.gradient = plan_.values_[input.value].gradient_offsets.size();
        plan_.values_[input.value].gradient_offsets.push_back(0);
      }
    }
  }

  // Those that have a slope, from whose output a way of such steps leads to the plan's output.
  std::vector<bool> steps_that_pass_gradients() const {
    std::vector<bool> reached(plan_.values_.size());
    std::vector<bool> passes(plan_.steps_.size());
    reached[plan_.output_value_] = true;
    for (size_t s = plan_.steps_.size(); s-- > 0;) {
      const Plan::Step& step = plan_.steps_[s];
      passes[s] = reached[step.output] && step.op->differentiable();
      for (const Plan::Step::Input& input : step.inputs) {
        if (passes[s] && input.value != kNone) reached[input.value] = true;
      }
    }
    return passes;
  }

  // Weights that only other steps read are not trained. That is said, and refused where nothing
  // else is left.
  void freeze_weights(const std::vector<bool>& passes) {
    std::vector<bool> learns(plan_.parameters_.size());
    for (size_t s = 0; s < plan_.steps_.size(); ++s) {
      for (const Plan::Step::Input& input : plan_.steps_[s].inputs) {
        if (passes[s] && input.parameter != kNone) learns[input.parameter] = true;
      }
    }
    bool any = false;
    for (size_t p = 0; p < learns.size(); ++p) {
      Parameter& parameter = plan_.parameters_[p];
      any = any || (learns[p] && parameter.trainable);
      if (learns[p] || !parameter.trainable) continue;
      parameter.trainable = false;
      plan_.frozen_weights_.push_back(parameter.name);
    }
    if (any || plan_.frozen_weights_.empty()) return;
    for (size_t s = 0; s < passes.size(); ++s) {
      if (plan_.steps_[s].op->differentiable()) continue;
      const Node& node = *graph_.nodes[order_[s]].node;
      throw Error(
          fmt::format("node '{}' ({}): its slope is 0, so that nothing before it can be trained",
                      node.name, node.type));
    }
  }

  Pass full_pass(size_t blocks) const {
    Pass pass;
    pass.lanes = plan_.lanes();
    pass.blocks = blocks;
    pass.images = blocks * pass.lanes;
    pass.training = training();
    pass.frozen = inspect();
    return pass;
  }

  void choose_blocks() {
    if (plan_.lanes() == 1) return;
    size_t least = 1;
    for (const Plan::Step& step : plan_.steps_) {
      if (training() && !inspect()) least = std::max(least, step.op->least_images());
    }
    least = (least + plan_.lanes() - 1) / plan_.lanes();
    if (plan_.options_.blocks != 0) {
      plan_.blocks_ = std::max(least, plan_.options_.blocks);
      return;
    }
    lay_out_memory(1);
    size_t floats = std::max(kPassBytes / sizeof(float), plan_.weights_.size());
    plan_.blocks_ =
        std::max(least, std::clamp<size_t>(floats / plan_.workspace_floats_, 1, kMostBlocks));
  }

  // Moments: forward step s is s, the loss is S, backward of step s is 2 * S - s.
  void lay_out_memory(size_t blocks) {
    const Pass pass = full_pass(blocks);
    const size_t count = plan_.steps_.size();
    const size_t images = pass.blocks * pass.lanes;
    std::vector<Lifetime> lifetimes;
    std::vector<size_t*> places;
    auto add = [&](size_t floats, size_t first, size_t last, size_t* place) {
      lifetimes.push_back({floats, first, last});
      places.push_back(place);
    };
    std::vector<size_t> made(plan_.values_.size(), 0);
    std::vector<size_t> used(plan_.values_.size(), 0);
    used[plan_.output_value_] = count;
    size_t scratch = 0;
    for (size_t s = 0; s < count; ++s) {
      Plan::Step& step = plan_.steps_[s];
      const size_t backward = 2 * count - s;
      made[step.output] = s;
      if (training()) used[step.output] = std::max(used[step.output], backward);
      for (Plan::Step::Input& input : step.inputs) {
        if (input.value == kNone) continue;
        used[input.value] = std::max(used[input.value], training() ? backward : s);
      }
      if (size_t saved = training() ? step.op->saved_floats(pass) : 0; saved != 0) {
        add(saved, s, backward, &step.saved_offset);
      }
      scratch = std::max(scratch, step.op->scratch_floats(pass));
    }
    for (size_t v = 0; v < plan_.values_.size(); ++v) {
      const size_t last = inspect() ? 2 * count + 1 : std::max(made[v], used[v]);
      add(plan_.values_[v].elements * images, made[v], last, &plan_.values_[v].offset);
    }
    if (training()) add_gradient_lifetimes(images, made, add);
    add(scratch, 0, 2 * count + 1, &plan_.scratch_offset_);
    BufferLayout layout = lay_out(lifetimes);
    for (size_t i = 0; i < places.size(); ++i) *places[i] = layout.offsets[i];
    plan_.workspace_floats_ = layout.total;
    if (training()) {
      plan_.d_output_offset_ = plan_.values_[plan_.output_value_].gradient_offsets[0];
    }
  }

  // A part of a value's gradient lives from the backward pass of its reader to that of its maker.
  template <class Add>
  void add_gradient_lifetimes(size_t images, const std::vector<size_t>& made, Add add) {
    const size_t count = plan_.steps_.size();
    auto last = [&](size_t value) {
      return value == plan_.input_value_ ? 2 * count + 1 : 2 * count - made[value];
    };
    Plan::Value& output = plan_.values_[plan_.output_value_];
    add(output.elements * images, count, last(plan_.output_value_), &output.gradient_offsets[0]);
    for (size_t s = 0; s < count; ++s) {
      for (const Plan::Step::Input& input : plan_.steps_[s].inputs) {
        if (input.gradient == kNone) continue;
        Plan::Value& value = plan_.values_[input.value];
        add(value.elements * images, 2 * count - s, last(input.value),
            &value.gradient_offsets[input.gradient]);
      }
    }
  }

  // Large gradients that only one step makes are deferred, and lie behind the others.
  void lay_out_gradients() {
    std::vector<size_t> readers(plan_.parameters_.size());
    for (const Plan::Step& step : plan_.steps_) {
      for (const Plan::Step::Input& input : step.inputs) {
        if (input.parameter != kNone) ++readers[input.parameter];
      }
    }
    const size_t images =
        round_up(std::min(plan_.options_.kept_images, kMostKeptImages), plan_.images());
    for (Plan::Step& step : plan_.steps_) {
      const size_t floats = step.op->kept_floats(images);
      if (images == 0 || floats == 0 || readers[step.inputs[1].parameter] != 1) continue;
      Parameter& parameter = plan_.parameters_[step.inputs[1].parameter];
      if (!parameter.trainable) continue;
      parameter.deferred = true;
      step.kept_offset = plan_.kept_floats_;
      plan_.kept_floats_ += round_up(floats, kFloatsPerLine);
      plan_.kept_images_ = images;
    }
    size_t offset = 0;
    for (const bool deferred : {false, true}) {
      if (deferred) plan_.shared_gradients_ = offset;
      for (Parameter& parameter : plan_.parameters_) {
        if (parameter.deferred != deferred) continue;
        parameter.gradient_offset = offset;
        offset += round_up(parameter.count, kFloatsPerLine);
      }
    }
  }

  void prepare() {
    if (training()) return;
    size_t floats = 0;
    for (Plan::Step& step : plan_.steps_) {
      size_t wanted = step.op->prepared_floats(plan_.lanes());
      if (wanted == 0) continue;
      step.prepared_offset = floats;
      floats += round_up(wanted, kFloatsPerLine);
    }
    plan_.prepared_ = FloatBuffer(floats);
    plan_.weights_changed();
  }

  const Model& model_;
  Plan& plan_;
  Graph graph_;
  std::string output_;
  std::vector<size_t> order_;                   // graph nodes that become steps
  std::map<size_t, std::string> made_;          // what a graph node makes, after fusion
  std::map<std::string, std::string> views_;    // name -> the value it is
  std::map<std::string, size_t> parameter_of_;  // weight's name -> index
  std::map<std::string, size_t> value_of_;      // root name -> index
};

Plan::Plan(const Model& model, const PlanOptions& options) : options_(options) {
  options_.training = options.training || options.inspect;
  if (options_.training && options.lanes != simd_lanes()) {
    throw Error("a training plan works on whole blocks of images");
  }
  PlanBuilder(model, *this).build();
}

}  // namespace mnist
