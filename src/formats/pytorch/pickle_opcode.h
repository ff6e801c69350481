// The operations of a pickle that are carried out; every other one is refused.
#pragma once

#include <cstdint>

namespace mnist {

// Python's Lib/pickletools.py describes them.
enum class PickleOpcode : uint8_t {
  kMark = '(',
  kStop = '.',
  kPop = '0',
  kPopMark = '1',
  kReduce = 'R',
  kBuild = 'b',
  kPersistentId = 'Q',
  kGlobal = 'c',
  kNone = 'N',
  kInteger = 'J',
  kInteger1 = 'K',
  kInteger2 = 'M',
  kReal = 'G',
  kText = 'X',
  kBytes = 'B',
  kShortBytes = 'C',
  kString = 'T',
  kShortString = 'U',
  kEmptyList = ']',
  kAppend = 'a',
  kAppends = 'e',
  kEmptyTuple = ')',
  kTuple = 't',
  kEmptyDict = '}',
  kSetItem = 's',
  kSetItems = 'u',
  kGet = 'h',
  kLongGet = 'j',
  kPut = 'q',
  kLongPut = 'r',
  kProtocol = 0x80,
  kNewObject = 0x81,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kTrue = 0x88,
  kFalse = 0x89,
  kLong1 = 0x8a,
  kLong4 = 0x8b,
  kShortText = 0x8c,
  kLongText = 0x8d,
  kLongBytes = 0x8e,
  kEmptySet = 0x8f,
  kAddItems = 0x90,
  kFrozenSet = 0x91,
  kStackGlobal = 0x93,
  kMemorise = 0x94,
  kFrame = 0x95,
  kByteArray = 0x96,
};

}  // namespace mnist
