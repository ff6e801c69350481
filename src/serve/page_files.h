// The page's files, as a browser wants them: compressed, and not again while it has them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "serve/asset.h"
#include "serve/http_message.h"
#include "serve/served_model.h"

namespace mnist {

class PageFiles {
 public:
  // Among the files is what the page knows of the program (web/scripts/host.js): `models`.
  PageFiles(PageOptions page, const std::vector<std::unique_ptr<ServedModel>>& models);

  // None where no file has the request's path.
  std::optional<Response> answer(const Request& request) const;

 private:
  PageOptions page_;
  std::string host_script_;
};

}  // namespace mnist
