// Getting the files of a data set that is known by name.
#pragma once

#include <filesystem>
#include <span>

#include "data/catalog.h"
#include "data/download.h"
#include "mnist/error.h"

namespace mnist {

// The files are not here and cannot be fetched: the network is away, or downloading is forbidden.
class DataUnavailable : public Error {
 public:
  using Error::Error;
};

struct FetchOptions {
  bool offline = false;
  DownloadOptions download = {};
};

// $MNIST_CACHE_DIR, else $XDG_CACHE_HOME/mnist.cpp, else ~/.cache/mnist.cpp. Not created. Throws
// Error if none of the three variables (the last being HOME) is set.
std::filesystem::path cache_directory();

// Afterwards `directory` holds each of `files`, unpacked and verified. Those that are there already
// (unpacked or as .gz) are left alone. The others are fetched from the mirrors of `entry`, one
// after the other until one gives the right content, or from $MNIST_MIRROR/NAME/ if that is set.
//
// An interrupted download is kept as FILE.gz.part and resumed, now or in the next run. Files appear
// under their names only when they are whole and right. Of several processes one fetches, the
// others wait. Throws one DataUnavailable that names the files, the directory and what was tried if
// a file cannot be had, and Error at once if the disk is full or the callback says stop.
void fetch_files(const CatalogEntry& entry, std::span<const CatalogFile> files,
                 const std::filesystem::path& directory, const FetchOptions& options);

}  // namespace mnist
