// numpy's broadcasting: shapes aligned at their ends, an extent of 1 repeated.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "ops/op.h"

namespace mnist {

// Walks the elements of a shape in order, together with two operands that repeat along some of its
// axes. Axes that belong together for both are one, so that the rows are as long as can be.
class BroadcastLoop {
 public:
  // steps[k][axis]: elements of operand k from one position along the axis to the next; 0 where it
  // repeats. No extent is 0, and the last axis that is not 1 has the steps 0 or 1.
  BroadcastLoop(const Shape& shape, const std::array<std::vector<size_t>, 2>& steps);

  size_t row() const { return axes_.back().extent; }  // elements
  // Whether an operand stays where it is along a row; else it moves element by element.
  bool repeats(size_t operand) const { return axes_.back().steps[operand] == 0; }

  // Calls visit(element, first operand's element, second's) for the beginning of each row.
  template <class Visit>
  void for_each_row(Visit visit) const {
    std::array<size_t, kMostAxes> position = {};
    std::array<size_t, 2> at = {};
    size_t element = 0;
    while (true) {
      visit(element, at[0], at[1]);
      element += row();
      size_t axis = axes_.size() - 1;
      while (axis > 0 && ++position[axis - 1] == axes_[axis - 1].extent) {
        --axis;
        position[axis] = 0;
        for (size_t k : {0U, 1U}) at[k] -= axes_[axis].steps[k] * (axes_[axis].extent - 1);
      }
      if (axis == 0) return;
      for (size_t k : {0U, 1U}) at[k] += axes_[axis - 1].steps[k];
    }
  }

 private:
  static constexpr size_t kMostAxes = 32;  // of extents over 1 whose product is at most 2^31
  struct Axis {
    size_t extent;
    std::array<size_t, 2> steps;
  };
  std::vector<Axis> axes_;  // the outermost first, at least one
};

// What two inputs of a node, of which at least one is an activation, are together.
struct Broadcast {
  Shape output;                              // per image
  std::array<std::vector<size_t>, 2> steps;  // for BroadcastLoop
};

// Throws Error naming the node where its two inputs do not fit. A weight may carry extents of 1 for
// the batch and beyond; activations have as many axes as each other, or their batches would not
// meet.
Broadcast broadcast_inputs(const OpSpec& spec);

}  // namespace mnist
