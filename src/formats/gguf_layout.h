// The layouts in which ggml's MNIST examples store their networks in GGUF.
//
// Such a file says "mnist-fc" or "mnist-cnn" and holds tensors under fixed names, no graph. A
// layout says which network that is and how each tensor becomes a weight.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"
#include "mnist/model.h"

namespace mnist {

struct GgufLayout {
  // How a stored tensor's values become the weight's.
  enum class Order {
    kSame,
    // A dense layer's columns: stored row, column, channel; in the document channel, row, column.
    kChannelLast,
    // One value a channel, stored once for every position of the map.
    kRepeated,
  };
  struct Row {
    const char* tensor;
    const char* weight;
    Shape stored_shape;
    Order order = Order::kSame;
    Shape features = {};  // kChannelLast: (channels, height, width) of what the dense layer reads
    bool is_always_f16 = false;  // ggml's convolution wanted its kernels so
  };

  std::string name;          // for SaveOptions::layout; "": the usual one of its network
  std::string architecture;  // what general.architecture says
  Model graph;               // its weights have shapes, no values
  std::vector<Row> rows;     // in the order in which ggml writes them
};

// mnist-fc, mnist-cnn and the mnist-cnn of 2023.
const std::vector<GgufLayout>& gguf_layouts();

// The layout of `file`, null if it is none of them.
const GgufLayout* recognise_gguf_layout(const GgufFile& file, std::string_view architecture);

// `layout` for the extents that the file's tensors have, where a network of the same layers has
// them (another number of hidden units, channels or classes); nothing where there is none.
std::optional<GgufLayout> resized_layout(const GgufLayout& layout, const GgufFile& file);

// The usual layout that says everything about `model`; null if there is none.
const GgufLayout* layout_for_writing(const Model& model);

// `model` as the network of the layout called `name`: with its names, and without what it has no
// place for (Dropout). Throws Error naming the node that differs.
struct ModelInLayout {
  const GgufLayout* layout;
  Model model;
};
ModelInLayout model_in_layout(const Model& model, const std::string& name);

// Both ways between a stored tensor's values and the weight's. `who` starts errors' messages.
std::vector<float> weight_from_stored(const GgufLayout::Row& row, std::vector<float> stored,
                                      const std::string& who);
std::vector<float> stored_from_weight(const GgufLayout::Row& row, const std::vector<float>& weight);

}  // namespace mnist
