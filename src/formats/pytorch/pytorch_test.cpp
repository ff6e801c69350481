#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/half.h"
#include "formats/format_list.h"
#include "formats/pytorch/test_pickle.h"
#include "formats/pytorch/torch_file.h"
#include "formats/pytorch/torch_weights.h"
#include "formats/recognise.h"
#include "formats/test_support.h"
#include "mnist/model_file.h"

namespace mnist {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

FileContents contents(const Bytes& bytes) {
  return format_by_name("pytorch").read({"x", bytes, nullptr});
}

LooseWeights weights(const Bytes& bytes) { return std::get<LooseWeights>(contents(bytes)); }

std::string refusal(const Bytes& bytes) {
  return error_of([&] { contents(bytes); });
}

std::vector<std::string> names(const LooseWeights& weights) {
  std::vector<std::string> result;
  for (const auto& [name, tensor] : weights.tensors) result.push_back(name);
  return result;
}

const Storages kFour = {{"0", floats({1, 2, 3, 4})}};

// A state dict of one tensor, as both containers have it.
std::vector<Bytes> both(const std::string& object, const Storages& storages, size_t width = 4) {
  return {zip_file(object, storages), pickle_file(object, storages, width)};
}

TEST(PyTorch, StateDictsOfBothContainers) {
  const std::string object = dict_op({{"a.weight", tensor_op({})}, {"note", text_op("hi")}});
  for (const Bytes& bytes : both(object, kFour)) {
    const LooseWeights read = weights(bytes);
    ASSERT_EQ(names(read), (std::vector<std::string>{"a.weight"}));
    EXPECT_EQ(read.tensors[0].second.shape, (Shape{2, 2}));
    EXPECT_EQ(read.tensors[0].second.values, (std::vector<float>{1, 2, 3, 4}));
  }
}

TEST(PyTorch, StridesAndOffsets) {
  const std::string six = floats({0, 1, 2, 3, 4, 5});
  const auto values = [&](const TensorParts& parts) {
    return weights(zip_file(dict_op({{"a", tensor_op(parts)}}), {{"0", six}}))
        .tensors[0]
        .second.values;
  };
  EXPECT_EQ(values({.count = 6, .shape = {2, 2}, .strides = {2, 1}, .offset = 2}),
            (std::vector<float>{2, 3, 4, 5}));
  EXPECT_EQ(values({.count = 6, .shape = {3, 2}, .strides = {1, 3}}),
            (std::vector<float>{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(values({.count = 6, .shape = {}, .strides = {}, .offset = 5}), (std::vector<float>{5}));
  EXPECT_EQ(values({.count = 6, .shape = {0, 9}, .strides = {9, 1}}), std::vector<float>());
  EXPECT_EQ(values({.count = 6, .shape = {1, 6}, .strides = {999, 1}}),
            (std::vector<float>{0, 1, 2, 3, 4, 5}));
}

TEST(PyTorch, TensorsThatLeadOutOfTheirStorageAreRefused) {
  const auto refused = [&](const TensorParts& parts) {
    return refusal(zip_file(dict_op({{"a", tensor_op(parts)}}), kFour));
  };
  EXPECT_THAT(refused({.offset = 1}), HasSubstr("x: tensor 'a': shape (2,2), strides (2,1) and "
                                                "offset 1 lead out of its storage of 4 values"));
  EXPECT_THAT(refused({.shape = {3, 2}}), HasSubstr("lead out"));
  EXPECT_THAT(refused({.strides = {INT64_MAX, 1}}), HasSubstr("lead out"));
  EXPECT_THAT(refused({.shape = {2, 2}, .strides = {1, INT64_MAX}, .offset = INT64_MAX}),
              HasSubstr("lead out"));
  EXPECT_THAT(refused({.strides = {-1, 1}}), HasSubstr("extents and strides of 0 and more"));
  EXPECT_THAT(refused({.shape = {-2, 2}}), HasSubstr("extents and strides of 0 and more"));
  EXPECT_THAT(refused({.offset = -1}), HasSubstr("an offset"));
  EXPECT_THAT(refused({.strides = {1}}), HasSubstr("a stride for each extent"));
  EXPECT_THAT(refused({.shape = {1'000'000, 2'000}, .strides = {0, 0}}),
              HasSubstr("values that lie on each other"));
  EXPECT_THAT(refused({.shape = {INT64_MAX, 4}, .strides = {0, 0}}), HasSubstr("more than 2^31"));
  EXPECT_THAT(refused({.count = 5}), HasSubstr("a storage of 5 values of 4 bytes, it has 16"));
  EXPECT_THAT(refused({.count = -1}), HasSubstr("a storage of -1 values"));
  EXPECT_THAT(refused({.count = INT64_MAX}), HasSubstr("a storage of"));
  EXPECT_THAT(refused({.key = "1"}), HasSubstr("its storage '1' is missing"));
  EXPECT_THAT(refused({.key = "../0"}), HasSubstr("is missing"));
  EXPECT_THAT(refused({.storage = "DoubleStorage"}), HasSubstr("4 values of 8 bytes"));
  EXPECT_THAT(refused({.shape = std::vector<int64_t>(9, 1), .strides = std::vector<int64_t>(9, 1)}),
              HasSubstr("at most 8 extents"));
}

TEST(PyTorch, ManyTensorsOnOneStorageTakeNoMoreThanTheFile) {
  std::vector<std::pair<std::string, std::string>> items;
  for (int i = 0; i < 1'000; ++i) {
    items.emplace_back(fmt::format("t{}", i),
                       tensor_op({.count = 65'536, .shape = {65'536}, .strides = {1}}));
  }
  const std::vector<float> values(65'536);
  EXPECT_THAT(refusal(zip_file(dict_op(items), {{"0", floats(values)}})),
              HasSubstr("values that lie on each other"));
}

TEST(PyTorch, FloatsOfEveryWidthAndNoIntegers) {
  const auto read = [](const std::string& type, const std::string& storage, size_t width) {
    std::vector<std::vector<float>> results;
    for (const Bytes& bytes :
         both(dict_op(
                  {{"a", tensor_op({.count = 2, .shape = {2}, .strides = {1}, .storage = type})},
                   {"b",
                    tensor_op(
                        {.key = "1", .count = 2, .shape = {2}, .strides = {1}, .storage = type})}}),
              {{"0", storage}, {"1", storage}}, width)) {
      results.push_back(weights(bytes).tensors[0].second.values);
    }
    EXPECT_EQ(results[0], results[1]);
    return results[0];
  };
  const std::vector<float> expected = {1.5F, -2.0F};
  std::string bf16;
  std::string f16;
  std::string f64;
  for (float value : expected) {
    bf16 += little(bf16_from_float(value), 2);
    f16 += little(f16_from_float(value), 2);
    f64 += little(std::bit_cast<uint64_t>(double{value}), 8);
  }
  EXPECT_EQ(read("FloatStorage", floats(expected), 4), expected);
  EXPECT_EQ(read("HalfStorage", f16, 2), expected);
  EXPECT_EQ(read("BFloat16Storage", bf16, 2), expected);
  EXPECT_EQ(read("DoubleStorage", f64, 8), expected);
  const std::string object = dict_op(
      {{"bn.num_batches_tracked",
        tensor_op({.key = "1", .count = 1, .shape = {}, .strides = {}, .storage = "LongStorage"})},
       {"a", tensor_op({})}});
  const LooseWeights with_counter =
      weights(zip_file(object, {{"0", floats({1, 2, 3, 4})}, {"1", little(7, 8)}}));
  EXPECT_EQ(names(with_counter), std::vector<std::string>{"a"});
}

TEST(PyTorch, StateDictsWithinCheckpoints) {
  const std::string state = dict_op({{"fc.weight", tensor_op({})}});
  const std::string optimizer =
      dict_op({{"state", dict_op({{"0", dict_op({{"exp_avg", tensor_op({})}})}})}});
  for (const char* key : {"state_dict", "model_state_dict", "model", "net", "params"}) {
    const Bytes bytes =
        zip_file(dict_op({{"epoch", "K\x03"}, {"optimizer", optimizer}, {key, state}}), kFour);
    EXPECT_EQ(names(weights(bytes)), std::vector<std::string>{"fc.weight"}) << key;
  }
  const Bytes twice = zip_file(dict_op({{"model", dict_op({{"state_dict", state}})}}), kFour);
  EXPECT_EQ(names(weights(twice)), std::vector<std::string>{"fc.weight"});
  // What training programs keep beside it are no weights.
  const std::string loss = tensor_op({.count = 1, .shape = {}, .strides = {}});
  const Bytes with_loss = zip_file(dict_op({{"model_state_dict", state}, {"loss", loss}}), kFour);
  EXPECT_EQ(names(weights(with_loss)), std::vector<std::string>{"fc.weight"});
  const Bytes history = zip_file(dict_op({{"model", state}, {"losses", tensor_op({})}}), kFour);
  EXPECT_EQ(names(weights(history)), std::vector<std::string>{"fc.weight"});
  const std::string adam = dict_op(
      {{"state", dict_op({{"0", dict_op({{"exp_avg", tensor_op({})}})}})}, {"param_groups", "]"}});
  const Bytes own_name =
      zip_file(dict_op({{"cnn", state}, {"optim", adam}, {"loss", loss}}), kFour);
  EXPECT_EQ(names(weights(own_name)), std::vector<std::string>{"fc.weight"});
  const Bytes two_parts =
      zip_file(dict_op({{"encoder", state}, {"head", state}, {"optim", adam}}), kFour);
  EXPECT_EQ(names(weights(two_parts)),
            (std::vector<std::string>{"encoder.fc.weight", "head.fc.weight"}));
  // Nothing of these names: tensors are looked for wherever they are.
  const Bytes nested = zip_file(dict_op({{"fc", dict_op({{"weight", tensor_op({})}})}}), kFour);
  EXPECT_EQ(names(weights(nested)), std::vector<std::string>{"fc.weight"});
  const Bytes list = zip_file(std::string("](") + tensor_op({}) + "e", kFour);
  EXPECT_EQ(names(weights(list)), std::vector<std::string>{"0"});
}

TEST(PyTorch, PrunedWeightsComeMasked) {
  const auto bytes = zip_file(
      dict_op({{"fc.weight_orig", tensor_op({})}, {"fc.weight_mask", tensor_op({.key = "1"})}}),
      {{"0", floats({1, 2, 3, 4})}, {"1", floats({1, 0, 0, 1})}});
  const LooseWeights read = weights(bytes);
  EXPECT_EQ(names(read), std::vector<std::string>{"fc.weight"});
  EXPECT_EQ(read.tensors[0].second.values, (std::vector<float>{1, 0, 0, 4}));
  const auto wrong = zip_file(
      dict_op({{"w_orig", tensor_op({})}, {"w_mask", tensor_op({.shape = {4}, .strides = {1}})}}),
      kFour);
  EXPECT_THAT(refusal(wrong), HasSubstr("tensor 'w_mask' (4) does not fit its weight (2,2)"));
}

// torch.nn.Linear(inputs, outputs) without a bias
std::string linear_op(const std::string& key, int64_t outputs, int64_t inputs) {
  const std::string weight = tensor_op(
      {.key = key, .count = outputs * inputs, .shape = {outputs, inputs}, .strides = {inputs, 1}});
  return module_op("torch.nn.modules.linear", "Linear",
                   {{"_parameters", dict_op({{"weight", weight}, {"bias", "N"}})},
                    {"_buffers", dict_op({})},
                    {"_modules", dict_op({})}});
}

std::string plain_op(const std::string& module, const std::string& name) {
  return module_op(
      module, name,
      {{"_parameters", dict_op({})}, {"_buffers", dict_op({})}, {"_modules", dict_op({})}});
}

std::string container_op(const std::string& module, const std::string& name,
                         const std::vector<std::pair<std::string, std::string>>& modules) {
  return module_op(
      module, name,
      {{"_parameters", dict_op({})}, {"_buffers", dict_op({})}, {"_modules", dict_op(modules)}});
}

const Storages kTwoLayers = {{"0", floats(std::vector<float>(3 * 784, 0.5F))},
                             {"1", floats(std::vector<float>(30, 0.25F))}};

TEST(PyTorch, ASequentialIsANetwork) {
  const std::string object = container_op("torch.nn.modules.container", "Sequential",
                                          {{"0", linear_op("0", 3, 784)},
                                           {"1", plain_op("torch.nn.modules.activation", "Tanh")},
                                           {"2", plain_op("torch.nn.modules.dropout", "Dropout")},
                                           {"3", linear_op("1", 10, 3)}});
  for (const Bytes& bytes : both(object, kTwoLayers)) {
    const Model model = std::get<Model>(contents(bytes));
    check_model(model);
    std::vector<std::string> types;
    for (const Node& node : model.nodes) types.push_back(node.type);
    EXPECT_EQ(types, (std::vector<std::string>{"Flatten", "Gemm", "Tanh", "Gemm"}));
    EXPECT_EQ(model.weight("3.weight").shape, (Shape{10, 3}));
  }
  // A class of its own that has no weights is most often what makes maps flat.
  const std::string with_view = container_op("torch.nn.modules.container", "Sequential",
                                             {{"view", plain_op("__main__", "View")},
                                              {"0", linear_op("0", 3, 784)},
                                              {"1", linear_op("1", 10, 3)}});
  EXPECT_EQ(names(weights(zip_file(with_view, kTwoLayers))),
            (std::vector<std::string>{"0.weight", "1.weight"}));
  // A layer that is not known is refused by its name.
  const std::string unknown = container_op(
      "torch.nn.modules.container", "Sequential",
      {{"0", linear_op("0", 3, 784)}, {"1", plain_op("torch.nn.modules.activation", "GLU")}});
  EXPECT_THAT(refusal(zip_file(unknown, kTwoLayers)),
              HasSubstr("x: layer '1': class 'torch.nn.modules.activation.GLU' is not known"));
}

TEST(PyTorch, LayersThatAreToldByTuples) {
  const std::string object = container_op(
      "torch.nn.modules.container", "Sequential",
      {{"0", module_op("torch.nn.modules.padding", "ZeroPad2d",
                       {{"padding", integers_op({1, 2, 3, 4})}, {"_modules", dict_op({})}})},
       {"1", module_op("torch.nn.modules.normalization", "LayerNorm",
                       {{"normalized_shape", integers_op({26, 26})}, {"_modules", dict_op({})}})},
       {"2", linear_op("0", 3, 784)}});
  const Bytes bytes = zip_file(object, kTwoLayers);
  TorchFile file(bytes, "x");
  const std::vector<Node> nodes = nodes_of_layers(contents_of_torch(file).layers, true, "x");
  ASSERT_EQ(nodes.size(), 3U);
  // PyTorch says left, right, top, bottom.
  EXPECT_EQ(nodes[0].integers("pads", {}), (std::vector<int64_t>{0, 0, 3, 1, 0, 0, 4, 2}));
  EXPECT_EQ(nodes[1].type, "LayerNormalization");
  EXPECT_EQ(nodes[1].integer("axis", 0), -2);
}

TEST(PyTorch, AModuleOfAnotherClassIsWeightsInTheirOrder) {
  const std::string net = container_op("__main__", "Net",
                                       {{"fc1", linear_op("0", 3, 784)},
                                        {"act", plain_op("torch.nn.modules.activation", "Sigmoid")},
                                        {"fc2", linear_op("1", 10, 3)}});
  // Also within a dictionary, and named by the pickle's own way for modules.
  for (const std::string& object : {net, dict_op({{"model", net}, {"epoch", "K\x01"}})}) {
    const LooseWeights read = weights(zip_file(object, kTwoLayers));
    EXPECT_EQ(names(read), (std::vector<std::string>{"fc1.weight", "fc2.weight"}));
    ASSERT_EQ(read.layers.size(), 3U);
    EXPECT_EQ(read.layers[1].type, "Sigmoid");
    // The layers in their order are what comes to mind first.
    EXPECT_EQ(recognise(read, "x")[0].metadata.at(kRecognisedKey), "FC3-sigmoid-FC10");
  }
}

TEST(PyTorch, ClassesAreForWholeModulesOnly) {
  const std::string object =
      dict_op({{"fc.weight", tensor_op({})}, {"config", module_op("__main__", "Config", {})}});
  for (const Bytes& bytes : both(object, kFour)) {
    EXPECT_EQ(refusal(bytes), "x: pickle global '__main__.Config' is not allowed");
  }
  const std::string harmless =
      dict_op({{"fc.weight", tensor_op({})}, {"args", module_op("argparse", "Namespace", {})}});
  EXPECT_EQ(names(weights(zip_file(harmless, kFour))), std::vector<std::string>{"fc.weight"});
}

TEST(PyTorch, AttacksAreRefusedByNameInBothContainers) {
  const std::string attack = call_op("os", "system", {text_op("true")});
  for (const std::string& object :
       {attack, dict_op({{"fc.weight", tensor_op({})}, {"x", attack}}),
        container_op("__main__", "Net", {{"fc", linear_op("0", 3, 784)}, {"x", attack}})}) {
    for (const Bytes& bytes : both(object, kTwoLayers)) {
      EXPECT_THAT(refusal(bytes), HasSubstr("pickle global 'os.system' is not allowed"));
    }
  }
  // In the small pickles around the object.
  const std::string text = pickled(attack);
  EXPECT_THAT(refusal(bytes_of(text)), HasSubstr("pickle global 'os.system' is not allowed"));
  EXPECT_THAT(
      refusal(bytes_of(pickled(module_op("sklearn.svm", "SVC", {})))),
      HasSubstr("pickle global 'sklearn.svm.SVC' is not allowed: a pickle that torch.save"));
  EXPECT_THAT(refusal(bytes_of(pickled("K\x01"))), HasSubstr("that torch.save did not write"));
  EXPECT_THAT(refusal(bytes_of("././@LongLink")), HasSubstr("save it again with PyTorch 1.6"));
}

TEST(PyTorch, MeaningsThatGrowWithoutEndAreRefused) {
  // 2^40 tensors: each dictionary has the one before it twice.
  std::string object = dict_op({{"w", tensor_op({})}}) + "q\x01";
  std::string modules = container_op("__main__", "Net", {{"fc", linear_op("0", 3, 784)}}) + "q\x01";
  for (int i = 0; i < 40; ++i) {
    object += std::string("0") + dict_op({{"a", "h\x01"}, {"b", "h\x01"}}) + "q\x01";
    modules += std::string("0") +
               container_op("__main__", "Net", {{"a", "h\x01"}, {"b", "h\x01"}}) + "q\x01";
  }
  EXPECT_NE(refusal(zip_file(object, kFour)), "");
  EXPECT_NE(refusal(zip_file(modules, kTwoLayers)), "");
  EXPECT_THAT(refusal(zip_file(std::string(90'000, ']') + std::string(89'999, 'a'), kFour)),
              HasSubstr("more than 32 levels"));
  EXPECT_THAT(refusal(zip_file("]q\x01h\x01"
                               "a",
                               kFour)),
              HasSubstr("more than 32 levels"));
  EXPECT_THAT(refusal(zip_file(tensor_op({}), kFour)), HasSubstr("no weights"));
  EXPECT_THAT(refusal(zip_file("}", kFour)), HasSubstr("no weights"));
  EXPECT_THAT(refusal(zip_file(dict_op({{"a", tensor_op({})}, {"a", tensor_op({})}}), kFour)),
              HasSubstr("two tensors are called 'a'"));
}

TEST(PyTorch, ArchivesThatAreNotPyTorchs) {
  const auto archive = [](const Storages& files) {
    MemorySink sink;
    ZipWriter zip(sink);
    for (const auto& [name, content] : files) zip.add(name, content);
    zip.finish();
    return refusal(sink.bytes);
  };
  const std::string state = pickled(dict_op({{"a", tensor_op({})}}));
  const std::string four = floats({1, 2, 3, 4});
  EXPECT_THAT(archive({{"a/data.pkl", state}}), HasSubstr("its storage '0' is missing"));
  EXPECT_THAT(archive({{"a/version", "3"}}), HasSubstr("a zip archive without 'a/data.pkl'"));
  EXPECT_THAT(archive({{"data.pkl", state}}), HasSubstr("one folder with everything in it"));
  EXPECT_THAT(archive({{"a/data.pkl", state}, {"b/data/0", four}}), HasSubstr("entry 'b/data/0'"));
  EXPECT_THAT(archive({{"a/data.pkl", state}, {"a/byteorder", "big"}, {"a/data/0", four}}),
              HasSubstr("byte order 'little' expected, got 'big'"));
  Bytes bytes = zip_file(dict_op({{"a", tensor_op({})}}), kFour);
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  bytes[text.find(four)] ^= std::byte{1};
  EXPECT_THAT(refusal(bytes), HasSubstr("entry 'archive/data/0' is damaged: its CRC does not fit"));
}

TEST(PyTorch, OlderFilesThatLieAreRefused) {
  const std::string state = dict_op({{"a", tensor_op({})}});
  const auto changed = [&](const std::string& from, const std::string& to) {
    const Bytes bytes = pickle_file(state, kFour);
    std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    text.replace(text.find(from), from.size(), to);
    return refusal(bytes_of(text));
  };
  EXPECT_THAT(changed("M\xe9\x03.", "M\xea\x03."), HasSubstr("protocol 1001 expected"));
  EXPECT_THAT(changed("little_endian\x88", "little_endian\x89"), HasSubstr("big-endian"));
  const std::string count = little(4, 8) + floats({1});
  EXPECT_THAT(changed(count, little(5, 8) + floats({1})), HasSubstr("another count"));
  Bytes bytes = pickle_file(state, kFour);
  bytes.push_back(std::byte{0});
  EXPECT_THAT(refusal(bytes), HasSubstr("bytes after the last storage"));
  EXPECT_THAT(refusal(pickle_file(state, {{"7", "abcd"}})), HasSubstr("nothing refers to"));
  EXPECT_THAT(refusal(pickle_file(state, {{"0", kFour[0].second}, {"0", kFour[0].second}})),
              HasSubstr("comes twice"));
  EXPECT_THAT(refusal(pickle_file(state, {})), HasSubstr("its storage '0' is missing"));
}

TEST(PyTorch, EveryTruncationAndEveryFlippedBit) {
  const std::string object = dict_op({{"fc.weight", tensor_op({})}});
  for (const Bytes& good : both(object, kFour)) {
    for (size_t length = 0; length < good.size(); ++length) {
      const Bytes bytes(good.begin(), good.begin() + static_cast<ptrdiff_t>(length));
      EXPECT_NE(refusal(bytes), "") << length;
    }
    for (size_t bit = 0; bit < good.size() * 8; ++bit) {
      Bytes bytes = good;
      bytes[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
      try {
        contents(bytes);
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), StartsWith("x: "));
      }
    }
  }
}

TEST(PyTorch, TheFirstTorchScript) {
  const auto script = [](const std::string& model) {
    MemorySink sink;
    ZipWriter zip(sink, 64);
    zip.add("net/version", "1\n");
    zip.add("net/code/net.py", "def forward");
    zip.add("net/tensors/0", floats({1, 2, 3, 4}));
    zip.add("net/tensors/1", little(7, 8));
    zip.add("net/model.json", model);
    zip.finish();
    return sink.bytes;
  };
  const std::string tensors =
      R"("tensors":[{"dims":["2","2"],"strides":["2","1"],"dataType":"FLOAT",)"
      R"("data":{"key":"tensors/0"}},{"dataType":"INT64","data":{"key":"tensors/1"}}])";
  const std::string modules =
      R"("mainModule":{"name":"net","submodules":[{"name":"fc","parameters":[{"name":"weight"},)"
      R"({"name":"num_batches_tracked","tensorId":"1","isBuffer":true}]}]})";
  const Bytes good = script(std::string("{") + modules + "," + tensors + "}");
  EXPECT_TRUE(format_by_name("pytorch").recognises(good));
  const LooseWeights read = weights(good);
  ASSERT_EQ(names(read), std::vector<std::string>{"fc.weight"});
  EXPECT_EQ(read.tensors[0].second.values, (std::vector<float>{1, 2, 3, 4}));
  const auto refused = [&](const std::string& from, const std::string& to) {
    std::string text = std::string("{") + modules + "," + tensors + "}";
    return refusal(script(text.replace(text.find(from), from.size(), to)));
  };
  EXPECT_THAT(refused("tensors/0", "tensors/9"), HasSubstr("'net/tensors/9' is missing"));
  EXPECT_THAT(refused("tensors/0", "../x"), HasSubstr("is missing"));
  EXPECT_THAT(refused(R"("2","2")", R"("2","3")"), HasSubstr("lead out of its storage"));
  EXPECT_THAT(refused(R"("2","2")", R"("2","-2")"), HasSubstr("of 0 and more"));
  EXPECT_THAT(refused(R"("2","2")", R"("2","x")"), HasSubstr("an integer expected"));
  EXPECT_THAT(refused(R"("tensorId":"1")", R"("tensorId":"2")"), HasSubstr("there is no tensor 2"));
  EXPECT_THAT(refused(R"("tensorId":"1")", R"("tensorId":"-1")"), HasSubstr("there is no tensor"));
  EXPECT_THAT(refused("submodules", "others"), HasSubstr("a module without weights"));
}

TEST(PyTorch, WhatIsWrittenComesBack) {
  for (const std::string& name : architecture_names()) {
    const Model model = random_model(name);
    MemorySink sink;
    format_by_name("pytorch").write(model, {}, sink);
    const Model read = read_model(sink.bytes, "x");
    EXPECT_EQ(read.architecture, name);
    expect_same_values(read, model);
    EXPECT_TRUE(format_by_name("pytorch").recognises(sink.bytes));
  }
  // A dense layer that keeps its weight as (in,out) gets it as PyTorch's has it.
  Model model = random_model("mnist-fc");
  for (Node& node : model.nodes) node.attributes.erase("transB");
  for (const char* weight : {"fc1.weight", "fc2.weight"}) {
    std::swap(model.weights[weight].shape[0], model.weights[weight].shape[1]);
  }
  MemorySink sink;
  format_by_name("pytorch").write(model, {}, sink);
  const Model turned = read_model(sink.bytes, "x");
  EXPECT_EQ(turned.weight("fc1.weight").shape, (Shape{500, 784}));
  EXPECT_EQ(turned.weight("fc1.weight").values[784], model.weight("fc1.weight").values[1]);
  expect_same_values(read_model(sink.bytes, "x", {&model}), model);
}

TEST(PyTorch, WeightsOfAnyLayerComeBackByTheirNames) {
  Model model;
  model.input_shape = {2};
  model.weights = {{"fc/kernel", {{2, 3}, {1, 2, 3, 4, 5, 6}}},
                   {"norm/gamma", {{3}, {1, 2, 3}}},
                   {"norm/beta", {{3}, {4, 5, 6}}}};
  model.nodes = {{"Gemm", "fc", {"input", "fc/kernel"}, {"fc"}, {}},
                 {"LayerNormalization",
                  "norm",
                  {"fc", "norm/gamma", "norm/beta"},
                  {"norm"},
                  {{"axis", int64_t{-1}}}}};
  model.output = "norm";
  const Model again = read_back(model, model_bytes(model, "x.pt"), "x.pt");
  EXPECT_EQ(again.weight("fc/kernel").values, model.weight("fc/kernel").values);
  EXPECT_EQ(again.weight("norm/beta").values, model.weight("norm/beta").values);
}

TEST(PyTorch, FilesOfOthers) {
  for (const char* name : {"ahraza.pt", "irony-admm.pt", "michaelliao.pth", "yan12125.pth",
                           "yliess86.pt", "00arun00-lenet.pth", "joeylical-params-prune.pkl"}) {
    const auto path = outside_file("MNIST_ZOO_DIR", std::string("pytorch/") + name);
    if (!path) GTEST_SKIP() << "MNIST_ZOO_DIR is not set";
    EXPECT_GE(weights(read_file(*path)).tensors.size(), 6U) << name;
  }
}

}  // namespace
}  // namespace mnist
