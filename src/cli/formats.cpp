// mnist formats: which files of models can be read and written.
#include <fmt/format.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "formats/format_list.h"

namespace mnist {
namespace {

std::string ways(const Format& format) {
  if (format.read == nullptr) return "out";
  return format.write == nullptr ? "in" : "in, out";
}

}  // namespace

void add_formats(Command& program) {
  Command command = program.add_command("formats", "List the formats of model files");
  command.usage("formats", "  mnist formats");
  command.action([] {
    std::vector<std::vector<std::string>> rows = {{"format", "suffixes", "goes", "what it is"}};
    for (const Format* format : formats()) {
      rows.push_back(
          {format->name, join(format->suffixes, " "), ways(*format), format->description});
    }
    fmt::print("{}", table(rows, {true, true, true, true}));
  });
}

}  // namespace mnist
