// Writing gzip; reading it is ContentReader's.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/file.h"

namespace mnist {

// Passes what is written to it on to another sink, gzipped. The same bytes always give the same
// file (no time and no name in its header).
class GzipSink : public Sink {
 public:
  explicit GzipSink(Sink& target);
  ~GzipSink() override;
  using Sink::write;
  void write(std::span<const std::byte> bytes) override;

  // Writes what is still held back, checksum and length. To be called once, at the end.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mnist
