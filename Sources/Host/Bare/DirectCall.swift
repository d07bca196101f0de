// Calls a function by hand, with arguments given as text: what `mixcse plugins call` does.

import Kernels
import PluginGrammar

/// An array an argument is given as, or that came back.
package struct CallArray: Sendable, Equatable {
  /// Number of elements along each dimension; empty for a scalar.
  package var shape: [Int]
  /// Row-major.
  package var values: [Double]

  /// An array of as many values as its shape says.
  package init(shape: [Int], values: [Double]) {
    self.shape = shape
    self.values = values
  }
}

/// What a call gave back.
package struct CallResult: Sendable {
  /// Nil for a void function.
  package var returned: Double?
  /// Every array the function wrote, by the argument's name.
  package var arrays: [(name: String, array: CallArray)]
}

/// One call of a function with arguments by name.
package struct DirectCall {
  private let function: ForeignFunction
  private let arguments: [String: String]
  private var extents: [String: Int] = [:]
  private var inputs: [String: CallArray] = [:]

  /// Reads `arguments` (name and text: a number, `[1,2;3,4]`, or the path of a .npy file) for `function`.
  /// - Throws: `UsageError.badValue`, `.unknownParameter`; `FileError`.
  package init(_ function: ForeignFunction, arguments: [(String, String)]) throws {
    self.function = function
    let slots = function.signature.slots
    let known = slots.filter { $0.direction == .in || $0.direction == .inout }.map(\.argument.name)
    var texts: [String: String] = [:]
    for (name, text) in arguments {
      guard
        known.contains(name) || slots.contains(where: { $0.argument.dimensions?.contains { $0.name == name } == true })
      else {
        throw UsageError.unknownParameter(
          component: function.signature.declaration.name, name: name, nearest: nearestNames(to: name, among: known),
          declared: known)
      }
      guard texts.updateValue(text, forKey: name) == nil else {
        throw UsageError.settingTwice(component: function.signature.declaration.name, parameter: name)
      }
    }
    self.arguments = texts
    for slot in slots where slot.argument.isArray { try readArray(slot) }
    for slot in slots where !slot.argument.isArray && slot.argument.type.isInteger { try readExtent(slot) }
    for slot in slots where slot.argument.isArray { try checkShape(slot) }
  }

  // MARK: Reading

  private mutating func readArray(_ slot: BareSlot) throws {
    guard let text = arguments[slot.argument.name], slot.direction == .in || slot.direction == .inout else { return }
    let array: CallArray
    if text.hasPrefix("[") {
      array = try matrix(text, slot)
    } else {
      let file = try NPYFile(contentsOf: text)
      let count = file.rows * file.columns
      let values = withExtendedLifetime(file) { (0..<count).map { Double(file.buffer.pointer[$0]) } }
      array = CallArray(shape: [file.rows, file.columns], values: values)
    }
    inputs[slot.argument.name] = array
    // The first array that names a dimension says how large it is.
    for (dimension, extent) in zip(slot.argument.dimensions ?? [], array.shape) {
      guard let name = dimension.name, extents[name] == nil else { continue }
      extents[name] = extent - dimension.plus
    }
  }

  /// `[1,2,3]` or, with rows, `[1,2;3,4]`.
  private func matrix(_ text: String, _ slot: BareSlot) throws -> CallArray {
    let rows = text.dropFirst().dropLast().split(separator: ";", omittingEmptySubsequences: false).map { row in
      row.split(separator: ",").map { decimalNumber(trimmed(String($0))) }
    }
    let flat = rows.joined().compactMap { $0 }
    let width = rows.first?.count ?? 0
    guard text.hasSuffix("]"), rows.allSatisfy({ $0.count == width }), flat.count == rows.count * width, width > 0
    else {
      throw bad(slot.argument, text, "an array such as [1,2,3] or [1,2;3,4], or a .npy file")
    }
    let rank = slot.argument.dimensions?.count ?? 1
    return CallArray(shape: rank == 1 && rows.count == 1 ? [width] : [rows.count, width], values: flat)
  }

  private mutating func readExtent(_ slot: BareSlot) throws {
    let name = slot.argument.name
    guard let text = arguments[name] ?? slot.argument.defaultText else { return }
    // What the arrays say counts more than a default.
    if extents[name] != nil, arguments[name] == nil { return }
    guard let number = Int(text) else { throw bad(slot.argument, text, "a whole number") }
    if let found = extents[name], found != number {
      throw bad(slot.argument, text, "\(found), the size of the arrays that are given")
    }
    extents[name] = number
  }

  private func checkShape(_ slot: BareSlot) throws {
    let shape = try shape(of: slot)
    guard let array = inputs[slot.argument.name] else {
      guard slot.direction != .in && slot.direction != .inout else {
        throw bad(slot.argument, "nothing", "an array such as [1,2,3] or a .npy file of shape \(shape)")
      }
      return
    }
    guard array.shape == shape else { throw bad(slot.argument, "shape \(array.shape)", "shape \(shape)") }
  }

  private func shape(of slot: BareSlot) throws -> [Int] {
    try (slot.argument.dimensions ?? []).map { dimension in
      guard let name = dimension.name else { return dimension.plus }
      guard let extent = extents[name] ?? arguments[name].flatMap({ Int($0) }) else {
        throw bad(slot.argument, "nothing", "\(name)=NUMBER, which its size depends on")
      }
      let value = extent + dimension.plus
      guard (0...(1 << 28)).contains(value) else { throw bad(slot.argument, "\(value)", "a size of at least 0") }
      return value
    }
  }

  private func bad(_ argument: BareArgument, _ text: String, _ expected: String) -> UsageError {
    .badValue(
      component: function.signature.declaration.name, parameter: argument.name, text: text, expected: expected,
      nearest: [])
  }

  // MARK: Calling

  /// Calls the function.
  /// - Throws: `UsageError.badValue` for what is missing or out of range.
  package func run() throws -> CallResult {
    let slots = function.signature.slots
    let memories = slots.map { _ in BareMemory() }
    let values = UnsafeMutablePointer<UInt64>.allocate(capacity: 2 * max(1, slots.count))
    let vector = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: max(1, slots.count))
    let result = UnsafeMutablePointer<UInt64>.allocate(capacity: 2)
    result.initialize(repeating: 0, count: 2)
    defer {
      values.deallocate()
      vector.deallocate()
      result.deallocate()
    }
    for (index, slot) in slots.enumerated() {
      let place = UnsafeMutableRawPointer(values + 2 * index)
      (vector + index).initialize(to: place)
      if slot.argument.isArray {
        try fill(memories[index], slot)
        place.storeBytes(of: UInt(bitPattern: memories[index].pointer), as: UInt.self)
      } else if slot.argument.type == .cstr {
        guard let text = arguments[slot.argument.name] ?? slot.argument.defaultText else {
          throw bad(slot.argument, "nothing", "a text")
        }
        memories[index].reserve(text.utf8.count + 1)
        for (offset, byte) in text.utf8.enumerated() {
          memories[index].pointer.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
        }
        memories[index].pointer.storeBytes(of: 0, toByteOffset: text.utf8.count, as: UInt8.self)
        place.storeBytes(of: UInt(bitPattern: memories[index].pointer), as: UInt.self)
      } else {
        store(try number(slot), slot.argument.type, place)
      }
    }
    function.call(vector, result: UnsafeMutableRawPointer(result))
    for (index, slot) in slots.enumerated() where slot.argument.isArray {
      if let damage = memories[index].damage(slot.argument.name) {
        throw bad(slot.argument, damage, "that it writes only inside its arrays")
      }
    }
    let arrays = try zip(slots, memories).filter { $0.0.argument.isArray && $0.0.isWritten }.map { slot, memory in
      (slot.argument.name, try array(slot, memory))
    }
    let type = function.signature.declaration.result.scalar
    return CallResult(returned: type.map { resultNumber(UnsafeMutableRawPointer(result), $0) }, arrays: arrays)
  }

  private func number(_ slot: BareSlot) throws -> Double {
    let argument = slot.argument
    if slot.direction == .cb { throw bad(argument, "a callback", "a run: callbacks have numbers only there") }
    if let extent = extents[argument.name] { return Double(extent) }
    guard let text = arguments[argument.name] ?? argument.defaultText else {
      throw bad(argument, "nothing", "\(argument.name)=NUMBER")
    }
    if argument.type == .bool {
      guard ["true", "false", "1", "0"].contains(text) else { throw bad(argument, text, "true or false") }
      return text == "true" || text == "1" ? 1 : 0
    }
    guard let number = decimalNumber(text), number.isFinite, argument.range?.contains(number) ?? true,
      argument.type.isFloat || Int64(exactly: number) != nil
    else {
      throw bad(
        argument, text, "a\(argument.type.isFloat ? "" : " whole") number\(argument.range.map { " in \($0)" } ?? "")")
    }
    return number
  }

  private func store(_ number: Double, _ type: BareScalar, _ place: UnsafeMutableRawPointer) {
    let whole = Int64(exactly: number.rounded(.towardZero)) ?? 0
    switch type {
    case .f32: place.storeBytes(of: Float(number), as: Float.self)
    case .f64: place.storeBytes(of: number, as: Double.self)
    case .i32, .u32: place.storeBytes(of: Int32(truncatingIfNeeded: whole), as: Int32.self)
    case .u8, .bool: place.storeBytes(of: UInt8(truncatingIfNeeded: whole), as: UInt8.self)
    case .i64, .u64, .size, .cstr: place.storeBytes(of: whole, as: Int64.self)
    }
  }

  private func fill(_ memory: BareMemory, _ slot: BareSlot) throws {
    let count = try shape(of: slot).reduce(1, *)
    let size = slot.argument.type.size
    memory.reserve(count * size)
    let start: Double = slot.role == .scratch ? 0 : Double(slot.argument.defaultText.flatMap(decimalNumber) ?? 0)
    for index in 0..<count {
      store(inputs[slot.argument.name]?.values[index] ?? start, slot.argument.type, memory.pointer + index * size)
    }
  }

  private func array(_ slot: BareSlot, _ memory: BareMemory) throws -> CallArray {
    let shape = try shape(of: slot)
    let count = shape.reduce(1, *)
    let type = slot.argument.type
    return CallArray(
      shape: shape,
      values: (0..<count).map { index in
        let place = memory.pointer + index * type.size
        switch type {
        case .f32: return Double(place.load(as: Float.self))
        case .f64: return place.load(as: Double.self)
        case .i32: return Double(place.load(as: Int32.self))
        case .u32: return Double(place.load(as: UInt32.self))
        case .u8, .bool: return Double(place.load(as: UInt8.self))
        case .i64, .cstr: return Double(place.load(as: Int64.self))
        case .u64, .size: return Double(place.load(as: UInt64.self))
        }
      })
  }
}
