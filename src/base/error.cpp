#include "mnist/error.h"

#include "base/text.h"

namespace mnist {
namespace {
constexpr size_t kLongestMessage = 400;
}

Error::Error(std::string_view message) : std::runtime_error(printable(message, kLongestMessage)) {}

}  // namespace mnist
