#include "formats/pytorch/pickle_globals.h"

#include <algorithm>
#include <iterator>

namespace mnist {
namespace {

constexpr std::string_view kDicts[] = {"collections.OrderedDict", "collections.Counter",
                                       "builtins.dict", "__builtin__.dict"};

constexpr std::string_view kSequences[] = {"builtins.set",
                                           "builtins.frozenset",
                                           "builtins.list",
                                           "builtins.tuple",
                                           "__builtin__.set",
                                           "__builtin__.frozenset",
                                           "__builtin__.list",
                                           "__builtin__.tuple",
                                           "torch.Size",
                                           "torch.jit._pickle.build_intlist",
                                           "torch.jit._pickle.build_boollist",
                                           "torch.jit._pickle.build_doublelist",
                                           "torch.jit._pickle.build_tensorlist"};

constexpr std::string_view kFunctions[] = {"torch._utils._rebuild_tensor",
                                           "torch._utils._rebuild_tensor_v2",
                                           "torch._utils._rebuild_parameter",
                                           "torch._utils._rebuild_parameter_with_state",
                                           "torch._tensor._rebuild_from_type_v2",
                                           "torch.nn.parameter.Parameter",
                                           "torch.nn.backends.thnn._get_thnn_function_backend",
                                           "torch.device",
                                           "torch.jit._pickle.restore_type_tag",
                                           "copyreg._reconstructor",
                                           "copy_reg._reconstructor",
                                           "numpy.core.multiarray._reconstruct",
                                           "numpy._core.multiarray._reconstruct",
                                           "numpy.core.numeric._frombuffer",
                                           "numpy._core.numeric._frombuffer",
                                           "numpy.core.multiarray.scalar",
                                           "numpy._core.multiarray.scalar",
                                           "numpy.dtype"};

constexpr std::string_view kHarmlessNames[] = {
    "argparse.Namespace", "numpy.ndarray", "torch.bfloat16", "torch.bool",  "torch.float16",
    "torch.float32",      "torch.float64", "torch.int16",    "torch.int32", "torch.int64",
    "torch.int8",         "torch.strided", "torch.uint8"};

// Named by attacks and by no model. That nothing is called is what protects; that these are refused
// wherever they stand says clearly what such a file is.
constexpr std::string_view kForbiddenModules[] = {
    "__builtin__", "_pickle",   "asyncio", "builtins",  "code",   "commands", "ctypes",
    "functools",   "importlib", "nt",      "operator",  "os",     "pdb",      "pickle",
    "pip",         "posix",     "pty",     "runpy",     "shutil", "socket",   "subprocess",
    "sys",         "timeit",    "types",   "webbrowser"};

template <size_t kCount>
bool is_one_of(const std::string_view (&names)[kCount], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool is_storage(std::string_view name) {
  if (!name.ends_with("Storage")) return false;
  name.remove_suffix(std::string_view("Storage").size());
  for (const char* module : {"torch.", "torch.cuda.", "torch.storage."}) {
    const std::string_view prefix = module;
    if (name.starts_with(prefix) && name.find('.', prefix.size()) == name.npos) return true;
  }
  return false;
}

}  // namespace

GlobalKind kind_of_global(std::string_view name) {
  if (is_one_of(kDicts, name)) return GlobalKind::kDict;
  if (is_one_of(kSequences, name)) return GlobalKind::kSequence;
  if (name == "_codecs.encode") return GlobalKind::kEncode;
  if (is_one_of(kFunctions, name)) return GlobalKind::kFunction;
  if (is_storage(name)) return GlobalKind::kStorage;
  if (is_one_of(kHarmlessNames, name)) return GlobalKind::kHarmless;
  const std::string_view package = name.substr(0, name.find('.'));
  return is_one_of(kForbiddenModules, package) ? GlobalKind::kForbidden : GlobalKind::kOther;
}

}  // namespace mnist
