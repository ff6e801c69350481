// The page of a server that was given none: which models there are, and how to ask them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "serve/served_model.h"

namespace mnist {

inline constexpr char kOverviewPath[] = "/overview";
inline constexpr char kOverviewStylePath[] = "/overview.css";

std::string overview_page(const std::vector<std::unique_ptr<ServedModel>>& models);
std::string overview_style();

}  // namespace mnist
