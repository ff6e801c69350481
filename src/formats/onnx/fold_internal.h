// The folds, by what they do; the table of them is in fold.cpp.
#pragma once

#include "formats/onnx/fold.h"

namespace mnist {

// fold_shapes.cpp: the same values at other places.
OnnxConstant fold_identity(const OnnxFoldCall& call);
OnnxConstant fold_reshape(const OnnxFoldCall& call);
OnnxConstant fold_flatten(const OnnxFoldCall& call);
OnnxConstant fold_squeeze(const OnnxFoldCall& call);
OnnxConstant fold_unsqueeze(const OnnxFoldCall& call);
OnnxConstant fold_transpose(const OnnxFoldCall& call);
OnnxConstant fold_gather(const OnnxFoldCall& call);
OnnxConstant fold_slice(const OnnxFoldCall& call);
OnnxConstant fold_concat(const OnnxFoldCall& call);
OnnxConstant fold_expand(const OnnxFoldCall& call);
OnnxConstant fold_tile(const OnnxFoldCall& call);
OnnxConstant fold_shape(const OnnxFoldCall& call);
OnnxConstant fold_size(const OnnxFoldCall& call);

// fold_numbers.cpp: new values.
OnnxConstant fold_binary(const OnnxFoldCall& call);
OnnxConstant fold_unary(const OnnxFoldCall& call);
OnnxConstant fold_compare(const OnnxFoldCall& call);
OnnxConstant fold_where(const OnnxFoldCall& call);
OnnxConstant fold_cast(const OnnxFoldCall& call);
OnnxConstant fold_reduce(const OnnxFoldCall& call);
OnnxConstant fold_range(const OnnxFoldCall& call);
OnnxConstant fold_constant_of_shape(const OnnxFoldCall& call);
OnnxConstant fold_quantize(const OnnxFoldCall& call);
OnnxConstant fold_dequantize(const OnnxFoldCall& call);

// The list that input `i` is, with 1 where it has the number of images.
Shape onnx_extents_of_one_image(const OnnxFoldCall& call, size_t i);

// For each element of `to`, in order, the index into a tensor of shape `from` that is broadcast to
// it. The budget has been asked.
std::vector<uint32_t> broadcast_index(const Shape& from, const Shape& to);

}  // namespace mnist
