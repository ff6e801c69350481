// Copies of a data set that is known by name, on this machine.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "data/catalog.h"
#include "data/dataset.h"

namespace mnist {

struct IdxPair {
  std::filesystem::path images;
  std::filesystem::path labels;
};

// The IDX files of one half in `directory`, under any spelling of the standard names; nothing
// deeper.
std::optional<IdxPair> find_idx_pair(const std::filesystem::path& directory, Split split);

// As above, looking also into `directory`/raw and `directory`/*/raw. Throws Error if several hold a
// copy.
std::optional<IdxPair> find_idx_pair_below(const std::filesystem::path& directory, Split split);

// The half `split` of `entry` from where other programs keep such sets, the first whose content has
// the right sha256.
std::optional<Dataset> load_foreign_copy(const CatalogEntry& entry, Split split);

}  // namespace mnist
