// A search from the image to the last map. What counts on the way is only how large a map is, so of
// all ways to a layer and a size the few most plausible are kept.
#include "formats/recognise/geometry.h"

#include <algorithm>
#include <map>

namespace mnist {
namespace {

constexpr size_t kMostWays = 24;
constexpr size_t kMostConvs = 64;

// Costs are in units of "a reader would be a little surprised"; sums are compared.
constexpr double kPoolsFirst = 3.0;
constexpr double kStride = 1.5;
constexpr double kAllStride = 0.7;       // strides everywhere are one decision
constexpr double kOddPadding = 2.0;      // neither none nor what keeps the size
constexpr double kPaddingChanges = 1.0;  // between "none" and "same"
constexpr double kNoPooling = 0.8;
constexpr double kCeilPooling = 2.5;
constexpr double kThreeByTwo = 2.0;
constexpr double kThree = 2.5;
constexpr double kGlobalAverage = 0.5;
constexpr double kPoolBeforeEnd = 1.0;
constexpr double kStrideOfEvenKernel = 0.75;  // 4x4, stride 2, padding 1 halves the map
constexpr double kPoolsDepthwise = 1.5;
constexpr double kIrregularPools = 1.0;
constexpr double kStridesAndPools = 1.0;
constexpr double kCoversMap = -1.5;  // a kernel of the map's size: LeNet's third convolution

enum class PaddingKind { kAny, kNone, kSame, kOther };

// A way from an image to a convolution's maps: its last step, and where the way to it is.
struct Way {
  int64_t image = 0;  // the images' side
  bool pools_first = false;
  int64_t side = 0;
  PaddingKind padding = PaddingKind::kAny;  // of the last kernel larger than 1x1
  double cost = 0;
  ConvWindow window;
  size_t before = 0;  // index among the ways to the layer before
};

struct Padding {
  int64_t amount;
  PaddingKind kind;
};

std::vector<Padding> paddings(int64_t kernel) {
  if (kernel == 1) return {{0, PaddingKind::kAny}};
  std::vector<Padding> result = {{0, PaddingKind::kNone}};
  const int64_t same = (kernel - 1) / 2;
  if (kernel % 2 == 1) result.push_back({same, PaddingKind::kSame});
  for (int64_t amount : {int64_t{1}, int64_t{2}}) {
    if (amount < kernel && (kernel % 2 == 0 || amount != same)) {
      result.push_back({amount, PaddingKind::kOther});
    }
  }
  return result;
}

struct PoolChoice {
  Pooling2d pool;
  double cost;
};
constexpr PoolChoice kPools[] = {{Pooling2d::kNone, kNoPooling},
                                 {Pooling2d::kTwo, 0},
                                 {Pooling2d::kTwoCeil, kCeilPooling},
                                 {Pooling2d::kThreeByTwo, kThreeByTwo},
                                 {Pooling2d::kThree, kThree}};

// The side after pooling, 0 where the window does not fit or says nothing new.
int64_t pooled(int64_t side, Pooling2d pool) {
  switch (pool) {
    case Pooling2d::kNone:
      return side;
    case Pooling2d::kTwo:
      return side / 2;
    case Pooling2d::kTwoCeil:
      return side % 2 == 1 && side > 1 ? side / 2 + 1 : 0;
    case Pooling2d::kThreeByTwo:
      return side >= 3 ? (side - 3) / 2 + 1 : 0;
    case Pooling2d::kThree:
      return side / 3;
  }
  return 0;
}

bool pools(const ConvWindow& window) { return window.pool != Pooling2d::kNone; }

// Whether the network pools as people do: behind the first convolutions until the maps are small,
// behind every second or third, or behind the last.
bool pools_regularly(const std::vector<ConvWindow>& windows) {
  const size_t count = windows.size();
  const auto is_pattern = [&](const auto& expected) {
    for (size_t i = 0; i < count; ++i) {
      if (pools(windows[i]) != expected(i)) return false;
    }
    return true;
  };
  for (size_t first = 0; first <= count; ++first) {
    if (is_pattern([&](size_t i) { return i < first; })) return true;
  }
  for (size_t period : {size_t{2}, size_t{3}, count}) {
    if (is_pattern([&](size_t i) { return i % period == period - 1; })) return true;
  }
  return false;
}

// What is unusual about the windows together.
double pattern_cost(const std::vector<ConvWindow>& windows) {
  const bool has_pools = std::any_of(windows.begin(), windows.end(), pools);
  const bool has_strides = std::any_of(windows.begin(), windows.end(),
                                       [](const ConvWindow& window) { return window.stride > 1; });
  double cost = has_pools && has_strides ? kStridesAndPools : 0;
  const bool all_stride = std::all_of(windows.begin(), windows.end(),
                                      [](const ConvWindow& window) { return window.stride > 1; });
  if (all_stride && !has_pools) cost += kAllStride - kStride * static_cast<double>(windows.size());
  if (!pools_regularly(windows)) cost += kIrregularPools;
  return cost;
}

class Search {
 public:
  Search(const LayerRow& row, const std::vector<std::optional<KnownWindow>>& known)
      : row_(row), known_(known) {}

  std::vector<Geometry> find() {
    std::vector<Way> starts;
    for (const ImageSide& image : image_sides()) {
      starts.push_back({image.side, false, image.side, PaddingKind::kAny, image.cost, {}, 0});
      starts.push_back(
          {image.side, true, image.side / 2, PaddingKind::kAny, image.cost + kPoolsFirst, {}, 0});
    }
    ways_ = {std::move(starts)};
    for (size_t i = 0; i < row_.convs.size(); ++i) ways_.push_back(after_conv(i));
    std::vector<Geometry> result;
    for (const Way& way : ways_.back()) finish(way, result);
    return result;
  }

 private:
  using Reached = std::map<std::pair<int64_t, PaddingKind>, std::vector<Way>>;

  std::vector<Way> after_conv(size_t i) const {
    Reached next;
    for (size_t w = 0; w < ways_[i].size(); ++w) {
      for (const Padding& padding : allowed_paddings(i)) {
        for (int64_t stride : allowed_strides(i)) extend(w, i, padding, stride, next);
      }
    }
    std::vector<Way> kept;
    for (auto& [state, reached] : next) {
      std::stable_sort(reached.begin(), reached.end(),
                       [](const Way& a, const Way& b) { return a.cost < b.cost; });
      if (reached.size() > kMostWays) reached.resize(kMostWays);
      kept.insert(kept.end(), reached.begin(), reached.end());
    }
    return kept;
  }

  std::vector<Padding> allowed_paddings(size_t i) const {
    if (known_[i]) return {{known_[i]->padding, PaddingKind::kAny}};
    return paddings(row_.convs[i].layer->kernel());
  }

  std::vector<int64_t> allowed_strides(size_t i) const {
    if (known_[i]) return {known_[i]->stride};
    return {1, 2};
  }

  void extend(size_t before, size_t i, const Padding& padding, int64_t stride,
              Reached& next) const {
    const Way& way = ways_[i][before];
    const int64_t padded = way.side + 2 * padding.amount;
    const int64_t kernel = row_.convs[i].layer->kernel();
    if (kernel > padded) return;
    const int64_t side = (padded - kernel) / stride + 1;
    const double cost = way.cost + (known_[i] ? 0 : window_cost(way, kernel, padding, stride));
    Way longer = way;
    longer.before = before;
    if (padding.kind != PaddingKind::kAny) longer.padding = padding.kind;
    for (const PoolChoice& choice : kPools) {
      longer.side = pooled(side, choice.pool);
      if (longer.side < 1) continue;
      longer.cost = cost + pool_cost(choice, i, stride, side);
      longer.window = {stride, padding.amount, choice.pool};
      next[{longer.side, longer.padding}].push_back(longer);
    }
  }

  static double window_cost(const Way& way, int64_t kernel, const Padding& padding,
                            int64_t stride) {
    if (stride == 2 && kernel % 2 == 0 && padding.amount == kernel / 2 - 1) {
      return kStrideOfEvenKernel;
    }
    double cost = stride > 1 ? kStride : 0;
    if (padding.kind == PaddingKind::kOther) cost += kOddPadding;
    const bool changes = way.padding != PaddingKind::kAny && padding.kind != PaddingKind::kAny &&
                         way.padding != padding.kind;
    if (changes) cost += kPaddingChanges;
    if (kernel > 2 && way.side == kernel && padding.amount == 0) cost += kCoversMap;
    return cost;
  }

  double pool_cost(const PoolChoice& choice, size_t i, int64_t stride, int64_t side) const {
    const bool is_none = choice.pool == Pooling2d::kNone;
    const bool is_end = i + 1 == row_.convs.size() && row_.denses.empty();
    if (is_end) return is_none ? 0 : choice.cost + kPoolBeforeEnd;
    if (stride > 1) return is_none ? 0 : choice.cost + kStride;
    if (row_.convs[i].groups > 1) return is_none ? 0 : choice.cost + kPoolsDepthwise;
    return is_none && side == 1 ? 0 : choice.cost;
  }

  void finish(const Way& way, std::vector<Geometry>& result) const {
    const int64_t channels = row_.convs.back().layer->outputs;
    const int64_t features = row_.denses.empty() ? channels : row_.denses[0].layer->inputs;
    const bool meets = channels * way.side * way.side == features;
    if (!meets && channels != features) return;
    Geometry geometry;
    geometry.side = way.image;
    geometry.pools_first = way.pools_first;
    geometry.last_side = way.side;
    geometry.global_average = !meets;
    geometry.cost = way.cost + (meets ? 0 : kGlobalAverage);
    geometry.windows.resize(row_.convs.size());
    const Way* step = &way;
    for (size_t i = row_.convs.size(); i-- > 0;) {
      geometry.windows[i] = step->window;
      step = &ways_[i][step->before];
    }
    geometry.cost += pattern_cost(geometry.windows);
    result.push_back(std::move(geometry));
  }

  const LayerRow& row_;
  const std::vector<std::optional<KnownWindow>>& known_;
  std::vector<std::vector<Way>> ways_;  // to the image, to the first convolution's maps, ...
};

}  // namespace

const std::vector<ImageSide>& image_sides() {
  static const std::vector<ImageSide> sides = {{28, 0}, {32, 2}, {14, 3}, {16, 4},
                                               {20, 4}, {24, 4}, {8, 4},  {64, 4}};
  return sides;
}

std::vector<Geometry> find_geometries(const LayerRow& row,
                                      const std::vector<std::optional<KnownWindow>>& known,
                                      size_t most) {
  std::vector<Geometry> result;
  if (row.convs.empty() || row.convs.size() > kMostConvs) return result;
  for (const LayerRow::Step& step : row.convs) {
    const Shape& shape = step.layer->weight.tensor.shape;
    if (shape[2] != shape[3]) return result;  // or the kernel's order is another one
  }
  result = Search(row, known).find();
  std::stable_sort(result.begin(), result.end(),
                   [](const auto& a, const auto& b) { return a.cost < b.cost; });
  if (result.size() > most) result.resize(most);
  return result;
}

}  // namespace mnist
