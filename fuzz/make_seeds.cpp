// Small files of every format that the program writes, for the fuzz targets to begin with: one
// folder a target. Usage: make_seeds FOLDER
#include <fmt/format.h>

#include <filesystem>

#include "base/file.h"
#include "base/zip.h"
#include "formats/format_list.h"
#include "mnist/error.h"
#include "mnist/model_file.h"
#include "model/graph_json.h"

namespace mnist {
namespace {

// Sequences as the formats without a graph have them, and a graph.
constexpr const char* kNetworks[] = {
    R"({"format":"mnist.cpp graph","version":1,"input":{"name":"input","shape":[1,6,6]},"nodes":[
      {"type":"Conv","name":"conv1","attributes":{"kernel_shape":[3,3]}},{"type":"Relu"},
      {"type":"MaxPool","attributes":{"kernel_shape":[2,2],"strides":[2,2]}},{"type":"Flatten"},
      {"type":"Gemm","name":"fc1","attributes":{"transB":1}},{"type":"Softmax"}],
      "weights":{"conv1.weight":[2,1,3,3],"conv1.bias":[2],"fc1.weight":[3,8],"fc1.bias":[3]}})",
    R"({"format":"mnist.cpp graph","version":1,"input":{"name":"input","shape":[1,4,8]},"nodes":[
      {"type":"Flatten"},{"type":"Gemm","name":"fc1","attributes":{"transB":1}},{"type":"Relu"},
      {"type":"Gemm","name":"fc2","attributes":{"transB":1}}],
      "weights":{"fc1.weight":[4,32],"fc1.bias":[4],"fc2.weight":[3,4],"fc2.bias":[3]}})",
    R"({"format":"mnist.cpp graph","version":1,"input":{"name":"input","shape":[1,4,4]},"output":"y","nodes":[
      {"type":"Conv","name":"a","inputs":["input","a.weight"],"output":"a",
       "attributes":{"pads":[1,1,1,1]}},
      {"type":"BatchNormalization","name":"b","inputs":["a","b.scale","b.bias","b.mean","b.var"],
       "output":"b"},
      {"type":"Add","name":"c","inputs":["a","b"],"output":"c"},
      {"type":"GlobalAveragePool","name":"d","inputs":["c"],"output":"d"},
      {"type":"Flatten","name":"y","inputs":["d"],"output":"y"}],
      "weights":{"a.weight":[2,1,3,3],"b.scale":[2],"b.bias":[2],"b.mean":[2],"b.var":[2]}})",
};

void write_seed(const std::filesystem::path& folder, const std::string& name,
                std::span<const std::byte> bytes) {
  std::filesystem::create_directories(folder);
  write_file(folder / name, [&](Sink& sink) { sink.write(bytes); });
}

void write_variants(const Model& model, const Format& format, const std::filesystem::path& folder,
                    const std::string& name) {
  std::vector<std::string> layouts = format.abilities.layouts;
  layouts.push_back("");
  for (const TensorType type : format.abilities.types) {
    for (const std::string& layout : layouts) {
      MemorySink sink;
      try {
        format.write(model, {format.name, type, layout, format.abilities.preprocessing}, sink);
      } catch (const Error&) {
        continue;  // this format does not hold every network
      }
      write_seed(folder / format.name, fmt::format("{}-{}{}", name, to_string(type), layout),
                 sink.bytes);
      if (format.name != "keras") continue;
      const ZipArchive archive(sink.bytes, name);
      write_seed(folder / "keras-h5", name, archive.content(*archive.find("model.weights.h5")));
    }
  }
}

void make_seeds(const std::filesystem::path& folder) {
  int number = 0;
  for (const char* text : kNetworks) {
    Model model = graph_from_json(text, "seed");
    for (auto& [name, tensor] : model.weights)
      tensor.values.assign(element_count(tensor.shape), 0.25F);
    const std::string name = fmt::format("network{}", ++number);
    for (const Format* format : formats()) {
      if (format->write != nullptr && format->read != nullptr) {
        write_variants(model, *format, folder, name);
      }
    }
  }
}

}  // namespace
}  // namespace mnist

int main(int argc, char** argv) try {
  if (argc != 2) {
    fmt::print(stderr, "usage: make_seeds FOLDER\n");
    return 2;
  }
  mnist::make_seeds(argv[1]);
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "make_seeds: {}\n", error.what());
  return 1;
}
