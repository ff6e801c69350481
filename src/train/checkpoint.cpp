#include "train/checkpoint.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "formats/gguf_model.h"
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
  crc = ::crc32_z(crc, dataset.labels.data(), dataset.labels.size());
  return {dataset.name, dataset.size(), dataset.height, dataset.width, crc};
}

std::string to_string(const DatasetIdentity& identity) {
  return fmt::format("{}: {} images of {} x {}, crc32 {:08x}", printable(identity.name, 100),
                     identity.images, identity.width, identity.height, identity.crc32);
}

void save_checkpoint(const Checkpoint& checkpoint, const fs::path& path) {
  GgufOutput output = gguf_from_model(checkpoint.model, TensorType::kF32);
  output.values.emplace_back(kChecksumKey, std::string(kChecksumDigits, '0'));
  const Json run = run_as_json(checkpoint);
  // A folder's name may be no UTF-8; as a mere hint it may then be unreadable.
  output.values.emplace_back(kRunKey, run.dump(-1, ' ', true, Json::error_handler_t::replace));
  add_moment(output, kFirstMoment, checkpoint.state.first_moment);
  add_moment(output, kSecondMoment, checkpoint.state.second_moment);
  MemorySink memory;
  write_gguf(output, memory);
  const std::string who = path.string();
  const size_t place = checksum_place(read_gguf(memory.bytes, who), memory.bytes, who);
  const std::string sum = checksum_without(memory.bytes, place);
  std::memcpy(memory.bytes.data() + place, sum.data(), sum.size());
  write_file(path, [&](Sink& sink) { sink.write(memory.bytes); });
}

Checkpoint load_checkpoint(const fs::path& path) {
  const std::string who = path.string();
  const std::vector<std::byte> bytes = read_file(path);
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
  check_model(checkpoint.model);
  const Json run = parse_json(run_text(file, who), who + ": " + kRunKey);
  read_run({run, who + ": " + kRunKey}, checkpoint);
  checkpoint.state.first_moment = read_moment(file, kFirstMoment, who);
  checkpoint.state.second_moment = read_moment(file, kSecondMoment, who);
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
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  // Also of a damaged file: that it was a run decides what is said of it.
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
