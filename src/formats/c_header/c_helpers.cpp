#include "formats/c_header/c_parts.h"

namespace mnist {
namespace {

constexpr char kAdd[] =
    R"(static inline void digit_add(const float *a, const float *b, float *y, int count) {
  for (int i = 0; i < count; ++i) y[i] = a[i] + b[i];
}
)";

constexpr char kCopy[] =
    R"(/* Runs of `run` values, whose places are `step` apart. */
static inline void digit_copy(const float *x, float *y, int count, int run, int step) {
  for (int i = 0; i < count; ++i) y[i / run * step + i % run] = x[i];
}
)";

constexpr char kMultiply[] =
    R"(static inline void digit_multiply(const float *a, const float *b, float *y, int count) {
  for (int i = 0; i < count; ++i) y[i] = a[i] * b[i];
}
)";

constexpr char kRelu[] =
    R"(static inline void digit_relu(const float *x, float *y, int count) {
  for (int i = 0; i < count; ++i) y[i] = x[i] > 0.0f ? x[i] : 0.0f;
}
)";

constexpr char kLeakyRelu[] =
    R"(static inline void digit_leaky_relu(const float *x, float *y, int count, float alpha) {
  for (int i = 0; i < count; ++i) y[i] = x[i] >= 0.0f ? x[i] : alpha * x[i];
}
)";

constexpr char kSigmoid[] =
    R"(static inline void digit_sigmoid(const float *x, float *y, int count) {
  for (int i = 0; i < count; ++i) y[i] = 1.0f / (1.0f + expf(-x[i]));
}
)";

constexpr char kTanh[] =
    R"(static inline void digit_tanh(const float *x, float *y, int count) {
  for (int i = 0; i < count; ++i) y[i] = tanhf(x[i]);
}
)";

constexpr char kSoftmax[] =
    R"(/* Over `classes` values that are `inner` apart. */
static inline void digit_softmax(const float *x, float *y, int count, int classes, int inner) {
  for (int i = 0; i < count / classes; ++i) {
    const int first = i / inner * inner * classes + i % inner;
    float most = x[first];
    float sum = 0.0f;
    for (int k = 1; k < classes; ++k) {
      if (x[first + k * inner] > most) most = x[first + k * inner];
    }
    for (int k = 0; k < classes; ++k) {
      const float value = expf(x[first + k * inner] - most);
      y[first + k * inner] = value;
      sum += value;
    }
    for (int k = 0; k < classes; ++k) y[first + k * inner] /= sum;
  }
}
)";

constexpr char kLogSoftmax[] =
    R"(/* Over `classes` values that are `inner` apart. */
static inline void digit_log_softmax(const float *x, float *y, int count, int classes, int inner) {
  for (int i = 0; i < count / classes; ++i) {
    const int first = i / inner * inner * classes + i % inner;
    float most = x[first];
    float sum = 0.0f;
    for (int k = 1; k < classes; ++k) {
      if (x[first + k * inner] > most) most = x[first + k * inner];
    }
    for (int k = 0; k < classes; ++k) sum += expf(x[first + k * inner] - most);
    for (int k = 0; k < classes; ++k) y[first + k * inner] = x[first + k * inner] - most - logf(sum);
  }
}
)";

}  // namespace

const char* c_helper_text(CHelper helper) {
  switch (helper) {
    case CHelper::kAdd:
      return kAdd;
    case CHelper::kCopy:
      return kCopy;
    case CHelper::kLeakyRelu:
      return kLeakyRelu;
    case CHelper::kLogSoftmax:
      return kLogSoftmax;
    case CHelper::kMultiply:
      return kMultiply;
    case CHelper::kRelu:
      return kRelu;
    case CHelper::kSigmoid:
      return kSigmoid;
    case CHelper::kSoftmax:
      return kSoftmax;
    case CHelper::kTanh:
      break;
  }
  return kTanh;
}

}  // namespace mnist
