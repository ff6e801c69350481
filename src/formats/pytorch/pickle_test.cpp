#include "formats/pytorch/pickle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/pytorch/test_pickle.h"
#include "formats/test_support.h"

namespace mnist {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Pickle read(const std::string& value, Bytes& bytes) {
  bytes = bytes_of(pickled(value));
  return read_pickle(bytes, "x");
}

std::string refusal(const std::string& value) {
  Bytes bytes;
  return error_of([&] { read(value, bytes); });
}

TEST(Pickle, NumbersAndTexts) {
  const auto one = [](const std::string& value) {
    static Bytes bytes;
    static Pickle pickle;
    pickle = read(value, bytes);
    return pickle.root->value;
  };
  EXPECT_EQ(std::get<int64_t>(one("K\xff")), 255);
  EXPECT_EQ(std::get<int64_t>(one(std::string("M\x01\x02", 3))), 513);
  EXPECT_EQ(std::get<int64_t>(one("J\xff\xff\xff\xff")), -1);
  EXPECT_EQ(std::get<int64_t>(one("\x8a\x01\x80")), -128);
  EXPECT_EQ(std::get<int64_t>(one(std::string("\x8a\x00", 2))), 0);
  EXPECT_EQ(std::get<int64_t>(one(integer_op(INT64_MIN))), INT64_MIN);
  EXPECT_EQ(
      std::get<PickleBigInteger>(one(std::string("\x8a\x09\0\0\0\0\0\0\0\0\1", 11))).bytes.size(),
      9U);
  EXPECT_EQ(std::get<double>(one(std::string("G\x3f\xf8\0\0\0\0\0\0", 9))), 1.5);
  EXPECT_EQ(std::get<PickleText>(one("U\x02hi")).text, "hi");
  EXPECT_EQ(std::get<PickleText>(one(text_op("there"))).text, "there");
  EXPECT_TRUE(std::get<bool>(one("\x88")));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(one("N")));
}

TEST(Pickle, ContainersAndTheMemo) {
  Bytes bytes;
  // {"a": [1, t], "b": t} with t = (2, 3) memorised
  const Pickle pickle = read(
      "}(U\x01"
      "a](K\x01K\x02K\x03\x86q\x07"
      "eU\x01"
      "bh\x07u",
      bytes);
  const auto& dict = std::get<PickleDict>(pickle.root->value);
  const auto& list = std::get<PickleList>(find_item(dict, "a")->value);
  ASSERT_EQ(list.items.size(), 2U);
  EXPECT_EQ(list.items[1], find_item(dict, "b"));
  EXPECT_EQ(find_item(dict, "c"), nullptr);
  EXPECT_EQ(pickle.size, bytes.size());
  EXPECT_EQ(pickle.foreign, "");
}

TEST(Pickle, CallsOfTheListBecomeValues) {
  Bytes bytes;
  const Pickle dict = read(global_op("collections", "OrderedDict") +
                               "](](U\x01"
                               "aK\x01"
                               "ee\x85R",
                           bytes);
  EXPECT_EQ(std::get<PickleDict>(dict.root->value).items.size(), 1U);
  const Pickle set = read(global_op("__builtin__", "set") +
                              "](K\x01K\x02"
                              "e\x85R",
                          bytes);
  EXPECT_EQ(std::get<PickleTuple>(set.root->value).items.size(), 2U);
  const Pickle tensor = read(tensor_op({}), bytes);
  EXPECT_EQ(std::get<PickleObject>(tensor.root->value).type, "torch._utils._rebuild_tensor_v2");
}

TEST(Pickle, ClassesOfOthersAreRecordsAndAreNamed) {
  Bytes bytes;
  const Pickle pickle = read(module_op("__main__", "Net", {{"x", "K\x01"}}), bytes);
  EXPECT_EQ(std::get<PickleObject>(pickle.root->value).type, "__main__.Net");
  EXPECT_EQ(pickle.foreign, "__main__.Net");
}

struct Named {
  const char* module;
  const char* name;
};

// What scanners of pickles look for, and what they overlooked.
constexpr Named kCalled[] = {{"torch", "load"},
                             {"torch.hub", "load"},
                             {"torch.jit", "load"},
                             {"torch.serialization", "load"},
                             {"torch.utils.collect_env", "run"},
                             {"torch._inductor.codecache", "compile_file"},
                             {"torch.fx.experimental.symbolic_shapes", "ShapeEnv.evaluate"},
                             {"torch.nn.modules.linear", "Linear"},
                             {"torch", "FloatStorage"},
                             {"numpy", "load"},
                             {"numpy.testing._private.utils", "runstring"},
                             {"numpy.f2py.crackfortran", "getlincoef"},
                             {"joblib", "load"},
                             {"dill", "loads"},
                             {"cloudpickle.cloudpickle", "loads"},
                             {"pandas", "read_pickle"},
                             {"sklearn.utils", "Bunch"},
                             {"bdb", "Bdb.run"},
                             {"cProfile", "runctx"},
                             {"doctest", "debug_script"},
                             {"ensurepip", "_run_pip"},
                             {"idlelib.pyshell", "ModifiedInterpreter.runcommand"},
                             {"lib2to3.pgen2.grammar", "Grammar.loads"},
                             {"http.client", "HTTPSConnection"},
                             {"urllib.request", "urlopen"},
                             {"requests.api", "get"},
                             {"pydoc", "pipepager"},
                             {"profile", "run"},
                             {"uuid", "_get_command_stdout"},
                             {"venv", "main"},
                             {"zipimport", "zipimporter"},
                             {"marshal", "loads"},
                             {"__main__", "anything"},
                             {"_codecs", "decode"},
                             {"collections", "namedtuple"},
                             {"", "x"}};

// Refused already where they are named.
constexpr Named kForbidden[] = {{"os", "system"},
                                {"os.path", "join"},
                                {"posix", "system"},
                                {"nt", "system"},
                                {"builtins", "eval"},
                                {"builtins", "exec"},
                                {"builtins", "getattr"},
                                {"__builtin__", "eval"},
                                {"__builtin__", "apply"},
                                {"subprocess", "Popen"},
                                {"sys", "modules"},
                                {"importlib", "import_module"},
                                {"runpy", "run_path"},
                                {"webbrowser", "open"},
                                {"socket", "socket"},
                                {"shutil", "rmtree"},
                                {"pty", "spawn"},
                                {"code", "interact"},
                                {"ctypes", "CDLL"},
                                {"operator", "attrgetter"},
                                {"functools", "partial"},
                                {"types", "CodeType"},
                                {"pickle", "loads"},
                                {"_pickle", "Unpickler"},
                                {"pip", "main"},
                                {"timeit", "timeit"},
                                {"asyncio", "create_subprocess_shell"},
                                {"commands", "getoutput"},
                                {"pdb", "run"}};

TEST(PickleAttacks, CallsAreRefusedByName) {
  for (const Named& named : kCalled) {
    const std::string words =
        fmt::format("pickle global '{}.{}' is not allowed", named.module, named.name);
    EXPECT_THAT(refusal(call_op(named.module, named.name, {text_op("true")})), HasSubstr(words));
    // Through the stack, as protocol 4 has it; and with the name from the memo.
    const std::string stacked = text_op(named.module) + text_op(named.name) + "\x93";
    EXPECT_THAT(refusal(stacked + text_op("true") + "\x85R"), HasSubstr(words));
    EXPECT_THAT(
        refusal(text_op(named.name) + "q\x01" + "0" + text_op(named.module) + "h\x01\x93)R"),
        HasSubstr(words));
  }
}

TEST(PickleAttacks, SomeNamesAreRefusedUncalled) {
  for (const Named& named : kForbidden) {
    const std::string words =
        fmt::format("pickle global '{}.{}' is not allowed", named.module, named.name);
    EXPECT_THAT(refusal(global_op(named.module, named.name)), HasSubstr(words));
    EXPECT_THAT(refusal(std::string("]") + text_op(named.module) + text_op(named.name) +
                        "\x93"
                        "a"),
                HasSubstr(words));
    EXPECT_THAT(refusal(tuple_op({text_op("module"), global_op(named.module, named.name)}) + "Q"),
                HasSubstr(words));
  }
  EXPECT_THAT(refusal("c os\nsystem\n)R"), HasSubstr("' os.system' is not allowed"));
  EXPECT_THAT(refusal(global_op("a\x1b[31m", "b") + ")R"), HasSubstr("'a\\x1b[31m.b'"));
}

TEST(PickleAttacks, ObjectsAreNeverCalled) {
  const std::string dict = ordered_dict_op();
  EXPECT_THAT(refusal(dict + ")R"), HasSubstr("a call of something that has no name"));
  EXPECT_THAT(refusal(tensor_op({}) + ")R"), HasSubstr("a call of something that has no name"));
  // A call whose result would be called.
  EXPECT_THAT(refusal(call_op("torch._utils", "_rebuild_parameter", {"K\x01"}) + "(K\x01tR"),
              HasSubstr("something that has no name"));
  EXPECT_THAT(refusal(module_op("__main__", "Net", {}) + ")R"), HasSubstr("has no name"));
  EXPECT_THAT(refusal(text_op("os.system") + ")R"), HasSubstr("has no name"));
  // Objects of what is no class, with arguments, or without a name.
  EXPECT_THAT(refusal(global_op("collections", "OrderedDict") + ")\x81"), HasSubstr("not allowed"));
  EXPECT_THAT(refusal(global_op("__main__", "Net") + "K\x01\x85\x81"),
              HasSubstr("pickle global '__main__.Net' is not allowed"));
  EXPECT_THAT(refusal(global_op("__main__", "Net") + "K\x01\x81"), HasSubstr("not allowed"));
  EXPECT_THAT(refusal("K\x01)\x81"), HasSubstr("an object of something that has no name"));
}

TEST(PickleAttacks, OperationsThatAreNotOnTheList) {
  for (const char* operation : {"ios\nsystem\n",
                                "(cos\nsystem\no",
                                "\x82\x01",
                                "\x83\x01\x02",
                                "\x84\x01\x02\x03\x04",
                                "\x92",
                                "Pid\n",
                                "I1\n",
                                "L1\n",
                                "F1.5\n",
                                "S'text'\n",
                                "Vtext\n",
                                "g1\n",
                                "p1\n",
                                "(l",
                                "(d",
                                "2",
                                "\x97",
                                "\x98",
                                "\xff"}) {
    EXPECT_THAT(refusal(operation), HasSubstr("not allowed")) << operation;
  }
  EXPECT_THAT(refusal("ios\nsystem\n"), HasSubstr("x: pickle: operation 0x69 is not allowed"));
}

TEST(PickleAttacks, TypesAreNotConfused) {
  EXPECT_THAT(refusal("}K\x01"
                      "a"),
              HasSubstr("something that is no list"));
  EXPECT_THAT(refusal("](K\x01K\x02u"), HasSubstr("something that is no dictionary"));
  EXPECT_THAT(refusal("}(K\x01u"), HasSubstr("a key without a value"));
  EXPECT_THAT(refusal("]}b"), HasSubstr("a state for something that takes none"));
  EXPECT_THAT(refusal("K\x01N"
                      "b"),
              HasSubstr("takes none"));
  EXPECT_THAT(refusal(module_op("__main__", "Net", {}) + "K\x01"
                                                         "a"),
              HasSubstr("no list"));
  EXPECT_THAT(refusal(global_op("collections", "OrderedDict") + "K\x01R"),
              HasSubstr("without a tuple of arguments"));
  EXPECT_THAT(refusal(call_op("collections", "OrderedDict", {"K\x01"})),
              HasSubstr("list of pairs"));
  EXPECT_THAT(refusal(call_op("collections", "OrderedDict",
                              {"](K\x01"
                               "e"})),
              HasSubstr("pairs"));
  EXPECT_THAT(refusal(call_op("builtins", "set", {"K\x01"})), HasSubstr("a list or a tuple"));
  EXPECT_THAT(refusal("K\x01K\x02\x93"), HasSubstr("a text expected"));
  for (const std::string& id :
       {std::string("K\x01"), std::string(")"), tuple_op({text_op("storage")}),
        tuple_op({text_op("other"), global_op("torch", "FloatStorage"), "K\x01", "K\x01", "K\x01"}),
        tuple_op({text_op("storage"), text_op("torch.FloatStorage"), "K\x01", "K\x01", "K\x01"}),
        tuple_op({text_op("storage"), global_op("torch", "load"), text_op("0"), "N", "K\x01"}),
        tuple_op(
            {text_op("storage"), global_op("torch", "FloatStorage"), text_op("0"), "N", "N"})}) {
    EXPECT_NE(refusal(id + "Q"), "");
  }
}

TEST(PickleAttacks, TheStackHoldsWhatItShould) {
  for (const char* value : {"",
                            "0",
                            "1",
                            "a",
                            "e",
                            "s",
                            "u",
                            "t",
                            "\x85",
                            "\x86",
                            "\x87",
                            "R",
                            "b",
                            "\x81",
                            "Q",
                            "q\x01",
                            "h\x01",
                            "j\x01\x01\x01\x01",
                            "K\x01K\x01",
                            "(",
                            "K\x01(0",
                            "K\x01(a",
                            "(K\x01"
                            "0"
                            "0",
                            "\x90",
                            "\x91",
                            "\x93",
                            "\x94"}) {
    EXPECT_THAT(refusal(value), StartsWith("x: ")) << value;
  }
}

TEST(PickleAttacks, NothingGrowsWithoutEnd) {
  EXPECT_THAT(refusal(std::string(200'000, ']')), HasSubstr("over 100000 values stacked"));
  EXPECT_THAT(refusal(std::string(200'000, '(')), HasSubstr("over 100000 marks"));
  std::string many;
  for (int i = 0; i < 400'000; ++i) many += "]0";
  EXPECT_THAT(refusal(many), HasSubstr("over 300000 values"));
  EXPECT_THAT(refusal(std::string("]r") + little(200'000, 4)),
              HasSubstr("over 100000 values memorised"));
  EXPECT_THAT(refusal(std::string("]r") + little(0xffffffff, 4)), HasSubstr("memorised"));
  EXPECT_THAT(refusal(std::string("X") + little(0xffffffff, 4)),
              HasSubstr("a text of 4294967295 bytes"));
  EXPECT_THAT(refusal(std::string("X") + little(1'000, 4)), HasSubstr("1000 bytes expected"));
  EXPECT_THAT(refusal(std::string("\x8b") + little(0x7fffffff, 4)), HasSubstr("an integer of"));
  EXPECT_THAT(refusal(std::string("c") + std::string(100'000, 'a')),
              HasSubstr("a name is too long"));
  // A list of 1000 values, made a set of 1000 times.
  std::string copies = std::string("](") + std::string(1'000, 'N') + "eq\x01";
  for (int i = 0; i < 1'000; ++i)
    copies += std::string("0") + global_op("builtins", "set") + "h\x01\x85R";
  EXPECT_THAT(refusal(copies), HasSubstr("over 300000 values"));
}

TEST(PickleAttacks, CirclesAndDepthsAreValuesLikeOthers) {
  Bytes bytes;
  const Pickle circle = read(
      "]q\x01h\x01"
      "a",
      bytes);
  EXPECT_EQ(std::get<PickleList>(circle.root->value).items[0], circle.root);
  const Pickle deep = read(std::string(90'000, ']') + std::string(89'999, 'a'), bytes);
  EXPECT_EQ(std::get<PickleList>(deep.root->value).items.size(), 1U);
}

TEST(PickleAttacks, EveryTruncationAndEveryFlippedBitIsRefusedOrSound) {
  const std::string object =
      dict_op({{"fc.weight", tensor_op({})}, {"n", "K\x01"}, {"o", module_op("a", "B", {})}});
  const Bytes good = bytes_of(pickled(object));
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_THROW(read_pickle({good.data(), length}, "x"), Error) << length;
  }
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bytes = good;
    bytes[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    try {
      EXPECT_LE(read_pickle(bytes, "x").size, bytes.size());
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), StartsWith("x: "));
    }
  }
}

}  // namespace
}  // namespace mnist
