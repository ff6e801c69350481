#include "formats/onnx/constant.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/half.h"
#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// One tensor; the messages name it.
class Reading {
 public:
  Reading(const OnnxTensor& tensor, OnnxTensorReader& files) : tensor_(tensor), files_(files) {}

  OnnxConstant read() {
    OnnxConstant result;
    result.type = tensor_.type;
    result.shape = tensor_.shape;
    if (!is_real(tensor_.type) && !is_whole(tensor_.type)) {
      fail(fmt::format("values of {} are not read", to_string(tensor_.type)));
    }
    try {
      count_ = element_count(tensor_.shape);
    } catch (const Error& error) {
      fail(error.what());
    }
    if (tensor_.is_external) {
      read_raw(external_bytes(), result);
    } else if (tensor_.is_raw) {
      expect_one_field();
      read_raw(tensor_.raw, result);
    } else {
      read_numbers(result);
    }
    return result;
  }

 private:
  [[noreturn]] void fail(const std::string& reason) const {
    throw Error(fmt::format("{}: tensor '{}': {}", files_.source().who, printable(tensor_.name, 80),
                            reason));
  }

  void expect_one_field() const {
    if (tensor_.floats.empty() && tensor_.doubles.empty() && tensor_.whole.empty()) return;
    fail("its values come twice, as bytes and as numbers");
  }

  void expect_count(size_t found) const {
    if (found != count_) {
      fail(fmt::format("shape {} has {} values, {} are stored", to_string(tensor_.shape), count_,
                       found));
    }
  }

  // ---- in another file ----

  uint64_t external_number(const char* key, uint64_t otherwise) const {
    const auto found = tensor_.external.find(key);
    if (found == tensor_.external.end()) return otherwise;
    const std::string& text = found->second;
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
      fail(fmt::format("external data: {} '{}': a number expected", key, printable(text, 40)));
    }
    return number;
  }

  std::span<const std::byte> external_bytes() const {
    const auto location = tensor_.external.find("location");
    if (location == tensor_.external.end()) fail("external data without a location");
    const std::string& name = location->second;
    // Onnx allows folders below the model's; nobody writes them, and a plain name is easy to judge.
    if (name.empty() || name == "." || name == ".." ||
        name.find_first_of(std::string_view("/\\:\0", 4)) != std::string::npos) {
      fail(fmt::format("external data in '{}': a plain name beside the model expected",
                       printable(name, 80)));
    }
    const uint64_t wanted = raw_size();
    const uint64_t offset = external_number("offset", 0);
    const uint64_t length = external_number("length", wanted);
    if (length != wanted) {
      fail(fmt::format("external data: {} bytes expected for {} of {}, got {}", wanted,
                       to_string(tensor_.shape), to_string(tensor_.type), length));
    }
    const std::span<const std::byte> bytes = files_.file(name);
    if (offset > bytes.size() || wanted > bytes.size() - offset) {
      fail(fmt::format("external data: {} bytes at {} expected, '{}' has {}", wanted, offset,
                       printable(name, 80), bytes.size()));
    }
    return bytes.subspan(offset, wanted);
  }

  // ---- as bytes ----

  size_t raw_size() const {
    switch (tensor_.type) {
      case OnnxType::kUint4:
      case OnnxType::kInt4:
        return count_ / 2 + count_ % 2;
      case OnnxType::kUint8:
      case OnnxType::kInt8:
      case OnnxType::kBool:
        return count_;
      case OnnxType::kUint16:
      case OnnxType::kInt16:
      case OnnxType::kFloat16:
      case OnnxType::kBfloat16:
        return count_ * 2;
      case OnnxType::kInt64:
      case OnnxType::kUint64:
      case OnnxType::kDouble:
        return count_ * 8;  // count_ is below 2^31
      default:
        return count_ * 4;
    }
  }

  template <typename T, typename Out, typename Convert>
  void convert_raw(std::span<const std::byte> raw, std::vector<Out>& values,
                   Convert convert) const {
    values.reserve(count_);
    for (size_t i = 0; i < count_; ++i) {
      T value;
      std::memcpy(&value, &raw[i * sizeof(T)], sizeof(T));
      values.push_back(convert(value));
    }
  }
  template <typename T>
  void widen_raw(std::span<const std::byte> raw, OnnxConstant& result) const {
    convert_raw<T>(raw, result.whole, [](T value) { return static_cast<int64_t>(value); });
  }

  void read_raw(std::span<const std::byte> raw, OnnxConstant& result) const {
    if (raw.size() != raw_size()) {
      fail(fmt::format("{} bytes expected for {} of {}, got {}", raw_size(),
                       to_string(tensor_.shape), to_string(tensor_.type), raw.size()));
    }
    switch (tensor_.type) {
      case OnnxType::kFloat:
        result.reals.resize(count_);
        if (count_ != 0) std::memcpy(result.reals.data(), raw.data(), raw.size());
        break;
      case OnnxType::kDouble:
        convert_raw<double>(raw, result.reals, [](double v) { return static_cast<float>(v); });
        break;
      case OnnxType::kFloat16:
        convert_raw<uint16_t>(raw, result.reals, float_from_f16);
        break;
      case OnnxType::kBfloat16:
        convert_raw<uint16_t>(raw, result.reals, float_from_bf16);
        break;
      case OnnxType::kUint4:
      case OnnxType::kInt4:
        read_halves_of_bytes(raw, result);
        break;
      case OnnxType::kBool:
      case OnnxType::kUint8:
        widen_raw<uint8_t>(raw, result);
        break;
      case OnnxType::kInt8:
        widen_raw<int8_t>(raw, result);
        break;
      case OnnxType::kUint16:
        widen_raw<uint16_t>(raw, result);
        break;
      case OnnxType::kInt16:
        widen_raw<int16_t>(raw, result);
        break;
      case OnnxType::kUint32:
        widen_raw<uint32_t>(raw, result);
        break;
      case OnnxType::kInt32:
        widen_raw<int32_t>(raw, result);
        break;
      default:
        widen_raw<int64_t>(raw, result);
        break;
    }
    expect_range(result);
  }

  void read_halves_of_bytes(std::span<const std::byte> raw, OnnxConstant& result) const {
    for (size_t i = 0; i < count_; ++i) {
      const auto byte = static_cast<int64_t>(raw[i / 2]);
      const int64_t value = i % 2 == 0 ? byte & 15 : byte >> 4;
      result.whole.push_back(tensor_.type == OnnxType::kInt4 && value > 7 ? value - 16 : value);
    }
  }

  // ---- as numbers ----

  void read_numbers(OnnxConstant& result) const {
    const int filled = (tensor_.floats.empty() ? 0 : 1) + (tensor_.doubles.empty() ? 0 : 1) +
                       (tensor_.whole.empty() ? 0 : 1);
    if (filled > 1) fail("its values come twice, as numbers of two types");
    if (tensor_.type == OnnxType::kUint4 || tensor_.type == OnnxType::kInt4) {
      fail("4-bit values are read as bytes only");
    }
    if (tensor_.type == OnnxType::kFloat) {
      expect_count(tensor_.floats.size());
      result.reals = tensor_.floats;
    } else if (tensor_.type == OnnxType::kDouble) {
      expect_count(tensor_.doubles.size());
      result.reals.assign(tensor_.doubles.begin(), tensor_.doubles.end());
    } else if (is_real(tensor_.type)) {
      expect_count(tensor_.whole.size());
      read_half_bits(result);
    } else {
      expect_count(tensor_.whole.size());
      result.whole = tensor_.whole;
    }
    expect_range(result);
  }

  void read_half_bits(OnnxConstant& result) const {
    for (int64_t bits : tensor_.whole) {
      if (bits < 0 || bits > UINT16_MAX) fail(fmt::format("{} is not 16 bits", bits));
      const auto half = static_cast<uint16_t>(bits);
      result.reals.push_back(tensor_.type == OnnxType::kFloat16 ? float_from_f16(half)
                                                                : float_from_bf16(half));
    }
  }

  void expect_range(const OnnxConstant& result) const {
    const OnnxRange range = range_of(tensor_.type);
    for (int64_t value : result.whole) {
      if (value < range.least || value > range.most) {
        fail(fmt::format("{} is no value of {}", value, to_string(tensor_.type)));
      }
    }
  }

  const OnnxTensor& tensor_;
  OnnxTensorReader& files_;
  size_t count_ = 0;
};

}  // namespace

OnnxRange range_of(OnnxType type) {
  switch (type) {
    case OnnxType::kBool:
      return {0, 1};
    case OnnxType::kUint4:
      return {0, 15};
    case OnnxType::kInt4:
      return {-8, 7};
    case OnnxType::kUint8:
      return {0, UINT8_MAX};
    case OnnxType::kInt8:
      return {INT8_MIN, INT8_MAX};
    case OnnxType::kUint16:
      return {0, UINT16_MAX};
    case OnnxType::kInt16:
      return {INT16_MIN, INT16_MAX};
    case OnnxType::kUint32:
      return {0, UINT32_MAX};
    case OnnxType::kInt32:
      return {INT32_MIN, INT32_MAX};
    case OnnxType::kUint64:
      return {0, INT64_MAX};  // more than this no tensor of a network has
    default:
      return {INT64_MIN, INT64_MAX};
  }
}

bool OnnxConstant::has_batch() const {
  return std::any_of(batches.begin(), batches.end(), [](int64_t times) { return times != 0; });
}

OnnxConstant whole_constant(Shape shape, std::vector<int64_t> values) {
  OnnxConstant result;
  result.type = OnnxType::kInt64;
  result.shape = std::move(shape);
  result.whole = std::move(values);
  return result;
}

OnnxConstant OnnxTensorReader::read(const OnnxTensor& tensor) {
  return Reading(tensor, *this).read();
}

std::span<const std::byte> OnnxTensorReader::file(const std::string& name) {
  const auto found = files_.find(name);
  if (found != files_.end()) return found->second;
  return files_[name] = source_.beside(name, kLargestFile);
}

OnnxConstant taken(const OnnxConstant& constant, Shape shape, const std::vector<uint32_t>& index) {
  OnnxConstant result;
  result.type = constant.type;
  result.shape = std::move(shape);
  const auto take = [&](const auto& from, auto& to) {
    if (from.empty()) return;
    to.reserve(index.size());
    for (uint32_t i : index) to.push_back(from[i]);
  };
  take(constant.reals, result.reals);
  take(constant.whole, result.whole);
  take(constant.batches, result.batches);
  return result;
}

}  // namespace mnist
