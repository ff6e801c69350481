#include "classify/match_classes.h"

#include <gmock/gmock.h>

#include "mnist/error.h"

namespace mnist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Dataset fruit(std::vector<std::string> names, std::vector<Label> labels) {
  Dataset dataset;
  dataset.name = "fruit";
  dataset.classes = names.size();
  dataset.class_names = std::move(names);
  dataset.labels = std::move(labels);
  return dataset;
}

Model model_of(std::vector<std::string> names) {
  Model model;
  model.class_names = std::move(names);
  return model;
}

TEST(MatchClasses, NumbersSomeOfTheClassesAsTheModelDoes) {
  Dataset dataset = fruit({"apple", "pear"}, {0, 1, 1});
  match_classes(dataset, model_of({"pear", "plum", "apple"}), "m.gguf");
  EXPECT_THAT(dataset.labels, ElementsAre(2, 0, 0));
  EXPECT_EQ(dataset.classes, 3u);
}

TEST(MatchClasses, LeavesNumbersAndOtherLanguagesAlone) {
  Dataset dataset = fruit({"Apfel", "Birne"}, {0, 1});
  match_classes(dataset, model_of({"apple", "pear"}), "m.gguf");
  EXPECT_THAT(dataset.labels, ElementsAre(0, 1));
  dataset = fruit({}, {3});
  match_classes(dataset, model_of({"apple", "pear"}), "m.gguf");
  EXPECT_THAT(dataset.labels, ElementsAre(3));
}

TEST(MatchClasses, RefusesAClassThatTheModelDoesNotKnow) {
  Dataset dataset = fruit({"apple", "nut"}, {0, 1});
  try {
    match_classes(dataset, model_of({"apple", "pear"}), "m.gguf");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("m.gguf: does not know the class 'nut' of fruit"));
  }
}

}  // namespace
}  // namespace mnist
