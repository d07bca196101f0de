// One function of one instance, ready to be called: the argument vector is built once, each call only fills in what
// changed. Nothing here allocates once the largest batch has been seen.

import Glibc
import Kernels
import PluginAPI
import PluginInstances

/// Why a call could not be made or ended badly.
struct BareFailure {
  let status: Int
  let text: String
}

final class BareInvocation {
  let function: ForeignFunction
  private let name: String
  /// One slot of 16 bytes for each argument, and the pointers to them that libffi wants.
  private let values: UnsafeMutablePointer<UInt64>
  private let vector: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private let result: UnsafeMutablePointer<UInt64>
  private let slots: ContiguousArray<Slot>
  private let memories: ContiguousArray<BareMemory>
  private var callbacks: [BareCallback] = []

  /// A slot without anything that would have to be counted.
  private struct Slot {
    let role: BareRole
    let type: BareScalar
    let isArray: Bool
    let direction: BareArgument.Direction
  }

  init(_ function: ForeignFunction, component: String) {
    self.function = function
    name = component
    let count = max(function.signature.slots.count, 1)
    values = .allocate(capacity: 2 * count)
    values.initialize(repeating: 0, count: 2 * count)
    vector = .allocate(capacity: count)
    result = .allocate(capacity: 2)
    result.initialize(repeating: 0, count: 2)
    for index in 0..<count { (vector + index).initialize(to: UnsafeMutableRawPointer(values + 2 * index)) }
    slots = ContiguousArray(
      function.signature.slots.map {
        Slot(role: $0.role, type: $0.argument.type, isArray: $0.argument.isArray, direction: $0.direction)
      })
    memories = ContiguousArray(function.signature.slots.map { _ in BareMemory() })
  }

  deinit {
    values.deallocate()
    vector.deallocate()
    result.deallocate()
  }

  /// What the function returned, as a number; 0 for void.
  var returned: Double {
    function.signature.declaration.result.scalar.map { resultNumber(UnsafeMutableRawPointer(result), $0) } ?? 0
  }

  /// Fills the arguments, calls, and takes over what was written.
  func run(_ frame: BareFrame) -> BareFailure? {
    if let failure = fill(frame) { return failure }
    function.call(vector, result: UnsafeMutableRawPointer(result))
    if let failure = statusFailure() ?? damage() { return failure }
    finish(frame)
    return nil
  }

  // MARK: The steps of a call, also used one by one by rowwise losses

  func fill(_ frame: BareFrame) -> BareFailure? {
    for index in slots.indices {
      if slots[index].isArray {
        if let failure = fillArray(index, frame) { return failure }
      } else if slots[index].direction == .cb {
        if let failure = fillCallback(index, frame) { return failure }
      } else {
        store(scalar(slots[index], frame), at: index)
      }
    }
    return nil
  }

  func callOnly() -> BareFailure? {
    function.call(vector, result: UnsafeMutableRawPointer(result))
    return statusFailure() ?? damage()
  }

  /// The memory of the argument with this role, as long as the call lasts.
  func memory(of role: BareRole) -> (pointer: UnsafeMutableRawPointer, type: BareScalar)? {
    guard let index = slots.firstIndex(where: { $0.role == role }) else { return nil }
    return (memories[index].pointer, slots[index].type)
  }

  /// Passes a packed copy of an input instead of the host's own memory, so that it may be moved.
  func stage(_ role: BareRole, _ frame: BareFrame) -> BareFailure? {
    guard let index = slots.firstIndex(where: { $0.role == role }), let rows = BareRows(frame.tensor(role)) else {
      return nil
    }
    memories[index].reserve(rows.count * slots[index].type.size)
    rows.pack(into: memories[index].pointer, as: slots[index].type)
    pass(memories[index].pointer, at: index)
    return nil
  }

  private func statusFailure() -> BareFailure? {
    guard function.signature.declaration.result == .status else { return nil }
    let status = Int(returned)
    if status == 0 { return nil }
    let symbol = function.signature.declaration.symbol
    return BareFailure(status: Int(CSE_E_INVALID), text: "\(symbol) returned \(status)")
  }

  private func damage() -> BareFailure? {
    for index in slots.indices where slots[index].isArray && isStaged(index) {
      if let text = memories[index].damage(function.signature.slots[index].argument.name) {
        return BareFailure(status: Int(CSE_E_INTERNAL), text: "\(function.signature.declaration.symbol) \(text)")
      }
    }
    return nil
  }

  // MARK: Scalars

  private func scalar(_ slot: Slot, _ frame: BareFrame) -> cse_value {
    let isFloat = slot.type.isFloat
    switch slot.role {
    case .parameter(let index): return frame.call.pointee.values[index]
    case .rows: return cse_value(i: frame.rows)
    case .columns: return cse_value(i: frame.columns)
    case .width: return cse_value(i: frame.width)
    case .tokenCount: return cse_value(i: frame.tokens?.pointee.n_tokens ?? 0)
    case .sequenceCount: return cse_value(i: frame.tokens?.pointee.n_seqs ?? 0)
    case .step: return cse_value(i: frame.call.pointee.step)
    case .totalSteps: return cse_value(i: frame.call.pointee.total_steps)
    case .epoch: return cse_value(f: frame.call.pointee.epoch)
    case .seed:
      guard let context = frame.context else { return cse_value(i: 0) }
      // Position 2^40: far from what random() hands out.
      return cse_value(i: Int64(bitPattern: context.stream.bits(step: context.batch, index: 1 << 40)))
    default: return isFloat ? cse_value(f: 0) : cse_value(i: 0)
    }
  }

  /// Writes a value in the width the function reads.
  private func store(_ value: cse_value, at index: Int) {
    let place = UnsafeMutableRawPointer(values + 2 * index)
    switch slots[index].type {
    case .f32: place.storeBytes(of: Float(value.f), as: Float.self)
    case .f64: place.storeBytes(of: value.f, as: Double.self)
    case .i32: place.storeBytes(of: Int32(truncatingIfNeeded: value.i), as: Int32.self)
    case .u32: place.storeBytes(of: UInt32(truncatingIfNeeded: value.i), as: UInt32.self)
    case .i64, .u64, .size: place.storeBytes(of: value.i, as: Int64.self)
    case .u8: place.storeBytes(of: UInt8(truncatingIfNeeded: value.i), as: UInt8.self)
    case .bool: place.storeBytes(of: value.i == 0 ? 0 : 1, as: UInt8.self)
    case .cstr: place.storeBytes(of: UInt(bitPattern: value.s), as: UInt.self)
    }
  }

  // MARK: Arrays

  private func pass(_ pointer: UnsafeMutableRawPointer?, at index: Int) {
    UnsafeMutableRawPointer(values + 2 * index).storeBytes(of: UInt(bitPattern: pointer), as: UInt.self)
  }

  private func isStaged(_ index: Int) -> Bool {
    UInt(values[2 * index]) == UInt(bitPattern: memories[index].pointer)
  }

  private func fillArray(_ index: Int, _ frame: BareFrame) -> BareFailure? {
    let slot = slots[index]
    switch slot.role {
    case .target: return fillIntegers(index, frame.logits?.pointee.target, Int(frame.rows))
    case .rowIDs: return fillIntegers(index, frame.batch?.pointee.row_ids, Int(frame.rows))
    case .textIDs: return fillIntegers(index, frame.batch?.pointee.text_ids, Int(frame.rows))
    case .classes: return fillIntegers(index, frame.batch?.pointee.classes, Int(frame.rows))
    case .scores: return fillScores(index, frame)
    case .offsets: return fillIntegers(index, frame.tokens?.pointee.offsets, Int(frame.tokens?.pointee.n_seqs ?? 0) + 1)
    case .tokenIDs: return fillTokens(index, frame)
    case .tokenFlags:
      guard let flags = frame.tokens?.pointee.token_flags else { return missing(index, frame) }
      pass(UnsafeMutableRawPointer(mutating: flags), at: index)
      return nil
    case .used:
      // All columns, where the function leaves it alone.
      memories[index].reserve(8)
      memories[index].pointer.storeBytes(of: frame.columns, as: Int64.self)
      pass(memories[index].pointer, at: index)
      return nil
    case .state where slot.type == .i64: return fillWholeNumbers(index, slot, frame)
    case .rowLoss, .scratch:
      memories[index].reserve(extent(index, frame) * slot.type.size)
      pass(memories[index].pointer, at: index)
      return nil
    default: return fillTensor(index, slot, frame)
    }
  }

  private func fillTensor(_ index: Int, _ slot: Slot, _ frame: BareFrame) -> BareFailure? {
    let tensor = frame.tensor(slot.role)
    guard let rows = BareRows(tensor) ?? BareRows(frame.shape(slot.role)) else { return missing(index, frame) }
    // Gradients are added to what is there, so they are made apart; so is everything in another form.
    if !slot.role.isMadeGradient, slot.type == .f32, rows.isPacked, slot.direction != .inout {
      pass(UnsafeMutableRawPointer(rows.data), at: index)
      return nil
    }
    memories[index].reserve(rows.count * slot.type.size)
    if slot.direction == .grad { memset(memories[index].pointer, 0, rows.count * slot.type.size) }
    // An output, too: what a function leaves unwritten keeps what stood there, as it does in place.
    if slot.direction != .grad { rows.pack(into: memories[index].pointer, as: slot.type) }
    pass(memories[index].pointer, at: index)
    return nil
  }

  /// An i64 state: in place where it is read, a copy where it is written.
  private func fillWholeNumbers(_ index: Int, _ slot: Slot, _ frame: BareFrame) -> BareFailure? {
    guard let tensor = frame.tensor(slot.role), let data = tensor.pointee.data else { return missing(index, frame) }
    guard slot.direction == .inout else {
      pass(data, at: index)
      return nil
    }
    let bytes = Self.byteCount(tensor)
    memories[index].reserve(bytes)
    memcpy(memories[index].pointer, data, bytes)
    pass(memories[index].pointer, at: index)
    return nil
  }

  private static func byteCount(_ tensor: UnsafePointer<DLTensor>) -> Int {
    (0..<Int(tensor.pointee.ndim)).reduce(8) { $0 * Int(tensor.pointee.shape[$1]) }
  }

  private func fillIntegers(_ index: Int, _ source: UnsafePointer<Int64>?, _ count: Int) -> BareFailure? {
    guard let source else {
      return BareFailure(status: Int(CSE_E_UNSUPPORTED), text: "an array of this batch is not there")
    }
    let type = slots[index].type
    if type.size == 8 {
      pass(UnsafeMutableRawPointer(mutating: source), at: index)
      return nil
    }
    memories[index].reserve(count * 4)
    let narrow = memories[index].pointer.assumingMemoryBound(to: Int32.self)
    for position in 0..<count { narrow[position] = Int32(truncatingIfNeeded: source[position]) }
    pass(memories[index].pointer, at: index)
    return nil
  }

  private func fillScores(_ index: Int, _ frame: BareFrame) -> BareFailure? {
    guard let scores = frame.batch?.pointee.scores else { return missing(index, frame) }
    guard slots[index].type == .f64 else {
      pass(UnsafeMutableRawPointer(mutating: scores), at: index)
      return nil
    }
    let count = Int(frame.rows)
    memories[index].reserve(count * 8)
    let wide = memories[index].pointer.assumingMemoryBound(to: Double.self)
    for position in 0..<count { wide[position] = Double(scores[position]) }
    pass(memories[index].pointer, at: index)
    return nil
  }

  private func fillTokens(_ index: Int, _ frame: BareFrame) -> BareFailure? {
    guard let tokens = frame.tokens, let ids = tokens.pointee.token_ids else { return missing(index, frame) }
    guard slots[index].type == .i64 else {
      pass(UnsafeMutableRawPointer(mutating: ids), at: index)
      return nil
    }
    let count = Int(tokens.pointee.n_tokens)
    memories[index].reserve(count * 8)
    let wide = memories[index].pointer.assumingMemoryBound(to: Int64.self)
    for position in 0..<count { wide[position] = Int64(ids[position]) }
    pass(memories[index].pointer, at: index)
    return nil
  }

  private func fillCallback(_ index: Int, _ frame: BareFrame) -> BareFailure? {
    if callbacks.isEmpty { callbacks = function.signature.slots.compactMap { BareCallback($0.role) } }
    guard let callback = callbacks.first(where: { $0.role == slots[index].role }), let code = callback.code else {
      return BareFailure(
        status: Int(CSE_E_UNSUPPORTED),
        text:
          "this system lets nobody make a callback at run time (SELinux or MDWE forbids it); draw from seed:u64 instead"
      )
    }
    callback.begin(frame.call)
    pass(code, at: index)
    return nil
  }

  private func missing(_ index: Int, _ frame: BareFrame) -> BareFailure {
    let name = function.signature.slots[index].argument.name
    let hint: String =
      switch slots[index].role {
      case .view(2), .unit(2), .viewGradient(2), .unitGradient(2): "this run has no third view (hard negatives)"
      case .tokenIDs, .tokenFlags: "a pooler behind another one sees no tokens"
      default: "it is not there in this call"
      }
    return BareFailure(status: Int(CSE_E_UNSUPPORTED), text: "it reads '\(name)': \(hint)")
  }

  // MARK: After the call

  private func finish(_ frame: BareFrame) {
    for index in slots.indices where slots[index].isArray {
      let slot = slots[index]
      if slot.role == .rowLoss {
        takeRowLoss(index, frame)
        continue
      }
      guard slot.direction != .in, slot.role != .scratch, slot.role != .used, isStaged(index) else { continue }
      if case .state = slot.role, slot.type == .i64 {
        if let tensor = frame.tensor(slot.role), let data = tensor.pointee.data {
          memcpy(data, memories[index].pointer, Self.byteCount(tensor))
        }
        continue
      }
      guard let rows = BareRows(frame.tensor(slot.role)) else { continue }
      if slot.role.isMadeGradient {
        let isCell = slot.role == .logitGradient || slot.role == .similarityGradient
        let mask = isCell ? BareRows(frame.tensor(.logits)) : nil
        rows.add(from: memories[index].pointer, as: slot.type, except: mask)
      } else {
        rows.unpack(from: memories[index].pointer, as: slot.type)
      }
    }
  }

  private func takeRowLoss(_ index: Int, _ frame: BareFrame) {
    guard let target = frame.logits?.pointee.row_loss else { return }
    let source = memories[index].pointer
    for row in 0..<Int(frame.rows) {
      target[row] =
        slots[index].type == .f64
        ? source.load(fromByteOffset: row * 8, as: Double.self)
        : Double(source.load(fromByteOffset: row * 4, as: Float.self))
    }
  }

  /// The number of elements of an array whose dimensions are named.
  private func extent(_ index: Int, _ frame: BareFrame) -> Int {
    var count = 1
    for dimension in function.signature.slots[index].argument.dimensions ?? [] {
      count *= max(0, value(of: dimension, frame))
    }
    return count
  }

  private func value(of dimension: BareDimension, _ frame: BareFrame) -> Int {
    guard let name = dimension.name else { return dimension.plus }
    let base: Int64 =
      switch name {
      case "n": frame.rows
      case "m": frame.columns
      case "d": frame.width
      case "t": frame.tokens?.pointee.n_tokens ?? 0
      case "s": frame.tokens?.pointee.n_seqs ?? 0
      default:
        slots.indices.first { function.signature.slots[$0].argument.name == name }.map { scalar(slots[$0], frame).i }
          ?? 0
      }
    return Int(base) + dimension.plus
  }
}
