#include "model/draw.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "mnist/error.h"
#include "model/architectures.h"
#include "model/draw_layout.h"

namespace mnist {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<NodeFacts> cnn_facts() {
  return {{{8, 28, 28}, 80, 56'448},
          {{8, 28, 28}, 0, 0},
          {{8, 14, 14}, 0, 0},
          {{16, 14, 14}, 1'168, 225'792},
          {{16, 14, 14}, 0, 0},
          {{16, 7, 7}, 0, 0},
          {{784}, 0, 0},
          {{10}, 7'850, 7'840}};
}

// A network with two ways round: relu1 -> (conv -> bn), (nothing) -> add.
Model residual() {
  Model model;
  model.architecture = "residual";
  model.input_shape = {1, 8, 8};
  model.nodes = {{"Relu", "relu1", {"input"}, {"a"}, {}},
                 {"Tanh", "tanh", {"a"}, {"b"}, {}},
                 {"Sigmoid", "sigmoid", {"b"}, {"c"}, {}},
                 {"Add", "add", {"c", "a"}, {"d"}, {}}};
  model.output = "d";
  return model;
}

// Every < begins a known element or an end, every & an entity, and elements close in order.
void expect_well_formed(const std::string& svg) {
  std::vector<std::string> open;
  for (size_t i = 0; i < svg.size(); ++i) {
    if (svg[i] == '&') {
      const size_t end = svg.find(';', i);
      ASSERT_LT(end - i, 7U) << svg.substr(i, 20);
    }
    if (svg[i] != '<') continue;
    const size_t end = svg.find('>', i);
    ASSERT_NE(end, std::string::npos);
    const std::string tag = svg.substr(i + 1, end - i - 1);
    ASSERT_EQ(tag.find('<'), std::string::npos) << tag;
    const std::string name = tag.substr(0, tag.find(' '));
    if (tag[0] == '/') {
      ASSERT_FALSE(open.empty());
      ASSERT_EQ("/" + open.back(), name);
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
    }
    i = end;
  }
  EXPECT_TRUE(open.empty());
}

TEST(Draw, TableHasShapesParametersMacsAndTotals) {
  const std::string expected =
      "Layer    Type     Output shape  Parameters     MACs\n"
      "---------------------------------------------------\n"
      "input    (input)  (1,28,28)\n"
      "conv1    Conv     (8,28,28)             80   56,448\n"
      "relu1    Relu     (8,28,28)              0        0\n"
      "pool1    MaxPool  (8,14,14)              0        0\n"
      "conv2    Conv     (16,14,14)         1,168  225,792\n"
      "relu2    Relu     (16,14,14)             0        0\n"
      "pool2    MaxPool  (16,7,7)               0        0\n"
      "flatten  Flatten  (784)                  0        0\n"
      "dense    Gemm     (10)               7,850    7,840\n"
      "---------------------------------------------------\n"
      "9,098 parameters (35.5 KB as float32), 290,080 multiply-adds an image\n";
  EXPECT_EQ(layer_table(make_architecture("mnist-cnn"), cnn_facts()), expected);
}

TEST(Draw, FactsOfAnotherModelAreRefused) {
  const std::vector<NodeFacts> facts = cnn_facts();
  EXPECT_THROW(layer_table(make_architecture("mnist-fc"), facts), Error);
  EXPECT_THROW(layer_table(make_architecture("mnist-fc"), {}), Error);
  EXPECT_THROW(draw_svg(make_architecture("mnist-fc"), facts), Error);
  EXPECT_THROW(draw_dot(make_architecture("mnist-fc"), facts), Error);
}

TEST(Draw, PicturesSayWhatTheNodesAre) {
  const Model model = make_architecture("mnist-cnn");
  const std::string svg = draw_svg(model, cnn_facts());
  expect_well_formed(svg);
  EXPECT_THAT(svg, HasSubstr("mnist-cnn · 9,098 parameters · 290,080 multiply-adds"));
  EXPECT_THAT(svg, HasSubstr(">16 × 14 × 14 · 1,168 parameters<"));
  EXPECT_THAT(svg, HasSubstr(">kernel_shape 3×3, pads 1×1×1×1<"));
  EXPECT_THAT(svg, HasSubstr("prefers-color-scheme: dark"));
  const std::string dot = draw_dot(model, cnn_facts());
  EXPECT_THAT(dot, HasSubstr("n8 [label=\"Gemm  dense\\ntransB 1\\n10 · 7,850 parameters\""));
  EXPECT_THAT(dot, HasSubstr("  n7 -> n8\n  n8 -> n9\n}"));
}

TEST(Draw, EveryArchitectureIsDrawnWithoutFacts) {
  for (const std::string& name : architecture_names()) {
    expect_well_formed(draw_svg(make_architecture(name)));
    EXPECT_THAT(draw_dot(make_architecture(name)), HasSubstr("Output"));
  }
}

TEST(Draw, TextsOfFilesAreEscaped) {
  Model model = residual();
  model.architecture = "</title><script>alert('\"&')</script>";
  model.input = "]]>&amp;\"\\";
  model.nodes[0].inputs = {model.input};
  model.nodes[0].name = "<b a='1'>\x1b[31m\n\xff";
  model.nodes[1].type = "\"];evil->x;\\";
  model.nodes[1].attributes = {{"<i>", std::string("</style>")}};
  const std::string svg = draw_svg(model);
  expect_well_formed(svg);
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
  EXPECT_THAT(svg, Not(HasSubstr("\x1b")));
  EXPECT_THAT(svg, HasSubstr("&lt;b a=&#39;1&#39;&gt;\\x1b[31m\\x0a"));
  const std::string dot = draw_dot(model);
  EXPECT_THAT(dot, HasSubstr("label=\"\\\"];evil->x;\\\\  tanh"));
  EXPECT_EQ(std::count(dot.begin(), dot.end(), '\n'), 4 + 6 + 6);
}

TEST(Draw, LayoutKeepsBoxesApartAndEdgesOffThem) {
  // A fan, two ways of unlike length, and an edge over everything.
  const std::vector<std::pair<size_t, size_t>> edges = {{0, 1}, {0, 2}, {0, 3}, {1, 4}, {2, 4},
                                                        {3, 5}, {4, 6}, {5, 6}, {0, 6}};
  const LayoutSizes sizes = {100, 40, 20, 30};
  const GraphLayout layout = lay_out(7, edges, sizes);
  for (const auto& [from, to] : edges) EXPECT_LT(layout.boxes[from].y, layout.boxes[to].y);
  for (size_t a = 0; a < 7; ++a) {
    EXPECT_GE(layout.boxes[a].x, 50 - 1e-6);
    EXPECT_LE(layout.boxes[a].x, layout.width - 50 + 1e-6);
    EXPECT_LE(layout.boxes[a].y + 20, layout.height + 1e-6);
    for (size_t b = 0; b < a; ++b) {
      if (layout.boxes[a].y == layout.boxes[b].y) {
        EXPECT_GE(std::abs(layout.boxes[a].x - layout.boxes[b].x), 120 - 1e-6);
      }
    }
    for (const Point& bend : layout.bends[8]) {
      if (bend.y == layout.boxes[a].y) {
        EXPECT_GE(std::abs(bend.x - layout.boxes[a].x), 50.0);
      }
    }
  }
  EXPECT_EQ(layout.bends[8].size(), 2U);
}

TEST(Draw, LayoutKeepsAChainStraight) {
  const GraphLayout layout = lay_out(4, {{0, 1}, {1, 2}, {2, 3}}, {100, 40, 20, 30});
  for (const Point& box : layout.boxes) EXPECT_EQ(box.x, 50);
  EXPECT_EQ(layout.height, 4 * 40 + 3 * 30);
}

TEST(Draw, LayoutOfAHugeGraphIsRefused) {
  std::vector<std::pair<size_t, size_t>> edges;
  for (size_t i = 1; i < 400; ++i) {
    for (size_t k = 0; k < i; ++k) edges.emplace_back(k, i);
  }
  EXPECT_THROW(lay_out(400, edges, {100, 40, 20, 30}), Error);
}

}  // namespace
}  // namespace mnist
