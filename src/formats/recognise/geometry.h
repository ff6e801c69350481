// The windows of a convolutional network that its weights do not say: paddings, strides, pooling.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "formats/recognise/layer_order.h"

namespace mnist {

enum class Pooling2d { kNone, kTwo, kTwoCeil, kThreeByTwo, kThree };

// What happens at and behind one convolution.
struct ConvWindow {
  int64_t stride = 1;
  int64_t padding = 0;
  Pooling2d pool = Pooling2d::kNone;
};

struct Geometry {
  int64_t side = 28;         // of the square images
  bool pools_first = false;  // 2x2, before the first convolution
  std::vector<ConvWindow> windows;
  int64_t last_side = 0;        // of the last convolution's maps, after its pooling
  bool global_average = false;  // one value a channel is left then
  double cost = 0;              // how unusual it is
};

// What is known of a convolution's window already.
struct KnownWindow {
  int64_t stride = 1;
  int64_t padding = 0;
};

// The geometries in which the sizes meet the first dense layer, or end in one value a class, the
// most plausible first. `known` has an entry for each convolution.
std::vector<Geometry> find_geometries(const LayerRow& row,
                                      const std::vector<std::optional<KnownWindow>>& known,
                                      size_t most);

// The sides of images of this field, the most usual first, and how unusual each is.
struct ImageSide {
  int64_t side;
  double cost;
};
const std::vector<ImageSide>& image_sides();

}  // namespace mnist
