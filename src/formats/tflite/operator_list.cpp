// Every operator that TensorFlow Lite's schema names, in the order of its numbers.
#include <iterator>

#include "formats/tflite/translation.h"

namespace mnist {

void tflite_add(TfliteTranslation& translation);
void tflite_average_pool(TfliteTranslation& translation);
void tflite_cast(TfliteTranslation& translation);
void tflite_concatenation(TfliteTranslation& translation);
void tflite_conv(TfliteTranslation& translation);
void tflite_depthwise_conv(TfliteTranslation& translation);
void tflite_divide(TfliteTranslation& translation);
void tflite_fully_connected(TfliteTranslation& translation);
void tflite_gather(TfliteTranslation& translation);
void tflite_gelu(TfliteTranslation& translation);
void tflite_l2_normalization(TfliteTranslation& translation);
void tflite_leaky_relu(TfliteTranslation& translation);
void tflite_max_pool(TfliteTranslation& translation);
void tflite_mirror_pad(TfliteTranslation& translation);
void tflite_multiply(TfliteTranslation& translation);
void tflite_prelu(TfliteTranslation& translation);
void tflite_quantize(TfliteTranslation& translation);
void tflite_reduce(TfliteTranslation& translation);
void tflite_reshape(TfliteTranslation& translation);
void tflite_resize_bilinear(TfliteTranslation& translation);
void tflite_resize_nearest(TfliteTranslation& translation);
void tflite_same(TfliteTranslation& translation);
void tflite_slice(TfliteTranslation& translation);
void tflite_softmax(TfliteTranslation& translation);
void tflite_split(TfliteTranslation& translation);
void tflite_squeeze(TfliteTranslation& translation);
void tflite_strided_slice(TfliteTranslation& translation);
void tflite_subtract(TfliteTranslation& translation);
void tflite_transpose_conv(TfliteTranslation& translation);

namespace {

constexpr TfliteOperatorEntry kOperators[] = {
    {"ADD", tflite_add},
    {"AVERAGE_POOL_2D", tflite_average_pool},
    {"CONCATENATION", tflite_concatenation},
    {"CONV_2D", tflite_conv},
    {"DEPTHWISE_CONV_2D", tflite_depthwise_conv},
    {"DEPTH_TO_SPACE"},
    {"DEQUANTIZE", tflite_quantize},
    {"EMBEDDING_LOOKUP"},
    {"FLOOR", tflite_same, "Floor"},
    {"FULLY_CONNECTED", tflite_fully_connected},
    {"HASHTABLE_LOOKUP"},
    {"L2_NORMALIZATION", tflite_l2_normalization},
    {"L2_POOL_2D"},
    {"LOCAL_RESPONSE_NORMALIZATION"},
    {"LOGISTIC", tflite_same, "Sigmoid"},
    {"LSH_PROJECTION"},
    {"LSTM"},
    {"MAX_POOL_2D", tflite_max_pool},
    {"MUL", tflite_multiply},
    {"RELU", tflite_same, "Relu"},
    {"RELU_N1_TO_1", tflite_same, "tfl.relu_n1_to_1"},
    {"RELU6", tflite_same, "Relu6"},
    {"RESHAPE", tflite_reshape},
    {"RESIZE_BILINEAR", tflite_resize_bilinear},
    {"RNN"},
    {"SOFTMAX", tflite_softmax},
    {"SPACE_TO_DEPTH"},
    {"SVDF"},
    {"TANH", tflite_same, "Tanh"},
    {"CONCAT_EMBEDDINGS"},
    {"SKIP_GRAM"},
    {"CALL"},
    {"CUSTOM"},
    {"EMBEDDING_LOOKUP_SPARSE"},
    {"PAD", tflite_same, "Pad"},
    {"UNIDIRECTIONAL_SEQUENCE_RNN"},
    {"GATHER", tflite_gather},
    {"BATCH_TO_SPACE_ND", tflite_same, "BatchToSpaceND"},
    {"SPACE_TO_BATCH_ND", tflite_same, "SpaceToBatchND"},
    {"TRANSPOSE", tflite_same, "Transpose"},
    {"MEAN", tflite_reduce, "Mean"},
    {"SUB", tflite_subtract},
    {"DIV", tflite_divide},
    {"SQUEEZE", tflite_squeeze},
    {"UNIDIRECTIONAL_SEQUENCE_LSTM"},
    {"STRIDED_SLICE", tflite_strided_slice},
    {"BIDIRECTIONAL_SEQUENCE_RNN"},
    {"EXP", tflite_same, "Exp"},
    {"TOPK_V2"},
    {"SPLIT", tflite_split},
    {"LOG_SOFTMAX", tflite_same, "LogSoftmax"},
    {"DELEGATE"},
    {"BIDIRECTIONAL_SEQUENCE_LSTM"},
    {"CAST", tflite_cast},
    {"PRELU", tflite_prelu},
    {"MAXIMUM", tflite_same, "Maximum"},
    {"ARG_MAX", tflite_same, "ArgMax"},
    {"MINIMUM", tflite_same, "Minimum"},
    {"LESS", tflite_same, "Less"},
    {"NEG", tflite_same, "Neg"},
    {"PADV2", tflite_same, "PadV2"},
    {"GREATER", tflite_same, "Greater"},
    {"GREATER_EQUAL", tflite_same, "GreaterEqual"},
    {"LESS_EQUAL", tflite_same, "LessEqual"},
    {"SELECT", tflite_same, "Select"},
    {"SLICE", tflite_slice},
    {"SIN"},
    {"TRANSPOSE_CONV", tflite_transpose_conv},
    {"SPARSE_TO_DENSE"},
    {"TILE", tflite_same, "Tile"},
    {"EXPAND_DIMS", tflite_same, "ExpandDims"},
    {"EQUAL"},
    {"NOT_EQUAL"},
    {"LOG", tflite_same, "Log"},
    {"SUM", tflite_reduce, "Sum"},
    {"SQRT", tflite_same, "Sqrt"},
    {"RSQRT", tflite_same, "Rsqrt"},
    {"SHAPE", tflite_same, "Shape"},
    {"POW", tflite_same, "Pow"},
    {"ARG_MIN"},
    {"FAKE_QUANT"},
    {"REDUCE_PROD", tflite_same, "Prod"},
    {"REDUCE_MAX", tflite_reduce, "Max"},
    {"PACK", tflite_same, "Pack"},
    {"LOGICAL_OR"},
    {"ONE_HOT"},
    {"LOGICAL_AND"},
    {"LOGICAL_NOT"},
    {"UNPACK"},
    {"REDUCE_MIN", tflite_reduce, "Min"},
    {"FLOOR_DIV"},
    {"REDUCE_ANY"},
    {"SQUARE", tflite_same, "Square"},
    {"ZEROS_LIKE", tflite_same, "ZerosLike"},
    {"FILL"},
    {"FLOOR_MOD"},
    {"RANGE"},
    {"RESIZE_NEAREST_NEIGHBOR", tflite_resize_nearest},
    {"LEAKY_RELU", tflite_leaky_relu},
    {"SQUARED_DIFFERENCE", tflite_same, "SquaredDifference"},
    {"MIRROR_PAD", tflite_mirror_pad},
    {"ABS", tflite_same, "Abs"},
    {"SPLIT_V"},
    {"UNIQUE"},
    {"CEIL", tflite_same, "Ceil"},
    {"REVERSE_V2"},
    {"ADD_N"},
    {"GATHER_ND"},
    {"COS"},
    {"WHERE"},
    {"RANK"},
    {"ELU", tflite_same, "Elu"},
    {"REVERSE_SEQUENCE"},
    {"MATRIX_DIAG"},
    {"QUANTIZE", tflite_quantize},
    {"MATRIX_SET_DIAG"},
    {"ROUND", tflite_same, "Round"},
    {"HARD_SWISH", tflite_same, "tfl.hard_swish"},
    {"IF"},
    {"WHILE"},
    {"NON_MAX_SUPPRESSION_V4"},
    {"NON_MAX_SUPPRESSION_V5"},
    {"SCATTER_ND"},
    {"SELECT_V2", tflite_same, "SelectV2"},
    {"DENSIFY"},
    {"SEGMENT_SUM"},
    {"BATCH_MATMUL"},
    {"PLACEHOLDER_FOR_GREATER_OP_CODES"},
    {"CUMSUM"},
    {"CALL_ONCE"},
    {"BROADCAST_TO"},
    {"RFFT2D"},
    {"CONV_3D"},
    {"IMAG"},
    {"REAL"},
    {"COMPLEX_ABS"},
    {"HASHTABLE"},
    {"HASHTABLE_FIND"},
    {"HASHTABLE_IMPORT"},
    {"HASHTABLE_SIZE"},
    {"REDUCE_ALL"},
    {"CONV_3D_TRANSPOSE"},
    {"VAR_HANDLE"},
    {"READ_VARIABLE"},
    {"ASSIGN_VARIABLE"},
    {"BROADCAST_ARGS"},
    {"RANDOM_STANDARD_NORMAL"},
    {"BUCKETIZE"},
    {"RANDOM_UNIFORM"},
    {"MULTINOMIAL"},
    {"GELU", tflite_gelu},
    {"DYNAMIC_UPDATE_SLICE"},
    {"RELU_0_TO_1", tflite_same, "tfl.relu_0_to_1"},
    {"UNSORTED_SEGMENT_PROD"},
    {"UNSORTED_SEGMENT_MAX"},
    {"UNSORTED_SEGMENT_SUM"},
    {"ATAN2"},
    {"UNSORTED_SEGMENT_MIN"},
    {"SIGN", tflite_same, "Sign"},
    {"BITCAST"},
    {"BITWISE_XOR"},
    {"RIGHT_SHIFT"},
};

}  // namespace

const TfliteOperatorEntry* find_tflite_operator(int32_t code) {
  if (code < 0 || static_cast<size_t>(code) >= std::size(kOperators)) return nullptr;
  return &kOperators[code];
}

}  // namespace mnist
