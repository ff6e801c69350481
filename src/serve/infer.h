// The inference request and response of the Open Inference Protocol (version 2, REST), with the
// extension for binary tensors.
//
// A model has one input, "input": UINT8 are pixels, which the model's scaling brings to network
// inputs; FP32 are network inputs, taken as they are. Its shape is [n,28,28], [n,1,28,28] or
// [n,784] (for models of another size, theirs). It has three outputs: "probabilities" FP32
// [n,classes], "class" INT64 [n] and "logits" FP32 [n,classes].
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "serve/http_message.h"
#include "serve/served_model.h"

namespace mnist {

inline constexpr char kModelVersion[] = "1";

enum class OutputKind { kProbabilities, kClass, kLogits };
inline constexpr std::array kAllOutputs = {OutputKind::kProbabilities, OutputKind::kClass,
                                           OutputKind::kLogits};

struct RequestedOutput {
  OutputKind kind = OutputKind::kProbabilities;
  bool is_binary = false;
};

struct InferRequest {
  std::optional<std::string> id;
  size_t images = 0;
  std::vector<uint8_t> pixels;  // UINT8
  std::vector<float> inputs;    // FP32
  std::vector<RequestedOutput> outputs;
};

// Throws Error where the body is not a request for `model`.
InferRequest parse_infer(const Request& request, const ServedModel& model);

// The answer to it. `logits` are images x classes. Throws Error where they are not finite.
Response infer_response(const InferRequest& request, const ServedModel& model,
                        std::vector<float> logits);

// What a client has to know of the model; `datatype` and `shape` of each tensor.
std::string model_metadata(const ServedModel& model);

}  // namespace mnist
