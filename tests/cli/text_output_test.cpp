// Pieces of the program's output, by themselves.
#include <gtest/gtest.h>

#include "cli/arguments.h"
#include "cli/ascii_art.h"
#include "cli/json_output.h"
#include "cli/progress.h"
#include "cli/table.h"

namespace mnist {
namespace {

TrainingProgress halfway() {
  TrainingProgress progress;
  progress.epoch = 3;
  progress.epochs = 10;
  progress.step = 1200;
  progress.steps = 4690;
  progress.loss = 0.0712;
  progress.accuracy = 0.9791;
  progress.images_per_second = 52'031;
  progress.seconds_left = 12.4;
  return progress;
}

TEST(ProgressBar, NeverFillsTheLine) {
  for (size_t width = 20; width <= 200; ++width) {
    EXPECT_LT(progress_bar(halfway(), width).size(), width);
  }
}

TEST(ProgressBar, HasEverythingWhereThereIsRoom) {
  const std::string bar = progress_bar(halfway(), 120);
  for (const char* part : {"epoch 3/10 [", "=>", " 26 %", "loss 0.0712", "accuracy 97.91 %",
                           "52,031 images/s", "0:12 left"}) {
    EXPECT_NE(bar.find(part), std::string::npos) << part << " in " << bar;
  }
  EXPECT_EQ(progress_bar(halfway(), 40).find("images/s"), std::string::npos);
}

TEST(ClockTime, HasHoursWhereThereAreSome) {
  EXPECT_EQ(clock_time(7.4), "0:07");
  EXPECT_EQ(clock_time(754), "12:34");
  EXPECT_EQ(clock_time(3723), "1:02:03");
}

TEST(AsciiArt, HasTwoLettersForAPixel) {
  EXPECT_EQ(ascii_art({2, 2, {0, 255, 128, 0}}), "  @@\n++\n");
  EXPECT_EQ(ascii_art({}), "");
}

TEST(AsciiArt, MakesLargeImagesSmaller) {
  const Image large{100, 200, std::vector<uint8_t>(20'000, 255)};
  const std::string art = ascii_art(large, 40);
  EXPECT_EQ(art.find('\n'), 40U);
  EXPECT_EQ(std::count(art.begin(), art.end(), '\n'), 10);
}

TEST(Table, AlignsColumns) {
  EXPECT_EQ(table({{"a", "number"}, {"long", "7"}, {"ü", "12"}}, {true, false}),
            "a     number\nlong       7\nü         12\n");
}

TEST(ShellWord, IsQuotedWhereItMustBe) {
  EXPECT_EQ(shell_word("run/checkpoint-1.gguf"), "run/checkpoint-1.gguf");
  EXPECT_EQ(shell_word("my model.gguf"), "'my model.gguf'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word(""), "''");
}

TEST(Shortest, HasTheDigitsOfTheFloat) {
  EXPECT_EQ(shortest(0.1F), 0.1);
  EXPECT_EQ(static_cast<float>(shortest(1.0F / 3.0F)), 1.0F / 3.0F);
}

}  // namespace
}  // namespace mnist
