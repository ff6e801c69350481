#include "train/report.h"

#include <fmt/format.h>

namespace mnist {
namespace {

uint64_t count_at(const JsonView& value, const std::string& key) {
  const int64_t number = value.at(key).integer();
  if (number < 0) value.at(key).fail("a count expected, got a negative number");
  return static_cast<uint64_t>(number);
}

}  // namespace

std::string loss_csv(std::span<const EpochRecord> history) {
  std::string text = "epoch,step,loss,accuracy,learning_rate,validation_loss,validation_accuracy\n";
  for (const EpochRecord& record : history) {
    text += fmt::format("{},{},{},{},{},", record.epoch, record.step, record.loss, record.accuracy,
                        record.learning_rate);
    if (record.validation_loss) text += fmt::format("{}", *record.validation_loss);
    text += ",";
    if (record.validation_accuracy) text += fmt::format("{}", *record.validation_accuracy);
    text += "\n";
  }
  return text;
}

Json to_json(const EpochRecord& record) {
  Json json = {{"epoch", record.epoch},
               {"step", record.step},
               {"loss", record.loss},
               {"accuracy", record.accuracy},
               {"learning_rate", record.learning_rate}};
  if (record.validation_loss) json["validation_loss"] = *record.validation_loss;
  if (record.validation_accuracy) json["validation_accuracy"] = *record.validation_accuracy;
  return json;
}

EpochRecord epoch_record_from_json(const JsonView& value) {
  value.expect_keys({"epoch", "step", "loss", "accuracy", "learning_rate", "validation_loss",
                     "validation_accuracy"});
  EpochRecord record;
  record.epoch = count_at(value, "epoch");
  record.step = count_at(value, "step");
  record.loss = value.at("loss").number();
  record.accuracy = value.at("accuracy").number();
  record.learning_rate = value.at("learning_rate").number();
  if (value.has("validation_loss")) record.validation_loss = value.at("validation_loss").number();
  if (value.has("validation_accuracy")) {
    record.validation_accuracy = value.at("validation_accuracy").number();
  }
  return record;
}

}  // namespace mnist
