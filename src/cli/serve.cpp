// mnist serve: models for other programs, over HTTP.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>

#include "base/text.h"
#include "classify/adapt_input.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/open_model.h"
#include "cli/serving.h"
#include "cli/standard_streams.h"
#include "mnist/builtin.h"

namespace mnist {
namespace {

constexpr uint64_t kDefaultPort = 8080;
constexpr size_t kMnistSide = 28;

struct Options {
  std::vector<std::string> words;  // [NAME=]MODEL...
  ModelArguments opening;
  RunArguments run;
  std::string host;
  std::optional<uint64_t> port;
  bool is_remote_allowed = false;
  std::string allowed_hosts;
  bool is_batching_off = false;
  std::optional<uint64_t> batch_size;
  std::optional<uint64_t> batch_wait;
  std::optional<uint64_t> connections;
  std::optional<uint64_t> address_connections;
  std::optional<uint64_t> request_seconds;
  bool is_verbose = false;
};

// "digits=models/cnn.gguf", or a file that is called as it is named.
std::pair<std::string, std::string> name_and_path(const std::string& word) {
  const size_t equals = word.find('=');
  std::error_code error;
  if (equals != std::string::npos && !std::filesystem::exists(word, error)) {
    const std::string name = word.substr(0, equals);
    if (!is_model_name(name)) {
      throw UsageError(fmt::format(
          "{}: letters, digits, '.', '_' and '-' expected in the name before '='", word));
    }
    return {name, word.substr(equals + 1)};
  }
  std::string name = std::filesystem::path(word).stem().string();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !is_model_name(std::string("a") + c); }, '-');
  if (!is_model_name(name)) {
    throw UsageError(fmt::format("{}: cannot be its own name; give it as NAME={}", word, word));
  }
  return {name, word};
}

std::vector<NamedModel> open_models(const Options& options) {
  if (options.words.empty()) {
    return {{"digit", grey_input(builtin_model(), "the built-in model")}};
  }
  std::vector<NamedModel> models;
  for (const std::string& word : options.words) {
    const auto [name, path] = name_and_path(word);
    for (const NamedModel& other : models) {
      if (other.name == name) {
        throw UsageError(
            fmt::format("two models are called '{}': name one by NAME={}", name, path));
      }
    }
    StatusLine status(false);
    const Model given = open_model(path, options.opening, options.run, status);
    models.push_back({name, options.opening.fit.empty()
                                ? grey_input(given, path)
                                : fit_model(given, kMnistSide, kMnistSide, options.opening, path)});
  }
  return models;
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> words;
  for (size_t at = 0; at < list.size();) {
    const size_t end = std::min(list.find(',', at), list.size());
    if (end > at) words.push_back(list.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

ServingOptions serving_options(const Options& options) {
  if (!options.host.empty() && !is_loopback(options.host) && !options.is_remote_allowed) {
    throw UsageError(fmt::format(
        "--host {}: other machines could reach the server; --allow-remote says that they may",
        options.host));
  }
  if (options.is_batching_off && (options.batch_size || options.batch_wait)) {
    throw UsageError("--no-batching: not with --batch-size or --batch-wait");
  }
  ServingOptions serving;
  ServiceOptions& service = serving.service;
  service.threads = options.run.thread_count();
  service.backend = &chosen_backend(options.run.backend);
  service.guard.hosts = split(options.allowed_hosts);
  service.batching.is_on = !options.is_batching_off;
  service.batching.most_images = options.batch_size.value_or(service.batching.most_images);
  service.batching.wait = std::chrono::microseconds(options.batch_wait.value_or(0));
  HttpOptions& http = serving.http;
  if (!options.host.empty()) http.host = options.host;
  http.port = static_cast<uint16_t>(options.port.value_or(kDefaultPort));
  http.limits.connections = options.connections.value_or(http.limits.connections);
  http.limits.connections_per_address =
      options.address_connections.value_or(http.limits.connections_per_address);
  if (options.request_seconds) {
    http.limits.request = std::chrono::seconds(*options.request_seconds);
  }
  serving.is_verbose = options.is_verbose;
  return serving;
}

void run(const Options& options) {
  const ServingOptions serving = serving_options(options);
  const std::vector<NamedModel> models = open_models(options);
  std::vector<std::string> names;
  for (const NamedModel& model : models) names.push_back(model.name);
  if (!is_loopback(serving.http.host)) {
    print_error(
        fmt::format("warning: every machine that reaches {} can use this server; there is "
                    "no password and no encryption",
                    serving.http.host));
  }
  serve_models(models, serving, [&](const std::string& url) {
    write_output(fmt::format("serving {} at {}\n", join(names), url));
  });
}

}  // namespace

void add_serve(Command& program) {
  auto options = std::make_shared<Options>();
  Command command = program.add_command("serve", "Answer other programs over HTTP");
  command.arguments("MODELS", options->words,
                    "Models, each as FILE or NAME=FILE (default: the built-in one, as digit)",
                    Command::Need::kOptional);
  command.text("--host", options->host, "ADDRESS", "Where to listen (default: 127.0.0.1)");
  command.count("-p,--port", options->port, 0, 65535,
                "Port to listen at; 0: any that is free (default: 8080)");
  command.flag("--allow-remote", options->is_remote_allowed,
               "Let other machines in, where --host is not this machine's loopback");
  command.text("--allow-host", options->allowed_hosts, "NAMES",
               "Names by which clients may call the server, besides localhost and its address");
  command.flag("--no-batching", options->is_batching_off, "Run one request after the other");
  command.count("--batch-size", options->batch_size, 1, 4096,
                "Most images of several requests that are run together (default: 256)");
  command.count("--batch-wait", options->batch_wait, 0, 1'000'000,
                "Microseconds that a request waits for others to join it (default: 0)");
  command.count("--max-connections", options->connections, 1, 65536,
                "Connections; one more takes the place of the slowest client (default: 256)");
  command.count("--max-connections-per-address", options->address_connections, 1, 65536,
                "Connections of each other machine (default: 32)");
  command.count("--request-time", options->request_seconds, 1, 3600,
                "Seconds that a request may take in all (default: 10)");
  command.flag("-v,--verbose", options->is_verbose, "A line for each request, on standard error");
  add_model_options(command, options->opening);
  add_run_options(command, options->run);
  command.usage(
      "serve [[NAME=]MODEL...] [OPTIONS]",
      "  mnist serve\n"
      "  mnist serve mnist-cnn.gguf small=mlp.safetensors --port 9000\n"
      "  curl -H 'Content-Type: image/png' --data-binary @seven.png "
      "http://127.0.0.1:8080/v1/classify\n"
      "\nSpeaks the Open Inference Protocol (version 2, REST), as Triton and KServe do; has\n"
      "statistics for Prometheus at /metrics. See docs/serve.md.");
  command.action([options] { run(*options); });
}

}  // namespace mnist
