// Every format the program reads and writes.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "formats/format.h"

namespace mnist {

std::span<const Format* const> formats();
std::vector<std::string> format_names();

// Throws Error naming the formats for an unknown name.
const Format& format_by_name(const std::string& name);

// The format that a file is to be written in: what the options name, or the path's longest suffix.
// Throws Error naming the formats where there is none.
const Format& format_for(const std::filesystem::path& path, const SaveOptions& options);

}  // namespace mnist
