// The part of the pickle machine that follows references: storage types, storages and tensors.

extension PickleMachine {
  mutating func reference(_ code: UInt8) throws -> Bool {
    switch code {
    case UInt8(ascii: "c"): try pushGlobal(module: try line(), name: try line())
    case 0x93:
      let pair = try pop(2)
      guard case .string(let module) = pair[0], case .string(let name) = pair[1] else {
        throw broken("a module and a name", "other values")
      }
      try pushGlobal(module: module, name: name)
    case UInt8(ascii: "R"): try call()
    case UInt8(ascii: "Q"): try pushStorage()
    case UInt8(ascii: "b"):
      _ = try pop()
      // State dictionaries carry a `_metadata` attribute; it holds version numbers and is of no use here.
      guard case .dict = try top() else { throw broken("attributes of a dictionary only", "of another value") }
    default: return false
    }
    return true
  }

  private mutating func line() throws -> String {
    guard let end = bytes[position...].firstIndex(of: 10),
      let text = String(validating: bytes[position..<end], as: UTF8.self)
    else { throw broken("a name that ends in a line feed", "none") }
    position = end + 1
    return text
  }

  private mutating func pushGlobal(module: String, name: String) throws {
    guard let global = PickleGlobal(module: module, name: name) else {
      throw ModelFileError.unsupported(
        path: path, what: "a reference in the pickle, byte \(operation),",
        found: "\(module.prefix(120)).\(name.prefix(120))",
        supported: "tensors and dictionaries only; nothing in a checkpoint is executed")
    }
    stack.append(.global(global))
  }

  private mutating func call() throws {
    let pair = try pop(2)
    guard case .global(let global) = pair[0], case .tuple(let index) = pair[1] else {
      throw broken("a known reference and its arguments", "other values")
    }
    let arguments = sequences[index]
    switch global {
    case .orderedDict:
      guard arguments.isEmpty else { throw broken("an empty OrderedDict to be filled", "one with arguments") }
      pushDict([])
    case .rebuildParameter:
      guard case .tensor? = arguments.first else { throw broken("a parameter's tensor", "another value") }
      stack.append(arguments[0])
    case .rebuildTensor: try pushTensor(arguments)
    case .storage: throw broken("a reference that makes a tensor or a dictionary", "a storage type")
    }
  }

  private mutating func pushTensor(_ arguments: [PickleValue]) throws {
    guard arguments.count >= 4, case .storage(let storage) = arguments[0], case .int(let offset) = arguments[1] else {
      throw broken("a tensor's storage, offset, shape and strides", "other values")
    }
    let shape = try integers(arguments[2])
    let strides = try integers(arguments[3])
    guard shape.count == strides.count, offset >= 0 else {
      throw broken(
        "as many strides as extents, an offset of 0 or more",
        "\(shape.count) extents, \(strides.count) strides, offset \(offset)")
    }
    stack.append(.tensor(tensors.count))
    tensors.append(PickleTensor(storage: storage, offset: offset, shape: shape, strides: strides))
  }

  private func integers(_ value: PickleValue) throws -> [Int] {
    guard case .tuple(let index) = value else { throw broken("a tuple of whole numbers", "another value") }
    // Before they are copied: many tensors may name one long tuple.
    guard sequences[index].count <= PickleTensor.maximumDimensions else {
      throw broken("at most \(PickleTensor.maximumDimensions) dimensions", "\(sequences[index].count)")
    }
    return try sequences[index].map { item in
      guard case .int(let number) = item, number >= 0 else {
        throw broken("a whole number of 0 or more", "another value")
      }
      return number
    }
  }

  /// A storage's reference has five parts; in the older form a sixth, which says of what larger storage it is a part.
  private mutating func pushStorage() throws {
    guard case .tuple(let index) = try pop(), (5...6).contains(sequences[index].count) else {
      throw broken("a storage of five parts", "another value")
    }
    let parts = sequences[index]
    guard parts[0] == .string("storage"), case .global(.storage(let type)) = parts[1], case .string(let key) = parts[2],
      case .int(let count) = parts[4], count >= 0
    else { throw broken("a storage: its type, key, place and size", "other values") }
    guard parts.count == 5 || parts[5] == .none else { throw broken("a storage of its own", "a part of another") }
    stack.append(.storage(storages.count))
    storages.append(PickleStorage(key: key, type: type, count: count))
  }
}
