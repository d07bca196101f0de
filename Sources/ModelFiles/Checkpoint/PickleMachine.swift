// A restricted pickle machine: it builds tensors' descriptions, dictionaries, lists, tuples, strings and numbers, and
// nothing else. No code is ever looked up or run; a reference to anything else is an error that names it.
// All containers live in arrays of the machine and refer to each other by index: cycles and depth cost nothing. Their
// number is limited, so that a pickle takes up little more memory than the largest real one.
// Source: CPython Lib/pickletools.py (protocols 2 to 5); torch/_utils.py for the meaning of the references.

import Files

/// A value on the machine's stack.
enum PickleValue: Equatable {
  case none
  case bool(Bool)
  case int(Int)
  case float(Double)
  case string(String)
  case bytes
  /// Indices into the machine's arrays.
  case list(Int)
  case tuple(Int)
  case dict(Int)
  case storage(Int)
  case tensor(Int)
  case global(PickleGlobal)
}

/// What a pickled checkpoint may refer to.
enum PickleGlobal: Equatable {
  case orderedDict, rebuildTensor, rebuildParameter
  case storage(ElementType)

  init?(module: String, name: String) {
    switch (module, name) {
    case ("collections", "OrderedDict"): self = .orderedDict
    case ("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_tensor"): self = .rebuildTensor
    case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
    case ("torch", _), ("torch.storage", _):
      guard let type = Self.storageTypes[name] else { return nil }
      self = .storage(type)
    default: return nil
    }
  }

  private static let storageTypes: [String: ElementType] = [
    "FloatStorage": .float32, "HalfStorage": .float16, "BFloat16Storage": .bfloat16,
    "DoubleStorage": .float64, "LongStorage": .other("I64", width: 8),
    "IntStorage": .other("I32", width: 4), "ShortStorage": .other("I16", width: 2),
    "CharStorage": .other("I8", width: 1), "ByteStorage": .other("U8", width: 1),
    "BoolStorage": .other("BOOL", width: 1), "ComplexFloatStorage": .other("C64", width: 8),
    "ComplexDoubleStorage": .other("C128", width: 16),
  ]
}

/// A run of elements in one record of the checkpoint.
struct PickleStorage: Equatable {
  var key: String
  var type: ElementType
  var count: Int
}

/// A strided view of a storage; extents and strides count elements.
struct PickleTensor: Equatable {
  var storage: Int
  var offset: Int
  var shape: [Int]
  var strides: [Int]

  /// As many as PyTorch itself can have.
  static let maximumDimensions = 64
}

struct PickleMachine {
  var sequences: [[PickleValue]] = []
  private(set) var dicts: [[(key: PickleValue, value: PickleValue)]] = []
  var storages: [PickleStorage] = []
  var tensors: [PickleTensor] = []
  var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  let bytes: [UInt8]
  var position = 0
  /// Where the operation that is being carried out begins, for messages.
  var operation = 0
  let path: String

  /// A machine for the pickle that starts at `position` of `bytes`; `run` leaves `position` behind its end.
  init(_ bytes: [UInt8], at position: Int = 0, path: String) {
    self.bytes = bytes
    self.position = position
    self.path = path
  }

  /// Runs to the end and gives the one value that is left.
  /// - Throws: `FileError`, `ModelFileError` naming the byte and what is wrong there.
  mutating func run() throws -> PickleValue {
    guard bytes.count >= position + 2, bytes[position] == 0x80, (2...5).contains(bytes[position + 1]) else {
      throw broken("pickle protocol 2 to 5", "other bytes")
    }
    while true {
      operation = position
      guard
        stack.count + sequences.count + dicts.count + storages.count + tensors.count + memo.count <= Self.maximumValues
      else { throw broken("at most \(Self.maximumValues) values", "more") }
      let code = try number(1)
      if code == UInt8(ascii: ".") { return try pop() }
      if try simple(UInt8(code)) { continue }
      if try container(UInt8(code)) { continue }
      if try reference(UInt8(code)) { continue }
      throw broken("an operation that builds tensors and dictionaries", "operation 0x" + String(code, radix: 16))
    }
  }

  /// A checkpoint has some twenty values for each of its tensors.
  private static let maximumValues = 1 << 21

  func broken(_ expected: String, _ found: String) -> FileError {
    .malformed(path: path, place: "pickle, byte \(operation)", expected: expected, found: found)
  }
}

// MARK: - Numbers and strings

extension PickleMachine {
  private mutating func simple(_ code: UInt8) throws -> Bool {
    switch code {
    case 0x80: try skip(1)  // PROTO
    case 0x95: _ = try number(8)  // FRAME
    case UInt8(ascii: "N"): stack.append(.none)
    case 0x88: stack.append(.bool(true))
    case 0x89: stack.append(.bool(false))
    case UInt8(ascii: "K"): stack.append(.int(try number(1)))
    case UInt8(ascii: "M"): stack.append(.int(try number(2)))
    case UInt8(ascii: "J"): stack.append(.int(Int(Int32(truncatingIfNeeded: try number(4)))))
    case 0x8A: stack.append(.int(try long(try number(1))))
    case 0x8B: stack.append(.int(try long(try number(4))))
    case UInt8(ascii: "G"): stack.append(.float(try double()))
    case 0x8C, UInt8(ascii: "U"): try pushString(try number(1))
    case UInt8(ascii: "X"), UInt8(ascii: "T"): try pushString(try number(4))
    case 0x8D: try pushString(try number(8))
    case UInt8(ascii: "C"): try pushBytes(try number(1))
    case UInt8(ascii: "B"): try pushBytes(try number(4))
    case 0x8E: try pushBytes(try number(8))
    default: return false
    }
    return true
  }

  /// The next `count` bytes as a little-endian number.
  private mutating func number(_ count: Int) throws -> Int {
    guard position + count <= bytes.count else { throw broken("\(count) more bytes", "the end") }
    guard let value = bytes.little(count, at: position) else { throw broken("a length below 2^63", "a larger one") }
    position += count
    return value
  }

  private mutating func skip(_ count: Int) throws {
    guard count <= bytes.count - position else {
      throw broken("\(count) more bytes", "\(bytes.count - position) until the end")
    }
    position += count
  }

  private mutating func long(_ count: Int) throws -> Int {
    let start = position
    try skip(count)
    guard count <= 8 else { throw broken("a whole number of at most 8 bytes", "\(count) bytes") }
    guard count > 0 else { return 0 }
    var value: UInt64 = bytes[start + count - 1] >= 0x80 ? .max : 0
    for byte in bytes[start..<start + count].reversed() { value = value << 8 | UInt64(byte) }
    return Int(Int64(bitPattern: value))
  }

  private mutating func double() throws -> Double {
    let start = position
    try skip(8)
    return Double(bitPattern: bytes[start..<start + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
  }

  private mutating func pushString(_ count: Int) throws {
    let start = position
    try skip(count)
    guard let text = String(validating: bytes[start..<start + count], as: UTF8.self) else {
      throw broken("a string in UTF-8", "other bytes")
    }
    stack.append(.string(text))
  }

  private mutating func pushBytes(_ count: Int) throws {
    try skip(count)
    stack.append(.bytes)
  }
}

// MARK: - Stack, memo and containers

extension PickleMachine {
  private mutating func container(_ code: UInt8) throws -> Bool {
    switch code {
    case UInt8(ascii: "("): marks.append(stack.count)
    case UInt8(ascii: "0"): _ = try pop()
    case UInt8(ascii: "1"): _ = try popToMark()
    case UInt8(ascii: "2"): stack.append(try top())
    case UInt8(ascii: "q"): memo[try number(1)] = try top()
    case UInt8(ascii: "r"): memo[try number(4)] = try top()
    case 0x94: memo[memo.count] = try top()
    case UInt8(ascii: "h"): try recall(try number(1))
    case UInt8(ascii: "j"): try recall(try number(4))
    case UInt8(ascii: ")"): pushTuple([])
    case 0x85: pushTuple(try pop(1))
    case 0x86: pushTuple(try pop(2))
    case 0x87: pushTuple(try pop(3))
    case UInt8(ascii: "t"): pushTuple(try popToMark())
    case UInt8(ascii: "]"):
      sequences.append([])
      stack.append(.list(sequences.count - 1))
    case UInt8(ascii: "a"): try extend(try pop(1))
    case UInt8(ascii: "e"): try extend(try popToMark())
    case UInt8(ascii: "}"): pushDict([])
    case UInt8(ascii: "s"): try insert(try pop(2))
    case UInt8(ascii: "u"): try insert(try popToMark())
    default: return false
    }
    return true
  }

  func top() throws -> PickleValue {
    guard let value = stack.last, stack.count > (marks.last ?? 0) else { throw broken("a value on the stack", "none") }
    return value
  }

  mutating func pop() throws -> PickleValue {
    let value = try top()
    stack.removeLast()
    return value
  }

  mutating func pop(_ count: Int) throws -> [PickleValue] {
    guard stack.count - (marks.last ?? 0) >= count else { throw broken("\(count) values on the stack", "fewer") }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  private mutating func popToMark() throws -> [PickleValue] {
    guard let mark = marks.popLast() else { throw broken("a mark on the stack", "none") }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[mark...])
  }

  private mutating func recall(_ index: Int) throws {
    guard let value = memo[index] else { throw broken("a value remembered as \(index)", "none") }
    stack.append(value)
  }

  private mutating func pushTuple(_ items: [PickleValue]) {
    sequences.append(items)
    stack.append(.tuple(sequences.count - 1))
  }

  mutating func pushDict(_ items: [(key: PickleValue, value: PickleValue)]) {
    dicts.append(items)
    stack.append(.dict(dicts.count - 1))
  }

  private mutating func extend(_ items: [PickleValue]) throws {
    guard case .list(let index) = try top() else { throw broken("a list to append to", "another value") }
    sequences[index] += items
  }

  private mutating func insert(_ items: [PickleValue]) throws {
    guard case .dict(let index) = try top() else { throw broken("a dictionary to fill", "another value") }
    guard items.count % 2 == 0 else { throw broken("keys and values", "an odd number of values") }
    for i in stride(from: 0, to: items.count, by: 2) { dicts[index].append((items[i], items[i + 1])) }
  }
}
