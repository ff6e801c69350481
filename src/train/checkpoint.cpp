#include "train/checkpoint.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "formats/gguf_model.h"
#include "formats/json_model.h"
#include "mnist/error.h"
#include "train/settings_json.h"

namespace mnist {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kVersion = 1;
constexpr char kChecksumKey[] = "train.sha256";
constexpr char kRunKey[] = "train.run";
constexpr char kFirstMoment[] = "train.first_moment";
constexpr char kSecondMoment[] = "train.second_moment";
// The members of "training" in JSON.
constexpr char kRunMember[] = "run";
constexpr char kFirstMember[] = "first_moment";
constexpr char kSecondMember[] = "second_moment";
constexpr size_t kChecksumDigits = 64;
constexpr std::string_view kNamePrefix = "checkpoint-";
constexpr std::string_view kNameSuffix = ".gguf";

// ---- writing ----

Json run_as_json(const Checkpoint& checkpoint) {
  Json history = Json::array();
  for (const EpochRecord& record : checkpoint.history) history.push_back(to_json(record));
  const DatasetIdentity& data = checkpoint.data;
  const TrainState& state = checkpoint.state;
  return {{"version", kVersion},
          {"settings", to_json(checkpoint.settings)},
          {"validation_share", checkpoint.validation_share},
          {"source", checkpoint.source},
          {"data",
           {{"name", data.name},
            {"images", data.images},
            {"height", data.height},
            {"width", data.width},
            {"crc32", data.crc32}}},
          {"step", state.step},
          {"epoch_loss", state.epoch_loss},
          {"epoch_correct", state.epoch_correct},
          {"epoch_images", state.epoch_images},
          {"history", history}};
}

// A folder's name may be no UTF-8; as a mere hint it may then be unreadable.
std::string run_text(const Checkpoint& checkpoint) {
  return run_as_json(checkpoint).dump(-1, ' ', true, Json::error_handler_t::replace);
}

void add_moment(GgufOutput& output, const char* name, const std::vector<float>& values) {
  if (values.empty()) return;
  output.tensors.push_back(
      {name, {static_cast<int64_t>(values.size())}, GgufTensorType::kF32, values});
}

// Where the checksum's digits stand in `bytes`, which read_gguf made `file` of.
size_t checksum_place(const GgufFile& file, std::span<const std::byte> bytes,
                      const std::string& who) {
  const auto found = file.values.find(kChecksumKey);
  const auto* digits =
      found == file.values.end() ? nullptr : std::get_if<std::string_view>(&found->second);
  if (digits == nullptr || digits->size() != kChecksumDigits) {
    throw Error(who + ": a model, but not a checkpoint of a training run");
  }
  return static_cast<size_t>(reinterpret_cast<const std::byte*>(digits->data()) - bytes.data());
}

std::string checksum_without(std::span<const std::byte> bytes, size_t place) {
  const std::string zeros(kChecksumDigits, '0');
  Sha256 sum;
  sum.update(bytes.first(place));
  sum.update(std::as_bytes(std::span(zeros.data(), zeros.size())));
  sum.update(bytes.subspan(place + kChecksumDigits));
  return sum.finish();
}

// ---- reading ----

uint64_t count_at(const JsonView& json, const std::string& key) {
  const JsonView value = json.at(key);
  if (!value.value().is_number_unsigned()) value.fail("a count expected");
  return value.value().get<uint64_t>();
}

void read_run(const JsonView& run, Checkpoint& checkpoint) {
  if (run.at("version").integer() != kVersion) {
    throw Error(fmt::format("{}: version {} of checkpoints expected, got {}", run.who(), kVersion,
                            run.at("version").integer()));
  }
  checkpoint.settings = settings_from_json(run.at("settings"));
  check_settings(checkpoint.settings);
  checkpoint.validation_share = run.at("validation_share").number();
  checkpoint.source = run.at("source").texts();
  const JsonView data = run.at("data");
  checkpoint.data = {data.at("name").text(), count_at(data, "images"), count_at(data, "height"),
                     count_at(data, "width"), count_at(data, "crc32")};
  checkpoint.state.step = count_at(run, "step");
  checkpoint.state.epoch_loss = run.at("epoch_loss").number();
  checkpoint.state.epoch_correct = count_at(run, "epoch_correct");
  checkpoint.state.epoch_images = count_at(run, "epoch_images");
  for (const JsonView& record : run.at("history").elements()) {
    checkpoint.history.push_back(epoch_record_from_json(record));
  }
}

std::vector<float> read_moment(const GgufFile& file, const char* name, const std::string& who) {
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end()) return {};
  const GgufTensor& tensor = found->second;
  if (tensor.type != static_cast<uint32_t>(GgufTensorType::kF32)) {
    throw Error(fmt::format("{}: tensor '{}': F32 expected, got {}", who, name, tensor.type_name));
  }
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), values.size() * sizeof(float));
  return values;
}

std::string_view run_text(const GgufFile& file, const std::string& who) {
  const auto found = file.values.find(kRunKey);
  const auto* text =
      found == file.values.end() ? nullptr : std::get_if<std::string_view>(&found->second);
  if (text == nullptr) throw Error(fmt::format("{}: the key '{}' is missing", who, kRunKey));
  return *text;
}

std::vector<std::byte> gguf_bytes(const Checkpoint& checkpoint) {
  GgufOutput output = gguf_from_model(checkpoint.model, TensorType::kF32);
  output.values.emplace_back(kChecksumKey, std::string(kChecksumDigits, '0'));
  output.values.emplace_back(kRunKey, run_text(checkpoint));
  add_moment(output, kFirstMoment, checkpoint.state.first_moment);
  add_moment(output, kSecondMoment, checkpoint.state.second_moment);
  MemorySink memory;
  write_gguf(output, memory);
  const std::string who = "a checkpoint";
  const size_t place = checksum_place(read_gguf(memory.bytes, who), memory.bytes, who);
  const std::string sum = checksum_without(memory.bytes, place);
  std::memcpy(memory.bytes.data() + place, sum.data(), sum.size());
  return std::move(memory.bytes);
}

Checkpoint from_gguf(std::span<const std::byte> bytes, const std::string& who) {
  const GgufFile file = read_gguf(bytes, who);
  const size_t place = checksum_place(file, bytes, who);
  const std::string sum = checksum_without(bytes, place);
  if (std::memcmp(sum.data(), bytes.data() + place, sum.size()) != 0) {
    throw Error(who + ": damaged: its checksum is not that of its content");
  }
  Checkpoint checkpoint;
  FileContents contents = contents_of_gguf(file, who);
  Model* model = std::get_if<Model>(&contents);
  if (model == nullptr) throw Error(who + ": a checkpoint expected, got weights without a network");
  checkpoint.model = std::move(*model);
  const Json run = parse_json(run_text(file, who), who + ": " + kRunKey);
  read_run({run, who + ": " + kRunKey}, checkpoint);
  checkpoint.state.first_moment = read_moment(file, kFirstMoment, who);
  checkpoint.state.second_moment = read_moment(file, kSecondMoment, who);
  return checkpoint;
}

// ---- as JSON ----

std::string moment_text(const std::vector<float>& values) {
  std::string text = "[";
  char buffer[64];
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      throw Error(fmt::format("the optimiser's state has a {}, JSON cannot hold it", values[i]));
    }
    if (i != 0) text += ',';
    text += shortest_json(values[i], buffer);
  }
  return text + "]";
}

std::vector<std::byte> json_bytes(const Checkpoint& checkpoint) {
  MemorySink memory;
  write_json_model(
      checkpoint.model,
      fmt::format("{{\n    \"{}\": {},\n    \"{}\": {},\n    \"{}\": {}\n  }}", kRunMember,
                  run_text(checkpoint), kFirstMember, moment_text(checkpoint.state.first_moment),
                  kSecondMember, moment_text(checkpoint.state.second_moment)),
      memory);
  return std::move(memory.bytes);
}

Checkpoint from_json(std::span<const std::byte> bytes, const std::string& who) {
  const Json json = parse_json(as_text(bytes), who);
  const JsonView document(json, who);
  if (!document.has(kTrainingMember)) {
    throw Error(who + ": a model, but not a checkpoint of a training run");
  }
  const JsonView training = document.at(kTrainingMember);
  training.expect_keys({kRunMember, kFirstMember, kSecondMember});
  Checkpoint checkpoint;
  checkpoint.model = model_from_json(document);
  read_run(training.at(kRunMember), checkpoint);
  checkpoint.state.first_moment = training.at(kFirstMember).floats();
  checkpoint.state.second_moment = training.at(kSecondMember).floats();
  return checkpoint;
}

// The step in "checkpoint-00001407.gguf", nothing for other names.
std::optional<uint64_t> step_of(const fs::path& path) {
  const std::string name = path.filename().string();
  if (!name.starts_with(kNamePrefix) || !name.ends_with(kNameSuffix)) return std::nullopt;
  const char* first = name.data() + kNamePrefix.size();
  const char* last = name.data() + name.size() - kNameSuffix.size();
  uint64_t step = 0;
  const auto [end, error] = std::from_chars(first, last, step);
  if (error != std::errc() || end != last) return std::nullopt;
  return step;
}

}  // namespace

DatasetIdentity identify(const Dataset& dataset) {
  uLong crc = ::crc32_z(0, dataset.pixels.data(), dataset.pixels.size());
  const auto labels = std::as_bytes(std::span(dataset.labels));
  crc = ::crc32_z(crc, reinterpret_cast<const Bytef*>(labels.data()), labels.size());
  return {dataset.name, dataset.size(), dataset.height, dataset.width, crc};
}

std::string to_string(const DatasetIdentity& identity) {
  return fmt::format("{}: {} images of {} x {}, crc32 {:08x}", printable(identity.name, 100),
                     identity.images, identity.width, identity.height, identity.crc32);
}

std::vector<std::byte> checkpoint_bytes(const Checkpoint& checkpoint, CheckpointForm form) {
  return form == CheckpointForm::kGguf ? gguf_bytes(checkpoint) : json_bytes(checkpoint);
}

void save_checkpoint(const Checkpoint& checkpoint, const fs::path& path) {
  const std::vector<std::byte> bytes = checkpoint_bytes(checkpoint, CheckpointForm::kGguf);
  write_file(path, [&](Sink& sink) { sink.write(bytes); });
}

Checkpoint load_checkpoint(const fs::path& path) {
  const std::string who = path.string();
  const std::vector<std::byte> bytes = read_file(path);
  const std::string_view head = as_text(bytes).substr(0, 4);
  if (head != "GGUF" && !is_json_model(bytes)) {
    throw Error(fmt::format("{}: no checkpoint: it is neither GGUF nor JSON", who));
  }
  Checkpoint checkpoint = is_json_model(bytes) ? from_json(bytes, who) : from_gguf(bytes, who);
  check_model(checkpoint.model);
  return checkpoint;
}

void continue_from(const Checkpoint& checkpoint, Trainer& trainer) {
  TrainState state = checkpoint.state;
  state.weights = trainer.state().weights;
  trainer.restore(state);
}

std::string checkpoint_name(uint64_t step) {
  return fmt::format("{}{:08}{}", kNamePrefix, step, kNameSuffix);
}

std::vector<fs::path> list_checkpoints(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (step_of(entry.path())) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end(),
            [](const fs::path& a, const fs::path& b) { return *step_of(a) > *step_of(b); });
  return found;
}

bool is_checkpoint(const fs::path& path) {
  constexpr std::string_view kMagic = "GGUF";
  const std::vector<std::byte> bytes = read_file(path);
  const std::string_view text = as_text(bytes);
  // Also of a damaged file: that it was a run decides what is said of it.
  if (is_json_model(bytes)) {
    return text.find(fmt::format("\"{}\"", kTrainingMember)) != std::string_view::npos;
  }
  return text.starts_with(kMagic) && text.find(kRunKey) != std::string_view::npos;
}

FoundCheckpoint find_checkpoint(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return {path, load_checkpoint(path), {}};
  std::vector<std::string> passed_over;
  for (const fs::path& candidate : list_checkpoints(path)) {
    try {
      return {candidate, load_checkpoint(candidate), passed_over};
    } catch (const Error& reason) {
      passed_over.emplace_back(reason.what());
    }
  }
  throw Error(
      passed_over.empty()
          ? fmt::format("{}: no checkpoints (checkpoint-*.gguf) in it", path.string())
          : fmt::format("{}: no checkpoint is whole: {}", path.string(), passed_over.front()));
}

}  // namespace mnist
