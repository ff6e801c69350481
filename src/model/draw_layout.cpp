#include "model/draw_layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "mnist/error.h"

namespace mnist {
namespace {

constexpr size_t kMostCrossings = 50'000;
// More change nothing that one would see.
constexpr int kOrderSweeps = 8;
constexpr int kPlaceSweeps = 40;
// What a box weighs against the passing of an edge when they push each other aside; and what a box
// of the spine weighs, the longest chain, which stays straight in the middle.
constexpr double kBoxWeight = 100;
constexpr double kSpineWeight = 1e9;
// Between two boxes or two bends an edge pulls harder to be straight than between a box and a bend.
constexpr double kStraightPull = 4;
constexpr double kBendWidth = 16;

// A box, or the place where an edge passes a layer.
struct Item {
  size_t layer = 0;
  double width = 0;
  double weight = 1;
  double x = 0;
  size_t order = 0;  // within its layer
  std::vector<size_t> above;
  std::vector<size_t> below;
};

class Layers {
 public:
  Layers(size_t boxes, const std::vector<std::pair<size_t, size_t>>& edges,
         const LayoutSizes& sizes)
      : sizes_(sizes), items_(boxes), bends_(edges.size()) {
    for (Item& item : items_) {
      item.width = sizes.box_width;
      item.weight = kBoxWeight;
    }
    // Lower numbers come first, so that a box's layer is final when its outgoing edges are seen.
    auto sorted = edges;
    std::sort(sorted.begin(), sorted.end());
    for (const auto& [from, to] : sorted) {
      items_[to].layer = std::max(items_[to].layer, items_[from].layer + 1);
    }
    for (size_t edge = 0; edge < edges.size(); ++edge) add_edge(edges[edge], edge);
    for (size_t i = 0; i < items_.size(); ++i) {
      if (items_[i].layer >= layers_.size()) layers_.resize(items_[i].layer + 1);
      layers_[items_[i].layer].push_back(i);
    }
    number_all();
    mark_spine(boxes);
  }

  void order() {
    for (int sweep = 0; sweep < kOrderSweeps; ++sweep) {
      const bool down = sweep % 2 == 0;
      for_layers(down, [&](std::vector<size_t>& layer) {
        std::vector<std::pair<double, size_t>> keys;
        for (size_t i : layer) {
          keys.emplace_back(mean_order(down ? items_[i].above : items_[i].below, items_[i].order),
                            i);
        }
        std::stable_sort(keys.begin(), keys.end(),
                         [](const auto& a, const auto& b) { return a.first < b.first; });
        for (size_t k = 0; k < keys.size(); ++k) layer[k] = keys[k].second;
        number(layer);
      });
    }
  }

  void place() {
    for (int sweep = 0; sweep < kPlaceSweeps; ++sweep) {
      for_layers(sweep % 2 == 0, [&](const std::vector<size_t>& layer) {
        std::vector<double> wanted;
        for (size_t i : layer) wanted.push_back(wanted_place(i));
        place_layer(layer, wanted);
      });
    }
  }

  GraphLayout result(size_t boxes) const {
    double left = items_[0].x;
    double right = left;
    for (const Item& item : items_) {
      left = std::min(left, item.x - item.width / 2);
      right = std::max(right, item.x + item.width / 2);
    }
    const double step = sizes_.box_height + sizes_.gap_down;
    auto point = [&](size_t i) {
      return Point{items_[i].x - left,
                   static_cast<double>(items_[i].layer) * step + sizes_.box_height / 2};
    };
    GraphLayout layout;
    for (size_t i = 0; i < boxes; ++i) layout.boxes.push_back(point(i));
    for (const std::vector<size_t>& bends : bends_) {
      layout.bends.emplace_back();
      for (size_t bend : bends) layout.bends.back().push_back(point(bend));
    }
    layout.width = right - left;
    layout.height = static_cast<double>(layers_.size()) * step - sizes_.gap_down;
    return layout;
  }

 private:
  // Puts a bend into every layer between the edge's ends.
  void add_edge(std::pair<size_t, size_t> edge, size_t number) {
    size_t last = edge.first;
    for (size_t layer = items_[last].layer + 1; layer < items_[edge.second].layer; ++layer) {
      if (++crossings_ > kMostCrossings) {
        throw Error(
            fmt::format("drawing: the graph's edges cross over {} layers: draw it with "
                        "Graphviz (.dot)",
                        kMostCrossings));
      }
      Item bend;
      bend.layer = layer;
      bend.width = kBendWidth;
      items_.push_back(std::move(bend));
      bends_[number].push_back(items_.size() - 1);
      join(last, items_.size() - 1);
      last = items_.size() - 1;
    }
    join(last, edge.second);
  }

  void join(size_t upper, size_t lower) {
    items_[upper].below.push_back(lower);
    items_[lower].above.push_back(upper);
  }

  template <typename Visit>
  void for_layers(bool down, Visit visit) {
    for (size_t k = 0; k < layers_.size(); ++k) visit(layers_[down ? k : layers_.size() - 1 - k]);
  }

  void number(const std::vector<size_t>& layer) {
    for (size_t k = 0; k < layer.size(); ++k) items_[layer[k]].order = k;
  }
  // A box's layer is the length of the longest chain to it: the last layer's box, one of the layer
  // above that it follows, and so on.
  void mark_spine(size_t boxes) {
    size_t box = layers_.back()[0];
    while (true) {
      items_[box].weight = kSpineWeight;
      const std::vector<size_t>& above = items_[box].above;
      const auto next =
          std::find_if(above.begin(), above.end(), [&](size_t i) { return i < boxes; });
      if (next == above.end()) return;
      box = *next;
    }
  }

  void number_all() {
    for (const std::vector<size_t>& layer : layers_) number(layer);
  }

  bool is_bend(size_t i) const { return items_[i].weight < kBoxWeight; }

  double mean_order(const std::vector<size_t>& neighbours, size_t otherwise) const {
    if (neighbours.empty()) return static_cast<double>(otherwise);
    double sum = 0;
    for (size_t n : neighbours) sum += static_cast<double>(items_[n].order);
    return sum / static_cast<double>(neighbours.size());
  }

  // The mean of its neighbours' places; the spine's is fixed.
  double wanted_place(size_t i) const {
    if (items_[i].weight == kSpineWeight) return 0;
    double sum = 0;
    double pulls = 0;
    for (const auto* neighbours : {&items_[i].above, &items_[i].below}) {
      for (size_t n : *neighbours) {
        const double pull = is_bend(n) == is_bend(i) ? kStraightPull : 1;
        sum += pull * items_[n].x;
        pulls += pull;
      }
    }
    return pulls == 0 ? items_[i].x : sum / pulls;
  }

  // The places nearest to the wanted ones, by weighted squares, at which nothing of the layer
  // overlaps: pool adjacent violators on the places less the room that the ones before take.
  void place_layer(const std::vector<size_t>& layer, const std::vector<double>& wanted) {
    struct Block {
      double weight;
      double place;
      size_t count;
    };
    std::vector<double> room(layer.size());
    std::vector<Block> blocks;
    for (size_t k = 0; k < layer.size(); ++k) {
      if (k != 0) {
        room[k] = room[k - 1] + sizes_.gap_across +
                  (items_[layer[k - 1]].width + items_[layer[k]].width) / 2;
      }
      blocks.push_back({items_[layer[k]].weight, wanted[k] - room[k], 1});
      while (blocks.size() > 1 && blocks[blocks.size() - 2].place > blocks.back().place) {
        const Block last = blocks.back();
        blocks.pop_back();
        Block& before = blocks.back();
        before.place = (before.place * before.weight + last.place * last.weight) /
                       (before.weight + last.weight);
        before.weight += last.weight;
        before.count += last.count;
      }
    }
    size_t k = 0;
    for (const Block& block : blocks) {
      for (size_t i = 0; i < block.count; ++i, ++k) items_[layer[k]].x = block.place + room[k];
    }
  }

  LayoutSizes sizes_;
  std::vector<Item> items_;
  std::vector<std::vector<size_t>> layers_;
  std::vector<std::vector<size_t>> bends_;  // of each edge
  size_t crossings_ = 0;
};

}  // namespace

GraphLayout lay_out(size_t boxes, const std::vector<std::pair<size_t, size_t>>& edges,
                    const LayoutSizes& sizes) {
  Layers layers(boxes, edges, sizes);
  layers.order();
  layers.place();
  return layers.result(boxes);
}

}  // namespace mnist
