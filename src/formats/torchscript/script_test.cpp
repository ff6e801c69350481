// TorchScript files put together by hand: what their code says, and what it must not get away with.
#include "formats/torchscript/script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/format_list.h"
#include "formats/pytorch/test_pickle.h"
#include "formats/test_support.h"
#include "mnist/error.h"

namespace mnist {
namespace {

using testing::HasSubstr;

using Files = std::vector<std::pair<std::string, std::string>>;  // code, by path

Bytes script_file(const std::string& object, const Files& code, const Storages& storages,
                  const std::string& constants = tuple_op({})) {
  MemorySink sink;
  ZipWriter zip(sink, 64);
  zip.add("net/data.pkl", pickled(object));
  for (const auto& [path, text] : code) zip.add(std::string("net/code/") + path, text);
  for (const auto& [key, content] : storages) zip.add(std::string("net/") + key, content);
  zip.add("net/constants.pkl", pickled(constants));
  zip.finish();
  return sink.bytes;
}

std::string weight_op(const std::string& key, const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  int64_t count = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = count;
    count *= shape[i];
  }
  return tensor_op({.key = key, .count = count, .shape = shape, .strides = strides});
}

std::string values(size_t count) { return floats(std::vector<float>(count, 0.5F)); }

FileContents contents(const Bytes& bytes) {
  return format_by_name("pytorch").read({"x", bytes, nullptr});
}

std::vector<std::string> types(const FileContents& read) {
  const Model& model = std::get<Model>(read);
  check_model(model);
  std::vector<std::string> result;
  for (const Node& node : model.nodes) result.push_back(node.type);
  return result;
}

// A network of one dense layer whose forward() has these lines.
Bytes dense_file(const std::string& body, const std::string& more = "") {
  const std::string net = module_op("__torch__", "Net", {{"w", weight_op("0", {10, 784})}});
  const std::string code = fmt::format(
      "class Net(Module):\n"
      "  __parameters__ = [\"w\", ]\n"
      "  w : Tensor\n"
      "  n : Final[Tuple[int, int]] = (1, 1)\n"
      "  def forward(self: __torch__.Net,\n"
      "    x: Tensor) -> Tensor:\n"
      "{}{}",
      body, more);
  return script_file(net, {{"__torch__.py", code}}, {{"data/0", values(7840)}});
}

TEST(TorchScript, ConditionsCallsAndShapesAreFollowed) {
  const std::string body =
      "    w = self.w\n"
      "    _0 = __torch__.flat\n"
      "    training = self.training\n"
      "    if training:\n"
      "      y = torch.dropout(x, 0.5, True)\n"
      "    else:\n"
      "      y = _0(x, )\n"
      "    if torch.gt(torch.len(torch.size(y)), 2):\n"
      "      ops.prim.RaiseException(\"two axes expected\")\n"
      "    else:\n"
      "      pass\n"
      "    z, u, = (torch.linear(y, w), None)  # a comment\n"
      "    return torch.log_softmax(torch.leaky_relu_(z, 2.0000000000000001e-01), -1)\n";
  const std::string more =
      "def flat(x: Tensor,\n"
      "    start: int=1) -> Tensor:\n"
      "  n = ops.prim.NumToTensor(torch.size(x, 0))\n"
      "  return torch.view(x, [int(n), -1])\n";
  const FileContents read = contents(dense_file(body, more));
  EXPECT_EQ(types(read), (std::vector<std::string>{"Flatten", "Gemm", "LeakyRelu", "LogSoftmax"}));
  EXPECT_EQ(std::get<Model>(read).weight("w").shape, (Shape{10, 784}));
  EXPECT_DOUBLE_EQ(std::get<Model>(read).nodes[2].real("alpha", 0), 0.2);
}

TEST(TorchScript, ModulesWithinModulesAndShortcuts) {
  const std::string conv = module_op("__torch__.torch.nn.modules.conv", "Conv2d",
                                     {{"weight", weight_op("0", {4, 1, 3, 3})}, {"bias", "N"}});
  const std::string inner = module_op("__torch__", "Block", {{"0", conv}});
  const std::string net =
      module_op("__torch__", "Net", {{"block", inner}, {"w", weight_op("1", {10, 4})}});
  const Files code = {
      {"__torch__.py",
       "class Net(Module):\n"
       "  def forward(self, x):\n"
       "    y = torch.mean((self.block).forward(x, ), [2, 3])\n"
       "    return torch.addmm(CONSTANTS.c0, y, torch.t(self.w), beta=1, alpha=1)\n"
       "class Block(Module):\n"
       "  __annotations__[\"0\"] = __torch__.torch.nn.modules.conv.Conv2d\n"
       "  def forward(self, x):\n"
       "    conv = getattr(self, \"0\")\n"
       "    return torch.add(torch.relu((conv).forward(x, )), torch.mul(x, -2.5))\n"},
      {"__torch__/torch/nn/modules/conv.py",
       "class Conv2d(Module):\n"
       "  def forward(self, x: Tensor) -> Tensor:\n"
       "    return torch._convolution(x, self.weight, self.bias, [1, 1], [1, 1], [1, 1], False, "
       "[0, 0], 1, False, False, True, True)\n"}};
  const FileContents read = contents(script_file(
      net, code, {{"data/0", values(36)}, {"data/1", values(40)}, {"constants/0", values(10)}},
      tuple_op({weight_op("0", {10})})));
  EXPECT_EQ(types(read),
            (std::vector<std::string>{"Conv", "Relu", "Mul", "Add", "ReduceMean", "Gemm"}));
  const Model& model = std::get<Model>(read);
  EXPECT_EQ(model.input_shape, (Shape{1, 28, 28}));
  EXPECT_EQ(model.nodes.back().inputs[2], "CONSTANTS.c0");
  EXPECT_TRUE(model.is_weight("block.0.weight"));
}

TEST(TorchScript, PartsOfActivations) {
  const FileContents read = contents(
      dense_file("    y = torch.linear(torch.flatten(x, 1), self.w)\n"
                 "    a, b, = torch.chunk(torch.slice(y, 0, 0, 9223372036854775807), 2, 1)\n"
                 "    z = torch.unsqueeze(torch.slice(a, 1, 1, 3), 2)\n"
                 "    return torch.cat([torch.select(z, -1, -1), b], 1)\n"));
  const Model& model = std::get<Model>(read);
  EXPECT_EQ(types(read), (std::vector<std::string>{"Flatten", "Gemm", "Slice", "Slice", "Slice",
                                                   "Reshape", "Slice", "Flatten", "Concat"}));
  EXPECT_EQ(model.nodes[3].integers("starts", {}), (std::vector<int64_t>{5}));
  for (const char* body :
       {"    return torch.slice(torch.linear(torch.flatten(x, 1), self.w), 0, 1)\n",
        "    return torch.select(torch.flatten(x, 1), 0, 0)\n"}) {
    EXPECT_FALSE(std::holds_alternative<Model>(contents(dense_file(body)))) << body;
  }
}

TEST(TorchScript, AdaptiveMaximaComeWithTheirPlaces) {
  const FileContents read =
      contents(dense_file("    y, places, = torch.adaptive_max_pool2d(x, [14, 14])\n"
                          "    z = torch.cat([y, y, y, y], 1)\n"
                          "    return torch.linear(torch.flatten(z, 1), self.w)\n"));
  EXPECT_EQ(types(read), (std::vector<std::string>{"MaxPool", "Concat", "Flatten", "Gemm"}));
}

TEST(TorchScript, CodeThatIsNotFollowedLeavesTheWeights) {
  for (const char* body :
       {"    return torch.gru(x)\n",
        "    for i in range(3):\n"
        "      pass\n"
        "    return x\n",
        "    if torch.eq(torch.size(x, 0), 3):\n"
        "      pass\n"
        "    else:\n"
        "      pass\n"
        "    return x\n",
        "    return torch.linear(torch.view(x, [2, -1]), self.w)\n", "    return self.missing\n"}) {
    const FileContents read = contents(dense_file(body));
    EXPECT_EQ(std::get<LooseWeights>(read).tensors.size(), 1U) << body;
    EXPECT_THAT(std::get<LooseWeights>(read).metadata.at("pytorch.script"),
                HasSubstr("not followed: x: "));
  }
}

TEST(TorchScript, WhatHasNoMeaningIsRefused) {
  const auto refusal = [](const std::string& body, const std::string& more = "") {
    const std::string net = module_op("__torch__", "Net", {{"w", weight_op("0", {7})}});
    const std::string code =
        fmt::format("class Net(Module):\n  def forward(self, x):\n{}{}", body, more);
    return error_of([&] {
      contents(script_file(net, {{"__torch__.py", code}}, {{"data/0", values(7)}}));
    });
  };
  EXPECT_THAT(refusal("    return torch.stft(x)\n"),
              HasSubstr("x: TorchScript: function 'torch.stft' is not known"));
  EXPECT_THAT(refusal("    return torch.gru(x)\n"), HasSubstr("'gru': rows of features expected"));
  EXPECT_THAT(refusal("    return self.nothing\n"), HasSubstr("has no 'nothing'"));
  EXPECT_THAT(refusal("    return 3\n"), HasSubstr("gives back no activation"));
  EXPECT_THAT(refusal("    return (self).forward(x, )\n"), HasSubstr("calls within calls"));
  const std::string twice =
      "  def f(self, x):\n"
      "    _0 = (self).g(x, )\n    return (self).g(x, )\n";
  std::string many = twice;
  for (char name = 'g'; name < 'z'; ++name) {
    many +=
        fmt::format("  def {0}(self, x):\n    _0 = (self).{1}(x, )\n    return (self).{1}(x, )\n",
                    name, static_cast<char>(name + 1));
  }
  EXPECT_THAT(refusal("    return (self).f(x, )\n", many + "  def z(self, x):\n    return x\n"),
              HasSubstr("takes too long"));
  EXPECT_THAT(refusal("    return \"no end\n"),
              HasSubstr("x: __torch__.py: line 3: a text without"));
  EXPECT_THAT(refusal("    return )\n"), HasSubstr("a bracket that closes nothing"));
  EXPECT_THAT(refusal("   y = [" + std::string(100, '[') + "\n"), HasSubstr("line"));
  std::string chain = "    return x";
  for (int i = 0; i < 1'000; ++i) chain += ".a";
  EXPECT_THAT(refusal(chain + "\n"), HasSubstr("too long"));
  EXPECT_THAT(refusal("    return torch.relu(9999999999999999999999)\n"),
              HasSubstr("is no number"));
}

TEST(TorchScript, CodeCannotMakeMuchOfLittle) {
  std::string lists = "    a0 = [x, x]\n";
  for (int i = 1; i < 60; ++i) lists += fmt::format("    a{0} = [a{1}, a{1}]\n", i, i - 1);
  EXPECT_EQ(std::get<LooseWeights>(contents(dense_file(lists + "    return a59\n"))).tensors.size(),
            1U);
  std::string shallow = "    a = [x, x]\n";
  for (int i = 0; i < 200; ++i) shallow += "    b = [a, a, a, a]\n    a = b[0]\n";
  EXPECT_EQ(types(contents(
                dense_file(shallow + "    return torch.linear(torch.flatten(a[0], 1), self.w)\n"))),
            (std::vector<std::string>{"Flatten", "Gemm"}));
}

TEST(TorchScript, EveryTruncationOfTheCodeEnds) {
  const std::string code =
      "class Net(Module):\n"
      "  n : Final[int] = 3\n"
      "  def forward(self, x: Tensor=None) -> Tensor:\n"
      "    a, b, = ([1, -2], (3.5, ))\n"
      "    if True:\n"
      "      c = f(x, dim=1)\n"
      "    else:\n"
      "      pass\n"
      "    return c[0]\n";
  for (size_t length = 0; length <= code.size(); ++length) {
    ScriptFunctions functions;
    try {
      parse_script(code.substr(0, length), "m", "x", functions);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::StartsWith("x: line "));
    }
  }
  ScriptFunctions functions;
  parse_script(code, "m", "x", functions);
  ASSERT_TRUE(functions.contains("m.Net.forward"));
  EXPECT_EQ(functions.at("m.Net.forward").body.size(), 3U);
}

}  // namespace
}  // namespace mnist
