// From a drawing to an answer, and looking inside.
#include <algorithm>

#include "classify/evaluate.h"
#include "data/fit.h"
#include "data/synthetic.h"
#include "web/session.h"

using namespace mnist;
using namespace mnist::web;

// Result: the pixels that the network sees of a grey picture. `centred`: brought to MNIST's form as
// `mnist predict` does; else only shrunk.
MNIST_EXPORT int mnist_see(int handle, const void* pixels, size_t height, size_t width,
                           int centred) {
  return guarded([&] {
    const Session& open = session(handle);
    constexpr size_t kLongest = 4096;
    if (height > kLongest || width > kLongest) throw Error("a picture of over 4096 pixels a side");
    const std::span<const uint8_t> bytes = pixels_at(pixels, height * width);
    const Image picture{height, width, {bytes.begin(), bytes.end()}};
    const Image seen = centred != 0 && open.preparation()
                           ? prepare_digit(picture, *open.preparation())
                           : fit_picture(picture, open.size().height, open.size().width);
    set_result(std::as_bytes(std::span(seen.pixels)));
    return 0;
  });
}

// Images one behind the other. Result: floats, [images][classes] logits, then as many
// probabilities. Returns the number of images.
MNIST_EXPORT int mnist_predict(int handle, const void* pixels, size_t size) {
  return guarded([&] {
    Inference& inference = session(handle).inference();
    const std::span<const uint8_t> images = pixels_at(pixels, size);
    const size_t count = size / inference.input_elements();
    if (count == 0 || size % inference.input_elements() != 0) throw Error("not whole images");
    const size_t classes = inference.output_elements();
    std::vector<float> values(2 * count * classes);
    inference.run(images.data(), count, values.data());
    for (size_t i = 0; i < count; ++i) {
      float* probabilities = values.data() + (count + i) * classes;
      std::copy_n(values.data() + i * classes, classes, probabilities);
      softmax(probabilities, classes);
    }
    set_result(std::span<const float>(values));
    return static_cast<int>(count);
  });
}

// One image. Result: floats, the slope of the answer's logit for every input value, then what every
// layer makes, in mnist_describe's order.
MNIST_EXPORT int mnist_inspect(int handle, const void* pixels, size_t size, size_t answer) {
  return guarded([&] {
    Inspection& inspection = session(handle).inspection();
    inspection.run(pixels_at(pixels, size));
    std::vector<float> values = inspection.saliency(answer);
    for (size_t i = 0; i < inspection.layers().size(); ++i) {
      const std::vector<float> layer = inspection.activation(i);
      values.insert(values.end(), layer.begin(), layer.end());
    }
    set_result(std::span<const float>(values));
    return 0;
  });
}

// Result: `count` digits that the program draws itself, 784 pixels each, then their labels.
MNIST_EXPORT int mnist_digits(uint32_t seed, uint32_t first, size_t count) {
  return guarded([&] {
    if (count > 100'000) throw Error("too many digits at once");
    std::vector<uint8_t> bytes(count * 785);
    for (size_t i = 0; i < count; ++i) {
      const Label label = draw_synthetic_digit(seed, first + i, bytes.data() + i * 784);
      bytes[count * 784 + i] = static_cast<uint8_t>(label);
    }
    set_result(std::as_bytes(std::span(bytes)));
    return 0;
  });
}
