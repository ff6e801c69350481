#include "base/random.h"

#include <numeric>
#include <utility>

namespace mnist {

std::vector<uint32_t> random_permutation(uint32_t count, uint64_t key) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  Random random(key);
  for (uint32_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

}  // namespace mnist
