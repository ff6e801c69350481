// Places the boxes of a directed graph in layers, edges pointing down (Sugiyama et al. 1981).
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace mnist {

struct Point {
  double x = 0;
  double y = 0;
};

struct LayoutSizes {
  double box_width;
  double box_height;
  double gap_across;  // between neighbours in a layer
  double gap_down;    // between layers
};

struct GraphLayout {
  std::vector<Point> boxes;  // centres
  std::vector<std::vector<Point>>
      bends;  // an edge's points between its ends, one a layer it crosses
  double width = 0;
  double height = 0;
};

// `edges` go from lower numbers to higher ones. Throws Error if they cross more than 50,000 layers
// in all.
GraphLayout lay_out(size_t boxes, const std::vector<std::pair<size_t, size_t>>& edges,
                    const LayoutSizes& sizes);

}  // namespace mnist
