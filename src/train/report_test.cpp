#include "train/report.h"

#include <gtest/gtest.h>

#include <vector>

#include "mnist/error.h"

namespace mnist {
namespace {

TEST(LossCsv, HasALineForEachEpoch) {
  const std::vector<EpochRecord> history = {{1, 469, 0.5, 0.875, 0.001, std::nullopt, std::nullopt},
                                            {2, 938, 0.25, 0.9375, 0.0005, 0.125, 0.96875}};
  EXPECT_EQ(loss_csv(history),
            "epoch,step,loss,accuracy,learning_rate,validation_loss,validation_accuracy\n"
            "1,469,0.5,0.875,0.001,,\n"
            "2,938,0.25,0.9375,0.0005,0.125,0.96875\n");
}

TEST(EpochRecord, ComesBackFromJsonExactly) {
  const EpochRecord record = {7, 123456789012345, 0.1 + 0.2, 1.0 / 3.0, 1e-300, 5e-324, 1.0};
  const Json json = Json::parse(to_json(record).dump());
  EXPECT_EQ(epoch_record_from_json({json, "x"}), record);
}

TEST(EpochRecord, RefusesWhatIsMissingOrUnknown) {
  Json json = to_json(EpochRecord{});
  json["loss"] = "low";
  EXPECT_THROW(epoch_record_from_json({json, "x"}), Error);
  json = to_json(EpochRecord{});
  json["step"] = -1;
  EXPECT_THROW(epoch_record_from_json({json, "x"}), Error);
}

}  // namespace
}  // namespace mnist
