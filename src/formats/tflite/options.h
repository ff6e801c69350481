// The numbers of the schema's tables of options, and the places of the fields that are read.
#pragma once

#include <cstdint>

namespace mnist {

enum TfliteOptions : uint8_t {
  kConv2DOptions = 1,
  kDepthwiseConv2DOptions = 2,
  kPool2DOptions = 5,
  kFullyConnectedOptions = 8,
  kSoftmaxOptions = 9,
  kConcatenationOptions = 10,
  kAddOptions = 11,
  kL2NormOptions = 12,
  kResizeBilinearOptions = 15,
  kReshapeOptions = 17,
  kMulOptions = 21,
  kGatherOptions = 23,
  kReducerOptions = 27,
  kSubOptions = 28,
  kDivOptions = 29,
  kSqueezeOptions = 30,
  kStridedSliceOptions = 32,
  kTransposeConvOptions = 49,
  kPackOptions = 59,
  kResizeNearestNeighborOptions = 74,
  kLeakyReluOptions = 75,
  kMirrorPadOptions = 77,
  kGeluOptions = 116,
};

enum Conv2DField : uint16_t {
  kConvPadding,
  kConvStrideW,
  kConvStrideH,
  kConvActivation,
  kConvDilationW,
  kConvDilationH
};
enum DepthwiseConv2DField : uint16_t {
  kDepthwisePadding,
  kDepthwiseStrideW,
  kDepthwiseStrideH,
  kDepthMultiplier,
  kDepthwiseActivation,
  kDepthwiseDilationW,
  kDepthwiseDilationH
};
enum Pool2DField : uint16_t {
  kPoolPadding,
  kPoolStrideW,
  kPoolStrideH,
  kPoolWidth,
  kPoolHeight,
  kPoolActivation
};
enum FullyConnectedField : uint16_t { kDenseActivation, kWeightsFormat, kKeepNumDims };
enum TransposeConvField : uint16_t {
  kTransposePadding,
  kTransposeStrideW,
  kTransposeStrideH,
  kTransposeActivation
};
enum ConcatenationField : uint16_t { kConcatAxis, kConcatActivation };
enum ResizeBilinearField : uint16_t { kBilinearAlignCorners = 2, kBilinearHalfPixel = 3 };
enum ResizeNearestField : uint16_t { kNearestAlignCorners, kNearestHalfPixel };

}  // namespace mnist
