// Opening, describing and saving models.
#include "mnist/describe.h"
#include "web/gguf.h"
#include "web/session.h"

namespace mnist::web {
namespace {

nlohmann::json layers_json(Session& session) {
  nlohmann::json layers = nlohmann::json::array();
  for (const Inspection::Layer& layer : session.inspection().layers()) {
    const bool has_kernel = !layer.kernel.empty();
    layers.push_back(
        {{"name", layer.name},
         {"type", layer.type},
         {"shape", layer.shape},
         {"kernel", layer.kernel},
         {"kernel_shape", has_kernel ? session.model().weight(layer.kernel).shape : Shape()}});
  }
  return layers;
}

}  // namespace
}  // namespace mnist::web

using namespace mnist;
using namespace mnist::web;

// A model from a GGUF file's bytes; `name` is what messages call it. Returns its handle.
MNIST_EXPORT int mnist_open(const void* file, size_t file_size, const char* name,
                            size_t name_size) {
  return guarded([&] {
    const std::string who = text_at(name, name_size);
    return add_session(model_from_gguf(bytes_at(file, file_size), who), who);
  });
}

// Result: JSON.
MNIST_EXPORT int mnist_describe(int handle) {
  return guarded([&] {
    Session& open = session(handle);
    set_json(nlohmann::json{{"architecture", open.model().architecture},
                            {"parameters", open.model().parameter_count()},
                            {"macs", open.inference().macs()},
                            {"height", open.size().height},
                            {"width", open.size().width},
                            {"classes", open.inference().output_elements()},
                            {"class_names", open.model().class_names},
                            {"layers", layers_json(open)}});
    return 0;
  });
}

// Result: the values of one of the model's weights.
MNIST_EXPORT int mnist_weight(int handle, const char* name, size_t name_size) {
  return guarded([&] {
    set_result(std::span(session(handle).model().weight(text_at(name, name_size)).values));
    return 0;
  });
}

// Result: the model as a GGUF file.
MNIST_EXPORT int mnist_save(int handle) {
  return guarded([&] {
    set_result(gguf_of(session(handle).model()));
    return 0;
  });
}
