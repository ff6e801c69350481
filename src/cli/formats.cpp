// mnist formats: which files of models can be read and written.
#include <fmt/format.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "formats/format_list.h"

namespace mnist {

void add_formats(Command& program) {
  Command command = program.add_command("formats", "List the formats of model files");
  command.usage("formats", "  mnist formats");
  command.action([] {
    std::vector<std::vector<std::string>> rows = {{"format", "suffixes", "what it is"}};
    for (const Format* format : formats()) {
      rows.push_back({format->name, join(format->suffixes, " "), format->description});
    }
    fmt::print("{}", table(rows, {true, true, true}));
  });
}

}  // namespace mnist
