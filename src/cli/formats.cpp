// mnist formats: which files of models can be read and written.
#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "cli/usage.h"
#include "formats/format_list.h"

namespace mnist {

void add_formats(CLI::App& program) {
  CLI::App* command = program.add_subcommand("formats", "List the formats of model files");
  describe_usage(*command, "formats", "  mnist formats");
  command->callback([] {
    std::vector<std::vector<std::string>> rows = {{"format", "suffixes", "what it is"}};
    for (const Format* format : formats()) {
      rows.push_back({format->name, join(format->suffixes, " "), format->description});
    }
    fmt::print("{}", table(rows, {true, true, true}));
  });
}

}  // namespace mnist
