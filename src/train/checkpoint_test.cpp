#include "train/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "base/file.h"
#include "data/synthetic.h"
#include "mnist/error.h"
#include "mnist/model_file.h"
#include "model/architectures.h"
#include "train/settings_json.h"

namespace mnist {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class CheckpointTest : public testing::Test {
 protected:
  CheckpointTest() {
    folder_ = fs::path(testing::TempDir()) /
              ("checkpoints-" +
               std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    settings_.epochs = 3;
    settings_.batch_size = 16;
    settings_.augmentation = "light";
    initialize_weights(model_, 1);
  }
  ~CheckpointTest() override { fs::remove_all(folder_); }

  Trainer trainer(const Model& model) {
    std::vector<uint32_t> indices(digits_.size());
    for (uint32_t i = 0; i < indices.size(); ++i) indices[i] = i;
    return Trainer(model, {&digits_, indices}, settings_, threads_);
  }

  Checkpoint checkpoint_of(const Trainer& trainer) {
    Checkpoint checkpoint;
    checkpoint.model = trainer.model();
    checkpoint.settings = settings_;
    checkpoint.validation_share = 0.1;
    checkpoint.source = {"synthetic:100"};
    checkpoint.data = identify(digits_);
    checkpoint.state = trainer.state();
    checkpoint.history = {{1, 7, 0.1 + 0.2, 1.0 / 3.0, 1e-7, 0.25, std::nullopt}};
    return checkpoint;
  }

  std::vector<std::byte> small_file() {
    Trainer trainer = this->trainer(model_);
    trainer.run_step();
    save_checkpoint(checkpoint_of(trainer), folder_ / "c.gguf");
    return read_file(folder_ / "c.gguf");
  }

  void write_bytes(const fs::path& path, const std::vector<std::byte>& bytes) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }

  std::string refusal(const fs::path& path) {
    try {
      load_checkpoint(path);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  fs::path folder_;
  Dataset digits_ = synthetic_digits(100, 1);
  Model model_ = make_architecture("mnist-keras-cnn");
  TrainSettings settings_;
  ThreadPool threads_{1};
};

TEST_F(CheckpointTest, EverythingComesBackExactly) {
  Trainer trainer = this->trainer(model_);
  for (int i = 0; i < 3; ++i) trainer.run_step();
  const Checkpoint saved = checkpoint_of(trainer);
  save_checkpoint(saved, folder_ / "c.gguf");
  const Checkpoint loaded = load_checkpoint(folder_ / "c.gguf");
  EXPECT_EQ(to_json(loaded.settings), to_json(saved.settings));
  EXPECT_EQ(loaded.validation_share, saved.validation_share);
  EXPECT_EQ(loaded.source, saved.source);
  EXPECT_EQ(loaded.data, saved.data);
  EXPECT_EQ(loaded.history, saved.history);
  EXPECT_EQ(loaded.state.step, 3U);
  EXPECT_EQ(loaded.state.epoch_loss, saved.state.epoch_loss);
  EXPECT_EQ(loaded.state.epoch_correct, saved.state.epoch_correct);
  EXPECT_EQ(loaded.state.epoch_images, saved.state.epoch_images);
  EXPECT_EQ(loaded.state.first_moment, saved.state.first_moment);
  EXPECT_EQ(loaded.state.second_moment, saved.state.second_moment);
  for (const auto& [name, tensor] : saved.model.weights) {
    EXPECT_EQ(loaded.model.weight(name).values, tensor.values) << name;
  }
}

// Every kind of optimiser, stopped in the middle of the second epoch (7 steps each).
TEST_F(CheckpointTest, ARunGoesOnBitForBit) {
  for (OptimizerKind kind : {OptimizerKind::kSgd, OptimizerKind::kMomentum, OptimizerKind::kAdam,
                             OptimizerKind::kAdamW}) {
    settings_.optimizer = kind;
    Trainer straight = trainer(model_);
    while (straight.step() != 10) straight.run_step();
    save_checkpoint(checkpoint_of(straight), folder_ / "c.gguf");
    while (!straight.finished()) straight.run_step();

    const Checkpoint checkpoint = load_checkpoint(folder_ / "c.gguf");
    Trainer resumed = trainer(checkpoint.model);
    continue_from(checkpoint, resumed);
    EXPECT_EQ(resumed.step(), 10U);
    while (!resumed.finished()) resumed.run_step();
    const TrainState a = straight.state();
    const TrainState b = resumed.state();
    EXPECT_EQ(a.epoch_loss, b.epoch_loss) << to_string(kind);
    EXPECT_EQ(a.epoch_correct, b.epoch_correct) << to_string(kind);
    ASSERT_EQ(a.weights.size(), b.weights.size());
    EXPECT_EQ(std::memcmp(a.weights.data(), b.weights.data(), a.weights.size() * sizeof(float)), 0)
        << to_string(kind);
  }
}

TEST_F(CheckpointTest, AsJsonTheRunGoesOnBitForBit) {
  Trainer straight = trainer(model_);
  while (straight.step() != 10) straight.run_step();
  const Checkpoint saved = checkpoint_of(straight);
  write_bytes(folder_ / "c.json", checkpoint_bytes(saved, CheckpointForm::kJson));
  EXPECT_TRUE(is_checkpoint(folder_ / "c.json"));
  const Checkpoint loaded = load_checkpoint(folder_ / "c.json");
  // The same file again, and the same as GGUF.
  for (CheckpointForm form : {CheckpointForm::kJson, CheckpointForm::kGguf}) {
    EXPECT_EQ(checkpoint_bytes(loaded, form), checkpoint_bytes(saved, form));
  }
  EXPECT_EQ(load_model(folder_ / "c.json").weights.size(), model_.weights.size());
  save_model(model_, folder_ / "model.json");
  EXPECT_FALSE(is_checkpoint(folder_ / "model.json"));
  EXPECT_THAT(refusal(folder_ / "model.json"), HasSubstr("not a checkpoint"));
}

TEST_F(CheckpointTest, IsAModelToo) {
  Trainer trainer = this->trainer(model_);
  trainer.run_step();
  save_checkpoint(checkpoint_of(trainer), folder_ / "c.gguf");
  const Model model = load_model(folder_ / "c.gguf");
  EXPECT_EQ(model.architecture, "mnist-keras-cnn");
  EXPECT_TRUE(model.metadata.empty());
  EXPECT_EQ(model.weights.size(), model_.weights.size());
}

TEST_F(CheckpointTest, AFlippedBitAnywhereIsFound) {
  model_ = make_architecture("mnist-cnn");
  initialize_weights(model_, 1);
  const std::vector<std::byte> whole = small_file();
  // A stride that is prime to the alignment, so that every kind of place is met.
  for (size_t i = 0; i < whole.size(); i += 997) {
    std::vector<std::byte> damaged = whole;
    damaged[i] ^= std::byte{1} << (i % 8);
    write_bytes(folder_ / "d.gguf", damaged);
    EXPECT_NE(refusal(folder_ / "d.gguf"), "") << "at byte " << i;
  }
}

TEST_F(CheckpointTest, ACutFileIsRefused) {
  model_ = make_architecture("mnist-cnn");
  initialize_weights(model_, 1);
  const std::vector<std::byte> whole = small_file();
  for (size_t length = 0; length < whole.size(); length += 2999) {
    write_bytes(folder_ / "d.gguf", {whole.begin(), whole.begin() + static_cast<long>(length)});
    EXPECT_NE(refusal(folder_ / "d.gguf"), "") << "of length " << length;
  }
}

TEST_F(CheckpointTest, AMereModelIsNone) {
  save_model(model_, folder_ / "model.gguf");
  EXPECT_THAT(refusal(folder_ / "model.gguf"), HasSubstr("not a checkpoint"));
}

TEST_F(CheckpointTest, OfAFolderTheOneWithMostStepsIsTaken) {
  EXPECT_TRUE(list_checkpoints(folder_ / "nowhere").empty());
  Trainer trainer = this->trainer(model_);
  trainer.run_step();
  for (uint64_t step : {9U, 100000000U, 20U}) {
    save_checkpoint(checkpoint_of(trainer), folder_ / checkpoint_name(step));
  }
  std::ofstream(folder_ / "checkpoint-x.gguf") << "no number";
  EXPECT_EQ(list_checkpoints(folder_).size(), 3U);
  EXPECT_EQ(find_checkpoint(folder_).path.filename(), "checkpoint-100000000.gguf");
  std::ofstream(folder_ / "checkpoint-100000000.gguf") << "damaged";
  const FoundCheckpoint found = find_checkpoint(folder_);
  EXPECT_EQ(found.path.filename(), "checkpoint-00000020.gguf");
  ASSERT_EQ(found.passed_over.size(), 1U);
  EXPECT_THAT(found.passed_over.front(), HasSubstr("checkpoint-100000000.gguf"));
}

TEST_F(CheckpointTest, OtherImagesHaveAnotherIdentity) {
  const DatasetIdentity identity = identify(digits_);
  digits_.labels.back() ^= 1;
  EXPECT_NE(identify(digits_), identity);
  digits_.labels.back() ^= 1;
  digits_.pixels[12345] ^= 1;
  EXPECT_NE(identify(digits_), identity);
  digits_.pixels[12345] ^= 1;
  digits_.name = "the same images, elsewhere";
  EXPECT_EQ(identify(digits_), identity);
}

TEST(SettingsJson, UnknownAndMissingSettingsAreNamed) {
  Json json = to_json(TrainSettings{});
  json.erase("epsilon");
  EXPECT_THROW(settings_from_json({json, "x"}), Error);
  json = to_json(TrainSettings{});
  json["extra"] = 1;
  EXPECT_THROW(settings_from_json({json, "x"}), Error);
  json = to_json(TrainSettings{});
  json["epochs"] = -1;
  EXPECT_THROW(settings_from_json({json, "x"}), Error);
}

}  // namespace
}  // namespace mnist
