#include "train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/random.h"
#include "data/augment.h"
#include "engine/check_classifier.h"
#include "engine/graph.h"
#include "engine/load_images.h"
#include "engine/plan.h"
#include "mnist/error.h"
#include "train/loss.h"
#include "train/optimizer.h"

namespace mnist {
namespace {

// A batch's passes are shared out to this many shards at most, each with gradients of its own that
// are added up in order: more would let more threads work, but cost memory and time to add.
constexpr size_t kMostShards = 16;
constexpr size_t kShardBytes = 8 << 20;  // for all shards' gradients together
constexpr size_t kLeastShards = 4;

// Floats of the parameter array that one task of the update takes. One that makes a deferred
// gradient, too, takes rows: so many that looking for zeros among the images costs little beside.
constexpr size_t kSegmentFloats = 16384;
constexpr size_t kSegmentRows = 64;

// A batch makes at least this many passes, so that as many threads have work.
constexpr size_t kLeastPasses = 2;

Plan training_plan(const Model& model, size_t batch) {
  PlanOptions options;
  options.training = true;
  options.kept_images = batch;
  Plan plan(model, options);
  if (batch >= kLeastPasses * plan.images()) return plan;
  const size_t images = (batch + kLeastPasses - 1) / kLeastPasses;
  options.blocks = std::max<size_t>(1, (images + plan.lanes() - 1) / plan.lanes());
  return {model, options};
}

// A part of a parameter: floats, of a deferred one whole rows.
struct Segment {
  const Parameter& parameter;
  size_t first;
  size_t count;

  // Biases and scales are not decayed: they do not make a function more complicated.
  bool decays() const { return parameter.shape.size() > 1; }
};

size_t columns_of(const Parameter& deferred) { return static_cast<size_t>(deferred.shape.at(1)); }

std::vector<Segment> make_segments(const Plan& plan) {
  std::vector<Segment> segments;
  for (const Parameter& parameter : plan.parameters()) {
    const size_t floats = round_up(parameter.count, kFloatsPerLine);
    const size_t most = parameter.deferred ? kSegmentRows * columns_of(parameter) : kSegmentFloats;
    for (size_t first = 0; first < floats; first += most) {
      segments.push_back({parameter, first, std::min(most, floats - first)});
    }
  }
  return segments;
}

// Images of a batch that run before deferred gradients are made of them.
struct Part {
  size_t number = 0;
  size_t first = 0;  // of the batch's images
  size_t count = 0;
};

}  // namespace

struct Trainer::Impl {
  Impl(const Model& start, TrainingImages training_images, const TrainSettings& train_settings,
       ThreadPool& pool);

  void check() const;
  void begin_epoch(uint64_t epoch);
  std::vector<Part> parts_of(size_t batch) const;
  void run_part(const Part& part, size_t batch);
  void run_pass(size_t shard, size_t thread, const Part& part, size_t place, size_t batch);
  void make_gradient(const Segment& segment, const Part& part);
  void accumulate(const Part& part);
  void update(size_t batch, const Part& last);
  void update_segment(const Segment& segment, const UpdateTask& step_task, size_t batch);

  Model model;
  TrainingImages images;
  TrainSettings settings;
  ThreadPool& threads;
  Plan plan;
  Augmentation augmentation;
  std::vector<Segment> segments;
  FloatBuffer first_moment;
  FloatBuffer second_moment;
  FloatBuffer kept;  // by the images of a part, for deferred gradients

  struct Thread {
    Workspace workspace;
    std::vector<uint8_t> pixels;  // augmented images of one pass
    std::vector<const uint8_t*> pointers;
    std::vector<Label> labels;
  };
  std::vector<Thread> thread_data;
  struct Shard {
    FloatBuffer gradients;
    LossResult result;
  };
  std::vector<Shard> shards;

  uint64_t step = 0;
  uint64_t steps_per_epoch = 0;
  uint64_t epoch = 0;
  std::vector<uint32_t> order;            // of the epoch: positions in images.indices
  std::span<const uint32_t> batch_order;  // of the running step
  double epoch_loss = 0.0;
  uint64_t epoch_correct = 0;
  uint64_t epoch_images = 0;
};

Trainer::Impl::Impl(const Model& start, TrainingImages training_images,
                    const TrainSettings& train_settings, ThreadPool& pool)
    : model(start),
      images(std::move(training_images)),
      settings(train_settings),
      threads(pool),
      plan(training_plan(start, train_settings.physical_batch_size != 0
                                    ? train_settings.physical_batch_size
                                    : train_settings.batch_size)),
      augmentation(augmentation_by_name(train_settings.augmentation)) {
  check_settings(settings);
  check();
  if (settings.physical_batch_size == 0) settings.physical_batch_size = settings.batch_size;
  steps_per_epoch = (images.indices.size() + settings.batch_size - 1) / settings.batch_size;
  segments = make_segments(plan);
  const size_t floats = plan.weights().size();
  bool adaptive =
      settings.optimizer == OptimizerKind::kAdam || settings.optimizer == OptimizerKind::kAdamW;
  if (settings.optimizer != OptimizerKind::kSgd) first_moment = FloatBuffer(floats);
  if (adaptive) second_moment = FloatBuffer(floats);
  const size_t image_bytes = images.dataset->height * images.dataset->width;
  for (size_t i = 0; i < threads.threads(); ++i) {
    thread_data.push_back({plan.make_workspace(), std::vector<uint8_t>(plan.images() * image_bytes),
                           std::vector<const uint8_t*>(plan.images()),
                           std::vector<Label>(plan.images())});
  }
  const size_t passes = (settings.physical_batch_size + plan.images() - 1) / plan.images();
  const size_t shared = plan.shared_gradients();
  const size_t affordable =
      std::clamp(kShardBytes / (shared * sizeof(float) + 1), kLeastShards, kMostShards);
  for (size_t i = 0; i < std::min(passes, affordable); ++i) {
    shards.push_back({FloatBuffer(i == 0 ? floats : shared), {}});
  }
  kept = FloatBuffer(plan.kept_floats());
  begin_epoch(0);
}

std::vector<Part> Trainer::Impl::parts_of(size_t batch) const {
  const size_t most = plan.kept_images() == 0
                          ? settings.physical_batch_size
                          : std::min(settings.physical_batch_size, plan.kept_images());
  std::vector<Part> parts;
  for (size_t first = 0; first < batch; first += most) {
    parts.push_back({parts.size(), first, std::min(most, batch - first)});
  }
  return parts;
}

void Trainer::Impl::check() const {
  check_classifier(model);
  const Dataset& dataset = *images.dataset;
  if (images.indices.empty()) throw Error(dataset.name + ": no images to train on");
  if (dataset.height * dataset.width != plan.input_elements()) {
    throw Error(fmt::format("{}: images of {} x {} pixels do not fit the network's input {}",
                            dataset.name, dataset.height, dataset.width,
                            to_string(model.input_shape)));
  }
  if (dataset.classes > plan.output_elements()) {
    throw Error(fmt::format("{}: {} classes, but the network has {} outputs", dataset.name,
                            dataset.classes, plan.output_elements()));
  }
}

void Trainer::Impl::begin_epoch(uint64_t number) {
  epoch = number;
  order = random_permutation(static_cast<uint32_t>(images.indices.size()),
                             random_key(settings.seed, RandomUse::kShuffle, number));
}

// All shards, each its passes in order.
void Trainer::Impl::run_part(const Part& part, size_t batch) {
  const size_t passes = (part.count + plan.images() - 1) / plan.images();
  threads.run(shards.size(), [&](size_t s, size_t thread) {
    if (part.number == 0) {
      std::memset(shards[s].gradients.data(), 0, plan.shared_gradients() * sizeof(float));
      shards[s].result = {};
    }
    const size_t end = (s + 1) * passes / shards.size();
    for (size_t pass = s * passes / shards.size(); pass < end; ++pass) {
      run_pass(s, thread, part, pass * plan.images(), batch);
    }
  });
}

// The part's images from `place` on.
void Trainer::Impl::run_pass(size_t s, size_t thread, const Part& part, size_t place,
                             size_t batch) {
  const size_t first = part.first + place;
  const size_t count = std::min(plan.images(), part.count - place);
  Thread& data = thread_data[thread];
  const Dataset& dataset = *images.dataset;
  const size_t image_bytes = dataset.height * dataset.width;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t index = images.indices[batch_order[first + i]];
    data.pointers[i] = dataset.pixels.data() + size_t{index} * image_bytes;
    data.labels[i] = dataset.labels[index];
    if (augmentation == Augmentation{}) continue;
    uint8_t* augmented = data.pixels.data() + i * image_bytes;
    augment(data.pointers[i], dataset.height, dataset.width, augmentation,
            random_key(settings.seed, RandomUse::kAugment, epoch, index), augmented);
    data.pointers[i] = augmented;
  }
  Workspace& workspace = data.workspace;
  load_images(std::span(data.pointers).first(count), plan.input_elements(), plan.lanes(),
              model.pixels, plan.input(workspace));
  const uint64_t key = random_key(settings.seed, RandomUse::kDropout, step);
  plan.forward(workspace, count, key, first);
  LossTask task;
  task.logits = plan.output(workspace);
  task.d_logits = plan.d_output(workspace);
  task.labels = std::span(data.labels).first(count);
  task.classes = plan.output_elements();
  task.scale = 1.0F / static_cast<float>(batch);
  task.smoothing = static_cast<float>(settings.label_smoothing);
  const LossResult result = softmax_cross_entropy(task);
  shards[s].result.loss += result.loss;
  shards[s].result.correct += result.correct;
  plan.backward(workspace, {shards[s].gradients.data(), shards[s].gradients.size()}, count, key,
                first, kept.data(), place);
}

// A deferred gradient's rows, summed over the parts of the batch until now.
void Trainer::Impl::make_gradient(const Segment& segment, const Part& part) {
  FloatBuffer& gradients = shards[0].gradients;
  const size_t columns = columns_of(segment.parameter);
  const size_t floats = std::min(segment.count, segment.parameter.count - segment.first);
  plan.deferred_gradient(segment.parameter, kept.data(), part.count, segment.first / columns,
                         floats / columns, {gradients.data(), gradients.size()}, part.number != 0);
}

void Trainer::Impl::accumulate(const Part& part) {
  if (plan.kept_images() == 0) return;
  threads.run(segments.size(), [&](size_t i, size_t) {
    if (segments[i].parameter.deferred) make_gradient(segments[i], part);
  });
}

// Makes the last part's deferred gradients on the way: they then are in a cache near by.
void Trainer::Impl::update(size_t batch, const Part& last) {
  const double rate = learning_rate_at(settings, step, steps_per_epoch * settings.epochs);
  const auto t = static_cast<double>(step + 1);
  const bool adaptive = second_moment.size() != 0;
  UpdateTask task;
  task.learning_rate = static_cast<float>(rate);
  task.momentum = static_cast<float>(adaptive ? settings.beta1 : settings.momentum);
  task.beta2 = static_cast<float>(settings.beta2);
  task.epsilon = static_cast<float>(settings.epsilon);
  task.correction1 = static_cast<float>(1.0 - std::pow(settings.beta1, t));
  task.correction2 = static_cast<float>(1.0 - std::pow(settings.beta2, t));
  threads.run(segments.size(), [&](size_t i, size_t) {
    if (segments[i].parameter.deferred) make_gradient(segments[i], last);
    update_segment(segments[i], task, batch);
  });
}

void Trainer::Impl::update_segment(const Segment& segment, const UpdateTask& step_task,
                                   size_t batch) {
  const Parameter& parameter = segment.parameter;
  const float* gradients[kMostShards];
  const size_t count = parameter.deferred ? 1 : shards.size();
  for (size_t s = 0; s < count; ++s) {
    gradients[s] = shards[s].gradients.data() + parameter.gradient_offset + segment.first;
  }
  const size_t offset = parameter.offset + segment.first;
  UpdateTask task = step_task;
  task.gradients = std::span(gradients, count);
  task.weights = plan.weights().data() + offset;
  task.count = segment.count;
  if (!parameter.trainable) {
    const auto statistic_rate = static_cast<float>(parameter.statistic_rate);
    move_statistics(task, statistic_rate / static_cast<float>(batch));
    return;
  }
  if (first_moment.size() != 0) task.first_moment = first_moment.data() + offset;
  if (second_moment.size() != 0) task.second_moment = second_moment.data() + offset;
  task.weight_decay = segment.decays() ? static_cast<float>(settings.weight_decay) : 0.0F;
  update_weights(settings.optimizer, task);
}

Trainer::Trainer(const Model& model, TrainingImages images, const TrainSettings& settings,
                 ThreadPool& threads)
    : impl_(std::make_unique<Impl>(model, std::move(images), settings, threads)) {}
Trainer::~Trainer() = default;

const std::vector<std::string>& Trainer::frozen_weights() const {
  return impl_->plan.frozen_weights();
}

uint64_t Trainer::steps_per_epoch() const { return impl_->steps_per_epoch; }
uint64_t Trainer::steps() const { return impl_->steps_per_epoch * impl_->settings.epochs; }
uint64_t Trainer::step() const { return impl_->step; }
double Trainer::learning_rate() const {
  return learning_rate_at(impl_->settings, impl_->step, steps());
}
uint64_t Trainer::macs() const { return impl_->plan.forward_macs() + impl_->plan.backward_macs(); }

Trainer::StepResult Trainer::run_step() {
  Impl& impl = *impl_;
  const uint64_t position = impl.step % impl.steps_per_epoch;
  if (impl.step / impl.steps_per_epoch != impl.epoch) {
    impl.begin_epoch(impl.step / impl.steps_per_epoch);
  }
  if (position == 0) {
    impl.epoch_loss = 0.0;
    impl.epoch_correct = impl.epoch_images = 0;
  }
  const size_t first = position * impl.settings.batch_size;
  const size_t batch = std::min(impl.settings.batch_size, impl.order.size() - first);
  impl.batch_order = std::span(impl.order).subspan(first, batch);
  const std::vector<Part> parts = impl.parts_of(batch);
  for (const Part& part : parts) {
    impl.run_part(part, batch);
    if (part.number + 1 != parts.size()) impl.accumulate(part);
  }
  LossResult sum;
  for (const Impl::Shard& shard : impl.shards) {
    sum.loss += shard.result.loss;
    sum.correct += shard.result.correct;
  }
  if (!std::isfinite(sum.loss)) {
    throw Error(
        fmt::format("training: loss became {} at epoch {} step {} (learning rate {:.3g}): "
                    "try a lower learning rate",
                    sum.loss, impl.epoch + 1, position + 1, learning_rate()));
  }
  impl.update(batch, parts.back());
  ++impl.step;
  impl.epoch_loss += sum.loss;
  impl.epoch_correct += sum.correct;
  impl.epoch_images += batch;
  return {sum.loss / static_cast<double>(batch), sum.correct, batch};
}

Trainer::StepResult Trainer::epoch_result() const {
  const double images = static_cast<double>(std::max<uint64_t>(1, impl_->epoch_images));
  return {impl_->epoch_loss / images, static_cast<size_t>(impl_->epoch_correct),
          static_cast<size_t>(impl_->epoch_images)};
}

TrainState Trainer::state() const {
  const Impl& impl = *impl_;
  TrainState state;
  state.step = impl.step;
  const std::span<const float> weights = std::as_const(impl.plan).weights();
  state.weights.assign(weights.begin(), weights.end());
  state.first_moment.assign(impl.first_moment.begin(), impl.first_moment.end());
  state.second_moment.assign(impl.second_moment.begin(), impl.second_moment.end());
  state.epoch_loss = impl.epoch_loss;
  state.epoch_correct = impl.epoch_correct;
  state.epoch_images = impl.epoch_images;
  return state;
}

void Trainer::restore(const TrainState& state) {
  Impl& impl = *impl_;
  if (state.weights.size() != impl.plan.weights().size() ||
      state.first_moment.size() != impl.first_moment.size() ||
      state.second_moment.size() != impl.second_moment.size() || state.step > steps()) {
    throw Error("training: the saved state belongs to another network, optimizer or length of run");
  }
  std::copy(state.weights.begin(), state.weights.end(), impl.plan.weights().begin());
  std::copy(state.first_moment.begin(), state.first_moment.end(), impl.first_moment.begin());
  std::copy(state.second_moment.begin(), state.second_moment.end(), impl.second_moment.begin());
  impl.step = state.step;
  impl.begin_epoch(std::min<uint64_t>(state.step / impl.steps_per_epoch, impl.settings.epochs - 1));
  impl.epoch_loss = state.epoch_loss;
  impl.epoch_correct = state.epoch_correct;
  impl.epoch_images = state.epoch_images;
}

Model Trainer::model() const {
  Model model = impl_->model;
  impl_->plan.store_weights(model);
  return model;
}

ValidationSplit split_for_validation(uint32_t count, double validation_share, uint64_t seed) {
  if (!(validation_share >= 0.0 && validation_share < 1.0)) {
    throw Error(fmt::format("a validation split of {}, not in [0, 1)", validation_share));
  }
  std::vector<uint32_t> order = random_permutation(count, random_key(seed, RandomUse::kSplit));
  const auto held = static_cast<ptrdiff_t>(std::lround(count * validation_share));
  ValidationSplit split;
  split.validation.assign(order.begin(), order.begin() + held);
  split.training.assign(order.begin() + held, order.end());
  std::sort(split.validation.begin(), split.validation.end());
  std::sort(split.training.begin(), split.training.end());
  return split;
}

void initialize_weights(Model& model, uint64_t seed) {
  const Graph graph = make_graph(model, find_backend(""));
  uint64_t number = 0;
  for (const GraphNode& part : graph.nodes) {
    for (size_t i = 0; i < part.node->inputs.size(); ++i, ++number) {
      if (!model.is_weight(part.node->inputs[i])) continue;
      const Initial initial = part.op->initial(i);
      std::vector<float>& values = model.weights.at(part.node->inputs[i]).values;
      if (initial.kind != Initial::Kind::kKaiming) {
        std::fill(values.begin(), values.end(), initial.kind == Initial::Kind::kOne ? 1.0F : 0.0F);
        continue;
      }
      Random random(random_key(seed, RandomUse::kInitialWeights, number));
      const float deviation = std::sqrt(2.0F / static_cast<float>(initial.fan_in));
      for (float& value : values) value = deviation * random.normal();
    }
  }
}

}  // namespace mnist
