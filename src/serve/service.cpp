#include "serve/service.h"

#include <fmt/format.h>

#include <algorithm>

#include "mnist/error.h"
#include "serve/infer.h"

namespace mnist {
namespace {

// Of pages: what they may load and who may show them (docs/serve.md).
constexpr char kContentSecurityPolicy[] =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

const Headers& security_headers() {
  static const Headers headers = {{"Content-Security-Policy", kContentSecurityPolicy},
                                  {"Cross-Origin-Opener-Policy", "same-origin"},
                                  {"Cross-Origin-Embedder-Policy", "require-corp"},
                                  {"Cross-Origin-Resource-Policy", "same-origin"},
                                  {"X-Content-Type-Options", "nosniff"},
                                  {"Referrer-Policy", "no-referrer"},
                                  {"Cache-Control", "no-cache"}};
  return headers;
}

Response json(std::string body) {
  Response response;
  response.body = std::move(body);
  return response;
}

void answer(const Respond& respond, Response response) {
  respond([response = std::move(response)]() mutable { return std::move(response); });
}

bool is_get(const Request& request) { return request.method == "GET" || request.method == "HEAD"; }

Response wrong_method(std::string_view allowed) {
  Response response = error_response(405, fmt::format("{} expected here", allowed));
  response.headers.emplace_back("Allow", allowed);
  return response;
}

Response not_found() { return error_response(404, "there is nothing of that name here"); }

}  // namespace

Service::Service(const std::vector<NamedModel>& models, const ServiceOptions& options)
    : options_(options),
      threads_(options.threads),
      style_(overview_style()),
      batcher_(options.batching, [this](size_t images) { metrics_.count_batch(images); }) {
  for (const NamedModel& named : models) {
    models_.push_back(
        std::make_unique<ServedModel>(named.name, named.model, threads_, options.backend));
  }
  page_files_.emplace(options_.page, models_);
  overview_ = overview_page(models_);
}

ServedModel* Service::find(std::string_view name) const {
  const auto found = std::find_if(models_.begin(), models_.end(),
                                  [&](const auto& model) { return model->name() == name; });
  return found == models_.end() ? nullptr : found->get();
}

void Service::count(const RequestReport& report) {
  metrics_.count_request(report.status, std::chrono::duration<double>(report.time).count());
}

void Service::handle(Request&& request, Respond respond) {
  const auto guarded = [respond = std::move(respond)](std::function<Response()> make) {
    respond([make = std::move(make)] {
      Response response = make();
      const Headers& headers = security_headers();
      response.headers.insert(response.headers.end(), headers.begin(), headers.end());
      return response;
    });
  };
  try {
    if (const auto refusal = check_request(request, options_.guard)) {
      answer(guarded, error_response(refusal->status, refusal->text));
    } else if (request.path == "/v1/classify") {
      classify(request, guarded);
    } else if (request.path == "/v2" || request.path.starts_with("/v2/")) {
      v2(request, guarded);
    } else if (!is_get(request)) {
      answer(guarded, wrong_method("GET, HEAD"));
    } else if (request.path == "/metrics") {
      answer(guarded, metrics());
    } else {
      answer(guarded, page(request));
    }
  } catch (const Error& error) {
    answer(guarded, error_response(400, error.what()));
  }
}

Response Service::page(const Request& request) const {
  if (std::optional<Response> file = page_files_->answer(request)) return *std::move(file);
  Response response;
  if (request.path == "/" || request.path == kOverviewPath) {
    response.content_type = "text/html; charset=utf-8";
    response.constant_body = std::as_bytes(std::span(overview_));
    return response;
  }
  if (request.path == kOverviewStylePath) {
    response.content_type = "text/css; charset=utf-8";
    response.constant_body = std::as_bytes(std::span(style_));
    return response;
  }
  return not_found();
}

Response Service::server_metadata() const {
  return json(
      fmt::format("{{\"name\":\"mnist\",\"version\":\"{}\",\"extensions\":[\"binary_tensor_data\","
                  "\"model_repository\"]}}",
                  options_.version));
}

Response Service::repository_index() const {
  std::string list;
  for (const auto& model : models_) {
    list += fmt::format(
        "{}{{\"name\":\"{}\",\"version\":\"{}\",\"state\":\"READY\","
        "\"reason\":\"\"}}",
        list.empty() ? "" : ",", model->name(), kModelVersion);
  }
  return json(fmt::format("[{}]", list));
}

Response Service::metrics() const {
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = metrics_.text();
  response.body += metric_text("mnist_queue_length", "gauge", "Requests waiting for the models.",
                               batcher_.queue_length());
  if (server_ != nullptr) {
    response.body += metric_text("mnist_connections", "gauge", "Connections that are open.",
                                 server_->connections());
    response.body +=
        metric_text("mnist_connections_evicted_total", "counter",
                    "Connections closed to make room for others.", server_->evictions());
  }
  return response;
}

void Service::v2(const Request& request, const Respond& respond) {
  constexpr std::string_view kModels = "/v2/models/";
  constexpr std::string_view kLive = "/v2/health/live";
  constexpr std::string_view kReady = "/v2/health/ready";
  // "/v2" in the protocol's text, "/v2/" in its OpenAPI description.
  const std::string_view path = request.path == "/v2/" ? "/v2" : std::string_view(request.path);
  if (path == "/v2/repository/index") {
    answer(respond, request.method == "POST" ? repository_index() : wrong_method("POST"));
  } else if (path.starts_with(kModels)) {
    model_request(request, path.substr(kModels.size()), respond);
  } else if (path != "/v2" && path != kLive && path != kReady) {
    answer(respond, not_found());
  } else if (!is_get(request)) {
    answer(respond, wrong_method("GET, HEAD"));
  } else if (path == "/v2") {
    answer(respond, server_metadata());
  } else {
    // The protocol's text has "live" for both.
    answer(respond, json(path == kLive ? "{\"live\":true}" : "{\"live\":true,\"ready\":true}"));
  }
}

// `rest` is NAME[/versions/1][/ready|/infer].
void Service::model_request(const Request& request, std::string_view rest, const Respond& respond) {
  const size_t slash = std::min(rest.find('/'), rest.size());
  const std::string name(rest.substr(0, slash));
  std::string_view what = rest.substr(slash);
  ServedModel* model = find(name);
  if (model == nullptr) {
    answer(respond, error_response(404, fmt::format("model '{}' is not served here", name)));
    return;
  }
  constexpr std::string_view kVersions = "/versions/";
  if (what.starts_with(kVersions)) {
    what.remove_prefix(kVersions.size());
    const std::string_view version = what.substr(0, what.find('/'));
    if (version != kModelVersion) {
      answer(respond, error_response(
                          404, fmt::format("model '{}' has version {} only", name, kModelVersion)));
      return;
    }
    what.remove_prefix(version.size());
  }
  if (what == "/infer") {
    if (request.method == "POST") {
      infer(request, *model, respond);
    } else {
      answer(respond, wrong_method("POST"));
    }
  } else if (!what.empty() && what != "/ready") {
    answer(respond, not_found());
  } else if (!is_get(request)) {
    answer(respond, wrong_method("GET, HEAD"));
  } else {
    answer(respond, json(what.empty() ? model_metadata(*model)
                                      : fmt::format("{{\"name\":\"{}\",\"ready\":true}}", name)));
  }
}

void Service::submit(Job&& job, const Respond& respond) {
  metrics_.count_images(job.images);
  if (!batcher_.submit(std::move(job))) {
    Response response = error_response(503, "too many requests are waiting");
    response.headers.emplace_back("Retry-After", "1");
    answer(respond, std::move(response));
  }
}

void Service::infer(const Request& request, ServedModel& model, const Respond& respond) {
  // Triton's client says nothing of the type; a page of another site cannot get here (guard.h).
  const std::string type = media_type(request);
  if (!type.empty() && type != "application/json" && type != "application/octet-stream") {
    answer(respond, error_response(415, "Content-Type: application/json expected"));
    return;
  }
  auto parsed = std::make_shared<InferRequest>(parse_infer(request, model));
  Job job;
  job.model = &model;
  job.images = parsed->images;
  job.pixels = std::move(parsed->pixels);
  job.inputs = std::move(parsed->inputs);
  job.done = [parsed, &model, respond](std::vector<float> logits) {
    respond([parsed, &model, logits = std::move(logits)]() mutable {
      return infer_response(*parsed, model, std::move(logits));
    });
  };
  submit(std::move(job), respond);
}

InferenceServer::InferenceServer(const std::vector<NamedModel>& models,
                                 const ServiceOptions& service, HttpOptions http)
    : service_(models, service),
      http_(
          [&] {
            auto report = std::move(http.on_request);
            http.on_request = [this, report](const RequestReport& request) {
              service_.count(request);
              if (report) report(request);
            };
            return http;
          }(),
          [this](Request&& request, Respond respond) {
            service_.handle(std::move(request), std::move(respond));
          }) {
  service_.set_server(&http_);
}

// A request that runs knows its connection: it has to end before the connections do.
InferenceServer::~InferenceServer() { service_.stop(); }

}  // namespace mnist
