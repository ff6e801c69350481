// Every format the program reads and writes.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "formats/format.h"

namespace mnist {

std::span<const Format* const> formats();
std::vector<std::string> format_names();

// Throws Error naming the formats for an unknown name.
const Format& format_by_name(const std::string& name);

}  // namespace mnist
