#include "formats/pytorch/pickle.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/text.h"
#include "formats/pytorch/characters.h"
#include "formats/pytorch/pickle_globals.h"
#include "formats/pytorch/pickle_opcode.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr size_t kMostValues = 300'000;
constexpr size_t kMostStacked = 100'000;
constexpr size_t kMostMemorised = 100'000;
constexpr uint64_t kLongestText = 1 << 30;
constexpr size_t kLongestName = 512;

class Machine {
 public:
  Machine(std::span<const std::byte> bytes, const std::string& who) : reader_(bytes, who) {}

  Pickle run() {
    while (step()) {
    }
    if (stack_.size() != 1 || !marks_.empty()) fail("the stack does not hold one value at the end");
    pickle_.root = stack_[0];
    pickle_.size = reader_.position();
    return std::move(pickle_);
  }

 private:
  [[noreturn]] void fail(std::string_view reason) const {
    reader_.fail(fmt::format("pickle: {}", reason));
  }

  // ---- the stack ----

  template <typename T>
  PickleValue* push_new(T value) {
    if (pickle_.values.size() == kMostValues) fail(fmt::format("over {} values", kMostValues));
    pickle_.values.push_back({std::move(value)});
    push(&pickle_.values.back());
    return &pickle_.values.back();
  }

  void push(PickleValue* value) {
    if (stack_.size() == kMostStacked) fail(fmt::format("over {} values stacked", kMostStacked));
    stack_.push_back(value);
  }

  PickleValue* pop() {
    if (stack_.size() <= floor()) fail("the stack is empty");
    PickleValue* value = stack_.back();
    stack_.pop_back();
    return value;
  }

  PickleValue* top() const {
    if (stack_.size() <= floor()) fail("the stack is empty");
    return stack_.back();
  }

  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  // The values above the last mark, which goes with them.
  std::vector<PickleRef> pop_to_mark() {
    if (marks_.empty()) fail("no mark is set");
    const auto first = stack_.begin() + static_cast<ptrdiff_t>(marks_.back());
    std::vector<PickleRef> values(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return values;
  }

  void push_tuple(size_t count) {
    std::vector<PickleRef> items(count);
    for (size_t i = count; i-- > 0;) items[i] = pop();
    push_new(PickleTuple{std::move(items)});
  }

  // ---- the memo ----

  void put(uint64_t index) {
    if (index >= kMostMemorised) fail(fmt::format("over {} values memorised", kMostMemorised));
    if (memo_.size() <= index) memo_.resize(index + 1);
    memo_[index] = top();
  }

  void get(uint64_t index) {
    if (index >= memo_.size() || memo_[index] == nullptr) {
      fail(fmt::format("value {} was never memorised", index));
    }
    push(memo_[index]);
  }

  // ---- numbers and texts ----

  void push_text(uint64_t length) {
    if (length > kLongestText) {
      fail(fmt::format("a text of {} bytes, at most {} are accepted", length, kLongestText));
    }
    push_new(PickleText{reader_.text(length, "text")});
  }

  // How pickles of Python 2's protocols hold bytes: as text whose characters are the bytes.
  void push_bytes(std::string_view text) {
    if (is_ascii(text)) {
      push_new(PickleText{text});
      return;
    }
    decoded_ += text.size();
    if (decoded_ > reader_.position()) fail("one text as bytes several times");
    std::optional<std::string> bytes = bytes_of_characters(text);
    if (!bytes) fail("_codecs.encode of a text that is no bytes");
    pickle_.decoded.push_back(*std::move(bytes));
    push_new(PickleText{pickle_.decoded.back()});
  }

  void push_long(uint64_t length) {
    if (length > 1'000) fail(fmt::format("an integer of {} bytes", length));
    const std::string_view bytes = reader_.text(length, "integer");
    if (length > 8) {
      push_new(PickleBigInteger{bytes});
      return;
    }
    uint64_t value = length != 0 && (bytes.back() & 0x80) != 0 ? ~uint64_t{0} : 0;
    for (size_t i = length; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    push_new(static_cast<int64_t>(value));
  }

  std::string_view line() {
    const size_t start = reader_.position();
    while (reader_.little<char>("name") != '\n') {
      if (reader_.position() - start > kLongestName) fail("a name is too long");
    }
    const size_t length = reader_.position() - start - 1;
    reader_.seek(start, "name");
    const std::string_view text = reader_.text(length, "name");
    reader_.take(1, "name");
    return text;
  }

  std::string_view text_of(PickleRef value) const {
    const auto* text = value->as<PickleText>();
    if (text == nullptr) fail("a text expected");
    return text->text;
  }

  // ---- names and calls ----

  [[noreturn]] void refuse(std::string_view global) const {
    if (global == "torch._utils._rebuild_qtensor") {
      fail(
          "quantised tensors are not supported: save the model before it is quantised, or export "
          "it as ONNX");
    }
    fail(fmt::format("pickle global '{}' is not allowed", printable(global, 120)));
  }

  void push_global(std::string_view module, std::string_view name) {
    if (module.size() + name.size() > kLongestName) fail("a name is too long");
    std::string global = fmt::format("{}.{}", module, name);
    const GlobalKind kind = kind_of_global(global);
    if (kind == GlobalKind::kForbidden) refuse(global);
    if (kind == GlobalKind::kOther && pickle_.foreign.empty()) pickle_.foreign = global;
    push_new(PickleGlobal{std::move(global)});
  }

  const std::string& global_of(PickleRef value, std::string_view what) const {
    const auto* global = value->as<PickleGlobal>();
    if (global == nullptr) fail(fmt::format("{} of something that has no name", what));
    return global->name;
  }

  void reduce() {
    const PickleRef arguments = pop();
    const std::string& function = global_of(pop(), "a call");
    const auto* tuple = arguments->as<PickleTuple>();
    if (tuple == nullptr) fail("a call without a tuple of arguments");
    switch (kind_of_global(function)) {
      case GlobalKind::kDict:
        push_new(dict_of(tuple->items));
        return;
      case GlobalKind::kSequence:
        push_sequence(tuple->items);
        return;
      case GlobalKind::kEncode:
        if (tuple->items.empty()) fail("_codecs.encode of nothing");
        push_bytes(text_of(tuple->items[0]));
        return;
      case GlobalKind::kFunction:
        push_new(PickleObject{function, arguments});
        return;
      default:
        refuse(function);
    }
  }

  // OrderedDict(), OrderedDict([[key, value], ...])
  PickleDict dict_of(const std::vector<PickleRef>& arguments) {
    PickleDict dict;
    if (arguments.empty()) return dict;
    if (const auto* other = arguments[0]->as<PickleDict>()) {
      count_copies(other->items.size());
      return *other;
    }
    const auto* pairs = arguments[0]->as<PickleList>();
    if (pairs == nullptr) fail("a dictionary is made of a list of pairs");
    count_copies(pairs->items.size());
    for (PickleRef pair : pairs->items) {
      const std::vector<PickleRef>* items = items_of(pair);
      if (items == nullptr || items->size() != 2) fail("a dictionary is made of a list of pairs");
      dict.items.emplace_back((*items)[0], (*items)[1]);
    }
    return dict;
  }

  // Copies of what is in the memo are all that can grow faster than the pickle is long.
  void count_copies(size_t count) {
    copied_ += count;
    if (copied_ > kMostValues) fail(fmt::format("over {} values", kMostValues));
  }

  static const std::vector<PickleRef>* items_of(PickleRef value) {
    if (const auto* list = value->as<PickleList>()) return &list->items;
    if (const auto* tuple = value->as<PickleTuple>()) return &tuple->items;
    return nullptr;
  }

  void push_sequence(const std::vector<PickleRef>& arguments) {
    std::vector<PickleRef> items;
    if (!arguments.empty()) {
      const std::vector<PickleRef>* given = items_of(arguments[0]);
      if (given == nullptr) fail("a sequence is made of a list or a tuple");
      count_copies(given->size());
      items = *given;
    }
    push_new(PickleTuple{std::move(items)});
  }

  void new_object() {
    const PickleRef arguments = pop();
    const std::string& type = global_of(pop(), "an object");
    const auto* tuple = arguments->as<PickleTuple>();
    const GlobalKind kind = kind_of_global(type);
    const bool is_class = kind == GlobalKind::kOther || kind == GlobalKind::kHarmless;
    if (tuple == nullptr || !tuple->items.empty() || !is_class) refuse(type);
    push_new(PickleObject{type, arguments});
  }

  void build() {
    const PickleRef state = pop();
    PickleValue* target = top();
    if (auto* object = std::get_if<PickleObject>(&target->value)) {
      object->state = state;
    } else if (target->as<PickleDict>() == nullptr) {  // an OrderedDict's own attributes
      fail("a state for something that takes none");
    }
  }

  // ("storage", type, key, location, count, view) or ("module", class, file, source)
  void persistent() {
    const PickleRef id = pop();
    const auto* tuple = id->as<PickleTuple>();
    if (tuple == nullptr || tuple->items.size() < 2) fail("a persistent id of an unknown kind");
    const std::vector<PickleRef>& items = tuple->items;
    const std::string_view kind = text_of(items[0]);
    const std::string& type = global_of(items[1], "a persistent id");
    if (kind == "module") {
      push_new(PickleGlobal{type});
      return;
    }
    if (kind != "storage" || items.size() < 5) fail("a persistent id of an unknown kind");
    if (kind_of_global(type) != GlobalKind::kStorage) refuse(type);
    const auto* count = items[4]->as<int64_t>();
    if (count == nullptr) fail("a storage without a count");
    if (items.size() > 5 && items[5]->as<std::monostate>() == nullptr) {
      fail("a storage that is a view of another (torch < 0.4) is not supported: save it again");
    }
    push_new(PickleStorage{type, text_of(items[2]), *count});
  }

  // ---- containers ----

  void append(const std::vector<PickleRef>& values) {
    auto* list = std::get_if<PickleList>(&top()->value);
    if (list == nullptr) fail("values for something that is no list");
    list->items.insert(list->items.end(), values.begin(), values.end());
  }

  void set_items(const std::vector<PickleRef>& values) {
    auto* dict = std::get_if<PickleDict>(&top()->value);
    if (dict == nullptr) fail("items for something that is no dictionary");
    if (values.size() % 2 != 0) fail("a key without a value");
    for (size_t i = 0; i < values.size(); i += 2)
      dict->items.emplace_back(values[i], values[i + 1]);
  }

  // ---- one operation; false at the end ----

  bool step();
  bool step_value(PickleOpcode opcode);
  bool step_container(PickleOpcode opcode);

  ByteReader reader_;
  Pickle pickle_;
  std::vector<PickleValue*> stack_;
  std::vector<size_t> marks_;
  std::vector<PickleValue*> memo_;
  uint64_t next_memo_ = 0;
  size_t copied_ = 0;
  size_t decoded_ = 0;  // bytes of texts
};

// Numbers, texts and names; false for another operation.
bool Machine::step_value(PickleOpcode opcode) {
  switch (opcode) {
    case PickleOpcode::kNone:
      push_new(std::monostate());
      return true;
    case PickleOpcode::kTrue:
    case PickleOpcode::kFalse:
      push_new(opcode == PickleOpcode::kTrue);
      return true;
    case PickleOpcode::kInteger:
      push_new(int64_t{reader_.little<int32_t>("integer")});
      return true;
    case PickleOpcode::kInteger1:
      push_new(int64_t{reader_.little<uint8_t>("integer")});
      return true;
    case PickleOpcode::kInteger2:
      push_new(int64_t{reader_.little<uint16_t>("integer")});
      return true;
    case PickleOpcode::kLong1:
      push_long(reader_.little<uint8_t>("length"));
      return true;
    case PickleOpcode::kLong4:
      push_long(reader_.little<uint32_t>("length"));
      return true;
    case PickleOpcode::kReal:
      push_new(reader_.big<double>("number"));
      return true;
    case PickleOpcode::kShortString:
    case PickleOpcode::kShortBytes:
    case PickleOpcode::kShortText:
      push_text(reader_.little<uint8_t>("length"));
      return true;
    case PickleOpcode::kText:
    case PickleOpcode::kBytes:
    case PickleOpcode::kString:
      push_text(reader_.little<uint32_t>("length"));
      return true;
    case PickleOpcode::kLongText:
    case PickleOpcode::kLongBytes:
    case PickleOpcode::kByteArray:
      push_text(reader_.little<uint64_t>("length"));
      return true;
    case PickleOpcode::kGlobal: {
      const std::string_view module = line();
      push_global(module, line());
      return true;
    }
    case PickleOpcode::kStackGlobal: {
      const std::string_view name = text_of(pop());
      push_global(text_of(pop()), name);
      return true;
    }
    default:
      return false;
  }
}

// Lists, tuples, dictionaries and the memo; false for another operation.
bool Machine::step_container(PickleOpcode opcode) {
  switch (opcode) {
    case PickleOpcode::kEmptyList:
    case PickleOpcode::kEmptySet:
      push_new(PickleList());
      return true;
    case PickleOpcode::kEmptyDict:
      push_new(PickleDict());
      return true;
    case PickleOpcode::kEmptyTuple:
      push_tuple(0);
      return true;
    case PickleOpcode::kTuple1:
      push_tuple(1);
      return true;
    case PickleOpcode::kTuple2:
      push_tuple(2);
      return true;
    case PickleOpcode::kTuple3:
      push_tuple(3);
      return true;
    case PickleOpcode::kTuple:
      push_new(PickleTuple{pop_to_mark()});
      return true;
    case PickleOpcode::kFrozenSet:
      push_new(PickleList{pop_to_mark()});
      return true;
    case PickleOpcode::kAppend: {
      const PickleRef value = pop();
      append({value});
      return true;
    }
    case PickleOpcode::kAppends:
    case PickleOpcode::kAddItems:
      append(pop_to_mark());
      return true;
    case PickleOpcode::kSetItem: {
      const PickleRef value = pop();
      const PickleRef key = pop();
      set_items({key, value});
      return true;
    }
    case PickleOpcode::kSetItems:
      set_items(pop_to_mark());
      return true;
    case PickleOpcode::kPut:
      put(reader_.little<uint8_t>("index"));
      return true;
    case PickleOpcode::kLongPut:
      put(reader_.little<uint32_t>("index"));
      return true;
    case PickleOpcode::kMemorise:
      put(next_memo_++);
      return true;
    case PickleOpcode::kGet:
      get(reader_.little<uint8_t>("index"));
      return true;
    case PickleOpcode::kLongGet:
      get(reader_.little<uint32_t>("index"));
      return true;
    default:
      return false;
  }
}

bool Machine::step() {
  const auto opcode = static_cast<PickleOpcode>(reader_.little<uint8_t>("pickle"));
  if (step_value(opcode) || step_container(opcode)) return true;
  switch (opcode) {
    case PickleOpcode::kStop:
      return false;
    case PickleOpcode::kProtocol:
      if (reader_.little<uint8_t>("protocol") > 5) fail("a protocol over 5");
      return true;
    case PickleOpcode::kFrame:
      reader_.take(8, "frame");
      return true;
    case PickleOpcode::kMark:
      if (marks_.size() == kMostStacked) fail(fmt::format("over {} marks", kMostStacked));
      marks_.push_back(stack_.size());
      return true;
    case PickleOpcode::kPop:
      pop();
      return true;
    case PickleOpcode::kPopMark:
      pop_to_mark();
      return true;
    case PickleOpcode::kReduce:
      reduce();
      return true;
    case PickleOpcode::kNewObject:
      new_object();
      return true;
    case PickleOpcode::kBuild:
      build();
      return true;
    case PickleOpcode::kPersistentId:
      persistent();
      return true;
    default:
      fail(fmt::format("operation 0x{:02x} is not allowed", static_cast<uint8_t>(opcode)));
  }
}

}  // namespace

Pickle read_pickle(std::span<const std::byte> bytes, const std::string& who) {
  return Machine(bytes, who).run();
}

PickleRef find_item(const PickleDict& dict, std::string_view key) {
  for (const auto& [name, value] : dict.items) {
    const auto* text = name->as<PickleText>();
    if (text != nullptr && text->text == key) return value;
  }
  return nullptr;
}

}  // namespace mnist
