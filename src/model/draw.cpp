#include "model/draw.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "mnist/error.h"
#include "model/draw_parts.h"

namespace mnist {
namespace {

constexpr size_t kLongestCell = 40;

// As the inside of a quoted text of Graphviz.
std::string escape_dot(std::string_view text) {
  std::string result;
  for (char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::string dot_label(const DrawnBox& box) {
  std::string label = escape_dot(box.type);
  if (!box.name.empty()) label += "  " + escape_dot(box.name);
  for (const std::string& line : {box.details, box.facts}) {
    if (!line.empty()) label += "\\n" + escape_dot(line);
  }
  return label;
}

// Characters, not bytes: the shapes' × and other UTF-8 must not shift the columns.
size_t characters(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

using Row = std::vector<std::string>;

std::string table_text(const std::vector<Row>& rows) {
  std::vector<size_t> widths(rows[0].size());
  for (const Row& row : rows) {
    for (size_t k = 0; k < row.size(); ++k) widths[k] = std::max(widths[k], characters(row[k]));
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (size_t k = 0; k < row.size(); ++k) {
      const std::string space(widths[k] - characters(row[k]), ' ');
      const bool number = k >= 3;  // to the right
      line += (k == 0 ? "" : "  ") + (number ? space + row[k] : row[k] + space);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string bytes_text(uint64_t bytes) {
  if (bytes < 10'240) return fmt::format("{} bytes", bytes);
  if (bytes < 10'485'760) return fmt::format("{:.1f} KB", static_cast<double>(bytes) / 1024);
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1'048'576);
}

}  // namespace

std::string draw_dot(const Model& model, std::span<const NodeFacts> facts) {
  const DrawnGraph graph = drawn_graph(model, facts);
  std::string dot = fmt::format(
      "digraph \"{}\" {{\n  bgcolor=transparent\n"
      "  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"]\n",
      escape_dot(printable(model.architecture, 60)));
  for (size_t i = 0; i < graph.boxes.size(); ++i) {
    const DrawnBox& box = graph.boxes[i];
    const auto colours = std::find_if(drawn_colours().begin(), drawn_colours().end(),
                                      [&](const DrawnColours& c) { return box.kind == c.kind; });
    dot += fmt::format("  n{} [label=\"{}\", fillcolor=\"{}\", color=\"{}\"]\n", i, dot_label(box),
                       colours->light_fill, colours->light_line);
  }
  for (const auto& [from, to] : graph.edges) dot += fmt::format("  n{} -> n{}\n", from, to);
  return dot + "}\n";
}

std::string layer_table(const Model& model, std::span<const NodeFacts> facts) {
  if (facts.size() != model.nodes.size()) {
    throw Error(fmt::format("layer table: facts of {} nodes expected, got {}", model.nodes.size(),
                            facts.size()));
  }
  std::vector<Row> rows = {{"Layer", "Type", "Output shape", "Parameters", "MACs"}};
  rows.push_back(
      {printable(model.input, kLongestCell), "(input)", to_string(model.input_shape), "", ""});
  uint64_t macs = 0;
  for (size_t i = 0; i < facts.size(); ++i) {
    const Node& node = model.nodes[i];
    rows.push_back({printable(node.name, kLongestCell), printable(node.type, kLongestCell),
                    to_string(facts[i].output_shape), grouped(facts[i].parameters),
                    grouped(facts[i].macs)});
    macs += facts[i].macs;
  }
  std::string text = table_text(rows);
  const size_t end_of_heading = text.find('\n') + 1;
  size_t width = 0;
  for (size_t at = 0, next = 0; (next = text.find('\n', at)) != std::string::npos; at = next + 1) {
    width = std::max(width, characters(text.substr(at, next - at)));
  }
  const std::string rule = std::string(width, '-') + "\n";
  text.insert(end_of_heading, rule);
  const size_t parameters = model.parameter_count();
  return text + rule +
         fmt::format("{} parameters ({} as float32), {} multiply-adds an image\n",
                     grouped(parameters), bytes_text(parameters * sizeof(float)), grouped(macs));
}

}  // namespace mnist
