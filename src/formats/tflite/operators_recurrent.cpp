// Recurrent layers.
#include <fmt/format.h>

#include "formats/tflite/options.h"
#include "formats/tflite/translation.h"

namespace mnist {
namespace {

// The inputs from `first` on are the gates' weights, input, forget, candidate and output; below
// each other in the document's order, in which the candidate is the last.
std::string add_gates(TfliteTranslation& translation, size_t first, const char* role) {
  TfConstant all;
  for (size_t gate : {0U, 1U, 3U, 2U}) {
    const TfConstant one = translation.constant(first + gate);
    const bool fits = one.kind == TfConstant::Kind::kFloat && !one.shape.empty() &&
                      (all.shape.empty() || one.shape == translation.constant(first).shape);
    if (!fits)
      translation.fail(fmt::format("input {}: weights of one shape expected", first + gate));
    if (all.shape.empty()) {
      all = one;
      all.shape[0] *= 4;
    } else {
      all.floats.insert(all.floats.end(), one.floats.begin(), one.floats.end());
    }
  }
  return translation.add_constant(role, std::move(all));
}

}  // namespace

// Inputs: the rows, four matrices for them, four for the state, peepholes, four biases, projection,
// the states to start from (variables, zero at first), normalisation.
void tflite_lstm(TfliteTranslation& translation) {
  constexpr uint8_t kOptions = kUnidirectionalSequenceLstmOptions;
  constexpr int8_t kTanh = 4;
  if (translation.option<int8_t>(kOptions, kLstmActivation, 0, "activation") != kTanh) {
    translation.fail("fused_activation_function: tanh expected");
  }
  if (translation.option<uint8_t>(kOptions, kLstmTimeMajor, 0, "time_major") != 0) {
    translation.fail("time_major: false expected");
  }
  for (uint16_t clip : {kLstmCellClip, kLstmProjClip}) {
    if (translation.option<float>(kOptions, clip, 0.0F, "clip") != 0.0F) {
      translation.fail("clipping is not known");
    }
  }
  for (size_t special : {9U, 10U, 11U, 16U, 17U, 20U, 21U, 22U, 23U}) {
    if (translation.has_input(special)) {
      translation.fail("peepholes, projection and normalisation are not known");
    }
  }
  const std::string rows = translation.input(0);
  const std::string kernel = add_gates(translation, 1, "lstm/kernel");
  const std::string recurrent = add_gates(translation, 5, "lstm/recurrent_kernel");
  const std::string bias = add_gates(translation, 12, "lstm/bias");
  translation.add_node("tfl.lstm", {rows, kernel, recurrent, bias});
}

}  // namespace mnist
