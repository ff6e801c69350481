// The files that torch.save and torch.jit.save make: a pickle, and the storages that it refers to.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/zip.h"
#include "formats/pytorch/pickle.h"
#include "mnist/model.h"

namespace mnist {

// Opened from a zip archive (PyTorch 1.6 and later, TorchScript) or from the pickles one behind the
// other that came before.
class TorchFile {
 public:
  // `bytes` outlive the file. Throws Error starting with `who`.
  TorchFile(std::span<const std::byte> bytes, const std::string& who);

  const std::string& who() const { return who_; }
  const Pickle& pickle() const { return pickle_; }
  // Whether torch.jit.save wrote it.
  bool is_script() const { return is_script_; }

  // Whether the value is a tensor, a parameter or an array of NumPy's.
  static bool is_tensor(PickleRef value);
  // Whether it is a tensor without extents: one number.
  static bool is_number(PickleRef value);
  // The tensors that the code of TorchScript names CONSTANTS.c0, CONSTANTS.c1, ...
  const std::vector<PickleRef>& constants() const { return constants_; }
  // The code of TorchScript, by the name of its module ("__torch__.torch.nn.functional").
  // Throws Error where it has more than `most` bytes.
  std::vector<std::pair<std::string, std::string>> code(uint64_t most) const;
  // Its values as floats, nothing where it holds integers. `name` is for errors: a type that is no
  // number, a storage that is missing, strides that lead out of it.
  std::optional<Tensor> tensor(PickleRef value, const std::string& name);
  std::optional<Tensor> constant(size_t index, const std::string& name);

 private:
  void open_archive(std::span<const std::byte> bytes);
  void open_pickles(std::span<const std::byte> bytes);
  void open_constants();
  std::optional<Tensor> tensor_in(std::string_view folder, PickleRef value,
                                  const std::string& name);
  std::span<const std::byte> storage_bytes(std::string_view folder, const PickleStorage& storage,
                                           size_t each, const std::string& place);

  std::string who_;
  Pickle pickle_;
  bool is_script_ = false;
  Pickle constants_pickle_;
  std::vector<PickleRef> constants_;
  std::optional<ZipArchive> archive_;
  std::string top_;  // the archive's one folder, with its slash
  // By key: of a file of pickles all, of an archive, with its folder, those whose CRC has been
  // checked.
  std::map<std::string, std::span<const std::byte>, std::less<>> storages_;
  size_t values_left_;  // that tensors may still take
};

}  // namespace mnist
