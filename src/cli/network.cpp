#include "cli/network.h"

#include <algorithm>
#include <filesystem>
#include <span>
#include <string_view>

#include "base/file.h"
#include "cli/about_file.h"
#include "formats/format.h"
#include "mnist/describe.h"
#include "model/architectures.h"
#include "model/graph_json.h"

namespace mnist {
namespace {

std::string_view text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Whether a file is JSON that says what it is in its first lines. A model in JSON says "mnist.cpp
// model", and a GGUF file may have the words inside.
bool is_description(const std::string& path) {
  const std::vector<std::byte> head = read_head(path, kHeadBytes);
  const std::string_view text = text_of(head);
  const size_t start = text.find_first_not_of(" \t\r\n");
  return start != std::string_view::npos && text[start] == '{' &&
         text.find(kGraphFormat) != std::string_view::npos;
}

}  // namespace

bool is_network_file(const std::string& name) {
  std::error_code error;
  return std::filesystem::is_regular_file(name, error) && is_description(name);
}

std::optional<Model> find_network(const std::string& name) {
  std::error_code error;
  if (std::filesystem::is_regular_file(name, error)) {
    if (is_description(name)) return load_description(name);
    return std::nullopt;
  }
  const std::vector<std::string> names = architecture_names();
  if (std::find(names.begin(), names.end(), name) != names.end()) return make_architecture(name);
  return std::nullopt;
}

Model load_description(const std::string& path) {
  const std::vector<std::byte> bytes = read_file(path, kLargestJson);
  Model model = graph_from_json(text_of(bytes), path);
  about_file(path, [&] { describe(model); });
  return model;
}

}  // namespace mnist
