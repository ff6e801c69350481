// What `mnist serve` and `mnist draw` have in common.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "serve/service.h"

namespace mnist {

struct ServingOptions {
  ServiceOptions service;
  HttpOptions http;
  bool has_page_models = false;  // the models are the page's own, called as there
  bool is_verbose = false;       // a line for each request, on standard error
};

// Serves until SIGINT or SIGTERM, and then what has begun. `started` gets the server's address,
// "http://127.0.0.1:8080/".
void serve_models(const std::vector<NamedModel>& models, const ServingOptions& options,
                  const std::function<void(const std::string& url)>& started);

}  // namespace mnist
