#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "model/draw.h"
#include "model/draw_layout.h"
#include "model/draw_parts.h"

namespace mnist {
namespace {

constexpr LayoutSizes kSizes = {
    .box_width = 250, .box_height = 66, .gap_across = 28, .gap_down = 30};
constexpr double kMargin = 24;
constexpr double kTitleHeight = 40;
constexpr double kCorner = 10;
constexpr double kInset = 12;
constexpr double kLineHeight = 17;
// Of the fonts below, with some reserve.
constexpr double kTypeCharacterWidth = 9;
constexpr double kNameCharacterWidth = 6.6;
constexpr double kTitleCharacterWidth = 9;
constexpr double kArrow = 5;  // its length, which the line leaves free

std::string escape_xml(std::string_view text) {
  std::string result;
  for (char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string style() {
  std::string light;
  std::string dark;
  for (const DrawnColours& c : drawn_colours()) {
    light +=
        fmt::format("    .{} {{ fill: {}; stroke: {} }}\n", c.kind, c.light_fill, c.light_line);
    dark += fmt::format("      .{} {{ fill: {}; stroke: {} }}\n", c.kind, c.dark_fill, c.dark_line);
  }
  return fmt::format(R"(  <style>
    text {{ font-family: system-ui, sans-serif; fill: #18181b }}
    .title {{ font-size: 15px; font-weight: 600 }}
    .type {{ font-size: 14px; font-weight: 600 }}
    .name {{ font-size: 12px; fill: #52525b; text-anchor: end }}
    .details {{ font-size: 11px; fill: #52525b }}
    .facts {{ font-size: 12px }}
    rect {{ stroke-width: 1.5 }}
    .edge {{ fill: none; stroke: #71717a; stroke-width: 1.5 }}
    .arrow {{ fill: #71717a }}
{}    @media (prefers-color-scheme: dark) {{
      text {{ fill: #f4f4f5 }}
      .name, .details {{ fill: #a1a1aa }}
      .edge {{ stroke: #a1a1aa }}
      .arrow {{ fill: #a1a1aa }}
{}    }}
  </style>
)",
                     light, dark);
}

std::string text_line(const char* style_class, double x, double y, const std::string& text) {
  if (text.empty()) return "";
  return fmt::format("    <text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", style_class, x,
                     y, escape_xml(text));
}

std::string box_to_svg(const DrawnBox& box, Point centre) {
  const double left = centre.x - kSizes.box_width / 2;
  const double right = left + kSizes.box_width;
  const int lines = 1 + (box.details.empty() ? 0 : 1) + (box.facts.empty() ? 0 : 1);
  // The first line's foot, so that the lines stand in the middle.
  double foot = centre.y + 5 - kLineHeight * (lines - 1) / 2.0;
  const double room =
      kSizes.box_width - 3 * kInset - kTypeCharacterWidth * static_cast<double>(box.type.size());
  const auto name_length = static_cast<size_t>(std::max(4.0, room / kNameCharacterWidth - 3));
  std::string svg = fmt::format(
      "  <g>\n    <rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{}\" height=\"{}\" "
      "rx=\"{}\"/>\n",
      box.kind, left, centre.y - kSizes.box_height / 2, kSizes.box_width, kSizes.box_height,
      kCorner);
  svg += text_line("type", left + kInset, foot, box.type);
  svg += text_line("name", right - kInset, foot, printable(box.name, name_length));
  if (!box.details.empty()) {
    svg += text_line("details", left + kInset, foot += kLineHeight, box.details);
  }
  svg += text_line("facts", left + kInset, foot + kLineHeight, box.facts);
  return svg + "  </g>\n";
}

// Leaves and arrives vertically, and passes every bend vertically.
std::string edge_to_svg(Point from, const std::vector<Point>& bends, Point to) {
  const double half = kSizes.box_height / 2;
  Point last = {from.x, from.y + half};
  std::string path = fmt::format("M{:.1f} {:.1f}", last.x, last.y);
  auto curve_to = [&](Point next) {
    const double middle = (last.y + next.y) / 2;
    path += fmt::format(" C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}", last.x, middle, next.x,
                        middle, next.x, next.y);
    last = next;
  };
  for (const Point& bend : bends) {
    curve_to({bend.x, bend.y - half});
    last = {bend.x, bend.y + half};
    path += fmt::format(" L{:.1f} {:.1f}", last.x, last.y);
  }
  curve_to({to.x, to.y - half - kArrow});
  return fmt::format("  <path class=\"edge\" d=\"{}\" marker-end=\"url(#arrow)\"/>\n", path);
}

std::string title_of(const Model& model, std::span<const NodeFacts> facts) {
  std::string title = fmt::format("{} · {} parameters", printable(model.architecture, 60),
                                  grouped(model.parameter_count()));
  uint64_t macs = 0;
  for (const NodeFacts& fact : facts) macs += fact.macs;
  if (macs != 0) title += fmt::format(" · {} multiply-adds", grouped(macs));
  return title;
}

}  // namespace

std::string draw_svg(const Model& model, std::span<const NodeFacts> facts) {
  const DrawnGraph graph = drawn_graph(model, facts);
  const GraphLayout layout = lay_out(graph.boxes.size(), graph.edges, kSizes);
  const std::string title = title_of(model, facts);
  const double width =
      std::max(layout.width, static_cast<double>(title.size()) * kTitleCharacterWidth) +
      2 * kMargin;
  const double height = layout.height + kTitleHeight + 2 * kMargin;
  auto moved = [&](Point p) {
    return Point{p.x + (width - layout.width) / 2, p.y + kMargin + kTitleHeight};
  };
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 "
      "0 "
      "{0:.0f} {1:.0f}\" role=\"img\">\n  <title>{2}</title>\n{3}",
      width, height, escape_xml(title), style());
  svg +=
      R"(  <marker id="arrow" viewBox="0 0 10 10" refX="2" refY="5" markerWidth="7" markerHeight="7")"
      R"( orient="auto"><path class="arrow" d="M0 0 L10 5 L0 10 z"/></marker>)"
      "\n";
  svg += fmt::format(
      "  <text class=\"title\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", width / 2,
      kMargin + 14, escape_xml(title));
  for (size_t edge = 0; edge < graph.edges.size(); ++edge) {
    std::vector<Point> bends;
    for (const Point& bend : layout.bends[edge]) bends.push_back(moved(bend));
    svg += edge_to_svg(moved(layout.boxes[graph.edges[edge].first]), bends,
                       moved(layout.boxes[graph.edges[edge].second]));
  }
  for (size_t i = 0; i < graph.boxes.size(); ++i) {
    svg += box_to_svg(graph.boxes[i], moved(layout.boxes[i]));
  }
  return svg + "</svg>\n";
}

}  // namespace mnist
