#include "cli/serving.h"

#include <fmt/format.h>

#include <chrono>

#include "base/text.h"
#include "cli/page.h"
#include "cli/standard_streams.h"

namespace mnist {
namespace {

// In one write, since requests end on several threads.
void print_line(const std::string& text) { write_error(fmt::format("mnist: {}\n", text)); }

void print_request(const RequestReport& report) {
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(report.time);
  print_line(fmt::format("{} {} {} {} {} us", report.peer,
                         report.method.empty() ? "-" : printable(report.method, 20),
                         report.path.empty() ? "-" : printable(report.path, 200), report.status,
                         microseconds.count()));
}

}  // namespace

void serve_models(const std::vector<NamedModel>& models, const ServingOptions& options,
                  const std::function<void(const std::string& url)>& started) {
  ServingOptions own = options;
  own.service.version = MNIST_VERSION;
  own.service.page = built_in_page();
  own.service.page.has_page_models = options.has_page_models;
  own.http.stops_on_signals = true;
  if (options.is_verbose) own.http.on_request = print_request;
  InferenceServer server(models, own.service, own.http);
  started(server.http().url());
  server.http().run();
  print_line("stopped");
}

}  // namespace mnist
