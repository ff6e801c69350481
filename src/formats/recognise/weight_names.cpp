#include "formats/recognise/weight_names.h"

#include <algorithm>
#include <iterator>

namespace mnist {
namespace {

struct Word {
  std::string_view text;
  WeightRole role;
};

// The last word of a name in the programs that people use (PyTorch, Keras, ONNX, JAX).
constexpr Word kWords[] = {{"running_mean", WeightRole::kMean},
                           {"moving_mean", WeightRole::kMean},
                           {"running_var", WeightRole::kVariance},
                           {"moving_variance", WeightRole::kVariance},
                           {"running_variance", WeightRole::kVariance},
                           {"variance", WeightRole::kVariance},
                           {"mean", WeightRole::kMean},
                           {"var", WeightRole::kVariance},
                           {"weight", WeightRole::kWeight},
                           {"weights", WeightRole::kWeight},
                           {"kernel", WeightRole::kWeight},
                           {"gamma", WeightRole::kWeight},
                           {"scale", WeightRole::kWeight},
                           {"w", WeightRole::kWeight},
                           {"bias", WeightRole::kBias},
                           {"biases", WeightRole::kBias},
                           {"beta", WeightRole::kBias},
                           {"b", WeightRole::kBias},
                           {"num_batches_tracked", WeightRole::kIgnored},
                           {"total_ops", WeightRole::kIgnored},
                           {"total_params", WeightRole::kIgnored}};

// What an optimiser or a training loop leaves beside the weights; any part of a name.
constexpr std::string_view kForeignParts[] = {"optimizer",
                                              "optim",
                                              "optimizer_state",
                                              "optimizer_state_dict",
                                              "optimizer_weights",
                                              "exp_avg",
                                              "exp_avg_sq",
                                              "momentum_buffer",
                                              "max_exp_avg_sq",
                                              "scheduler",
                                              "iterations",
                                              "global_step",
                                              "epoch",
                                              "step",
                                              "learning_rate",
                                              "loss",
                                              "losses",
                                              "accuracy",
                                              "acc",
                                              "history",
                                              "criterion",
                                              "loss_fn",
                                              "loss_history",
                                              "train_loss",
                                              "train_losses",
                                              "train_acc",
                                              "val_loss",
                                              "val_acc",
                                              "test_loss",
                                              "test_acc"};

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool is_separator(char letter) {
  return letter == '.' || letter == '/' || letter == '_' || letter == '-';
}

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

bool has_foreign_part(std::string_view name) {
  while (!name.empty()) {
    const size_t end = std::min(name.find_first_of("./"), name.size());
    for (std::string_view part : kForeignParts) {
      if (same_word(name.substr(0, end), part)) return true;
    }
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return false;
}

}  // namespace

WeightName parse_weight_name(std::string_view name) {
  if (has_foreign_part(name)) return {std::string(name), WeightRole::kIgnored};
  const std::string whole(name);
  if (name.ends_with(":0")) name.remove_suffix(2);  // TensorFlow's number of an output
  if (name.ends_with(".npy")) name.remove_suffix(4);
  // "W1", "bias_2": the number is the layer's.
  std::string_view digits = name;
  while (!name.empty() && is_digit(name.back())) name.remove_suffix(1);
  digits.remove_prefix(name.size());
  if (!digits.empty() && name.ends_with('_')) name.remove_suffix(1);
  for (const Word& word : kWords) {
    if (name.size() < word.text.size()) continue;
    const size_t start = name.size() - word.text.size();
    if (!same_word(name.substr(start), word.text)) continue;
    if (start != 0 && !is_separator(name[start - 1])) continue;
    std::string layer(name.substr(0, start == 0 ? 0 : start - 1));
    layer += digits;
    return {layer, word.role};
  }
  return {whole, WeightRole::kUnknown};
}

}  // namespace mnist
