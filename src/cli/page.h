// The page that is part of this program (cmake/page.cmake).
#pragma once

#include <optional>
#include <string>

#include "mnist/model.h"
#include "serve/asset.h"

namespace mnist {

// With the page's WebAssembly where the build had it, and a notice how to get it where not.
PageOptions built_in_page();

// One of the page's own models; none where the build had no WebAssembly.
std::optional<Model> page_model(const std::string& file_name);

}  // namespace mnist
