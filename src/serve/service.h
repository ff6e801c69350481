// What the server answers: the Open Inference Protocol, pictures, statistics and the page.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "serve/batcher.h"
#include "serve/guard.h"
#include "serve/http_message.h"
#include "serve/http_server.h"
#include "serve/metrics.h"
#include "serve/overview_page.h"
#include "serve/page_files.h"
#include "serve/served_model.h"

namespace mnist {

// A model and what clients call it.
struct NamedModel {
  std::string name;
  Model model;  // for grey images (adapt_input.h)
};

struct ServiceOptions {
  BatchOptions batching;
  GuardOptions guard;
  size_t threads = 0;  // to compute with; 0: one for each processor
  const Backend* backend = nullptr;
  PageOptions page;
  std::string version;  // the program's
};

class Service {
 public:
  // Throws Error for a model that cannot be run.
  Service(const std::vector<NamedModel>& models, const ServiceOptions& options);

  void handle(Request&& request, Respond respond);
  void count(const RequestReport& report);

  // Lets what runs finish; later requests get status 503.
  void stop() { batcher_.stop(); }

  // Figures of the connections, which only the server knows, for /metrics.
  void set_server(const HttpServer* server) { server_ = server; }

 private:
  Response page(const Request& request) const;
  void v2(const Request& request, const Respond& respond);
  void model_request(const Request& request, std::string_view rest, const Respond& respond);
  void infer(const Request& request, ServedModel& model, const Respond& respond);
  void classify(const Request& request, const Respond& respond);
  void submit(Job&& job, const Respond& respond);
  Response server_metadata() const;
  Response repository_index() const;
  Response metrics() const;
  ServedModel* find(std::string_view name) const;

  ServiceOptions options_;
  Metrics metrics_;
  ThreadPool threads_;
  std::vector<std::unique_ptr<ServedModel>> models_;
  std::optional<PageFiles> page_files_;  // made when the models are
  std::string overview_;
  std::string style_;
  const HttpServer* server_ = nullptr;
  Batcher batcher_;
};

// A service behind a port.
class InferenceServer {
 public:
  InferenceServer(const std::vector<NamedModel>& models, const ServiceOptions& service,
                  HttpOptions http);
  ~InferenceServer();

  HttpServer& http() { return http_; }

 private:
  Service service_;
  HttpServer http_;
};

}  // namespace mnist
