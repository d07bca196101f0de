// The calls of a PythonEncoder: each writes what it has to say into memory that both sides see, rings, and waits.

import Kernels
package import PluginAPI
package import PluginInstances
import PluginIsolation

extension PythonEncoder {
  /// The calls by their numbers in encoder.py.
  private enum Call: Int32 {
    case encode, backward, norm, step, clear, get, put, peak, have, learn

    /// By the names of the header.
    var name: String {
      switch self {
      case .encode: "encode"
      case .backward: "encode_backward"
      case .norm: "gradient_norm"
      case .step: "step"
      case .clear: "clear_gradients"
      case .get: "get"
      case .put: "put"
      case .peak: "peak_memory"
      case .have: "which gradients there are"
      case .learn: "learn"
      }
    }
  }

  /// Numbers of a tensor that are moved at once: 16 MiB.
  private static let stretch = 1 << 22

  private func call(
    _ call: Call, _ first: UnsafeRawPointer? = nil, _ second: UnsafeRawPointer? = nil
  ) throws {
    let status: cse_status
    do {
      status = try line.ask(call.rawValue, nil, CallArguments(first, second, message)) { false }
    } catch {
      throw Self.failure(call.name, error)
    }
    guard status != cse_status(CSE_OK) else { return }
    message[Self.messageBytes - 1] = 0
    throw EncoderFailure(component: Self.name, function: call.name, message: String(cString: message))
  }

  static func failure(_ function: String, _ reason: PluginFailure.Reason) -> EncoderFailure {
    let text =
      switch reason {
      case .contract(let text): text
      case .died(let text): "its process \(text)"
      case .deadline(let seconds): "it did not end within \(Int(seconds.rounded(.up))) s (--plugin-deadline)"
      default: "its process answered nothing of use"
      }
    return EncoderFailure(component: name, function: function, message: text)
  }

  /// Writes the hidden states wanted, [T or S, hidden] each, in full.
  package func encode(_ pass: EncoderPass, into targets: [UnsafeMutablePointer<Float>]) throws {
    let (count, layers) = (pass.rowCount * model.hidden, targets.count)
    block.begin(byteCount: Self.bytes(pass) + layers * (8 + count * 4), parts: Self.passParts + 1 + layers)
    let raw = show(pass)
    let states = (0..<layers).map { _ in block.take(count, of: Float.self) }
    let list = block.take(copying: states.map { UInt(bitPattern: $0) })
    try call(.encode, raw, list)
    for (state, target) in zip(states, targets) { target.update(from: state, count: count) }
    kept = pass.isKept ? (pass.rowCount, layers) : (0, 0)
  }

  /// What a pass takes in memory that both sides see.
  private static func bytes(_ pass: EncoderPass) -> Int {
    MemoryLayout<cse_pass>.stride + (pass.tokens.count + pass.layers.count) * 4
      + (pass.offsets.count + pass.firstRows.count) * 8
  }
  private static let passParts = 5

  /// Copies a pass there.
  private func show(_ pass: EncoderPass) -> UnsafeMutablePointer<cse_pass> {
    let (raw, firstRows) = (block.take(1, of: cse_pass.self), pass.firstRows)
    raw.pointee = pass.raw
    raw.pointee.token_ids = UnsafePointer(block.take(copying: pass.tokens))
    raw.pointee.offsets = UnsafePointer(block.take(copying: pass.offsets.map(Int64.init)))
    if !firstRows.isEmpty { raw.pointee.first_rows = UnsafePointer(block.take(copying: firstRows)) }
    raw.pointee.layers = UnsafePointer(block.take(copying: pass.layers.map(Int32.init)))
    return raw
  }

  /// Guesses words of a pass, adds `factor` times the gradients of the summed loss, and returns that sum.
  package func learn(_ pass: EncoderPass, _ masking: EncoderMasking) throws -> Double {
    block.begin(
      byteCount: Self.bytes(pass) + MemoryLayout<cse_masked>.stride + masking.positions.count * 12 + 24,
      parts: Self.passParts + 5)
    let (raw, masked) = (show(pass), block.take(1, of: cse_masked.self))
    masked.pointee = masking.raw
    masked.pointee.positions = UnsafePointer(block.take(copying: masking.positions))
    masked.pointee.labels = UnsafePointer(block.take(copying: masking.labels))
    let sum = block.take(1, of: Double.self)
    try call(.learn, raw, block.take(copying: [UInt(bitPattern: masked), UInt(bitPattern: sum)]))
    return sum.pointee
  }

  /// Adds what the gradients of the last kept pass's hidden states cause.
  package func backward(_ gradients: [UnsafeMutablePointer<Float>]) throws {
    precondition(gradients.count == kept.count, "a gradient for each state that was kept")
    let count = kept.rows * model.hidden
    block.begin(byteCount: gradients.count * (8 + count * 4), parts: gradients.count + 1)
    let copies = gradients.map { block.take(copying: UnsafeBufferPointer(start: $0, count: count)) }
    let list = block.take(copying: copies.map { UInt(bitPattern: $0) })
    try call(.backward, nil, list)
  }

  /// The sum of squares of all gradients.
  package func squaredGradientNorm() throws -> Double {
    block.begin(byteCount: 8, parts: 1)
    let sum = block.take(1, of: Double.self)
    try call(.norm, sum)
    return sum.pointee
  }

  /// Moves all tensors that had a gradient.
  package func step(_ settings: cse_adamw) throws {
    block.begin(byteCount: MemoryLayout<cse_adamw>.stride, parts: 1)
    let shown = block.take(1, of: cse_adamw.self)
    shown.pointee = settings
    try call(.step, shown)
  }

  /// Sets all gradients to zero, and drops what was kept.
  package func clearGradients() throws { try call(.clear) }

  /// Copies a whole tensor here; `what`: `CSE_WEIGHT` ...
  package func get(_ what: Int, of tensor: Int, into target: UnsafeMutablePointer<Float>) throws {
    try move(.get, what, of: tensor) { memory, range in
      (target + range.lowerBound).update(from: memory, count: range.count)
    }
  }

  /// Copies a whole tensor there.
  package func put(_ what: Int, of tensor: Int, from source: UnsafePointer<Float>) throws {
    try move(.put, what, of: tensor) { memory, range in
      memory.update(from: source + range.lowerBound, count: range.count)
    }
  }

  /// A tensor stretch by stretch; `copy` moves numbers between the memory that both sides see and the host's own.
  private func move(
    _ call: Call, _ what: Int, of tensor: Int, copy: (UnsafeMutablePointer<Float>, Range<Int>) -> Void
  ) throws {
    let total = facts.tensors[tensor].shape.reduce(1, *)
    for first in stride(from: 0, to: total, by: Self.stretch) {
      let range = first..<min(first + Self.stretch, total)
      block.begin(byteCount: 32 + range.count * 4, parts: 2)
      let place = block.take(copying: [tensor, what, first, range.count].map(Int64.init))
      let memory = block.take(range.count, of: Float.self)
      if call == .put { copy(memory, range) }
      try self.call(call, place, memory)
      if call == .get { copy(memory, range) }
    }
  }

  /// Of each tensor whether it has a gradient.
  package func haveGradients() throws -> [Bool] {
    let count = facts.tensors.count
    block.begin(byteCount: count, parts: 1)
    let flags = block.take(count, of: UInt8.self)
    try call(.have, flags)
    return (0..<count).map { flags[$0] != 0 }
  }

  /// Bytes of the device taken at most; 0: not known.
  package var peakMemory: UInt64 {
    block.begin(byteCount: 8, parts: 1)
    let peak = block.take(1, of: UInt64.self)
    do { try call(.peak, peak) } catch { return 0 }
    return peak.pointee
  }
}

/// Memory that both sides see, given out part by part anew for each call; it grows and never shrinks.
final class SharedBlock {
  private var memory: UnsafeMutableRawPointer?
  private var capacity = 0
  private var used = 0

  deinit { if let memory { freeVisible(memory) } }

  /// Makes room for `parts` parts of so many bytes together.
  func begin(byteCount: Int, parts: Int) {
    used = 0
    let needed = byteCount + parts * 64
    guard needed > capacity else { return }
    if let memory { freeVisible(memory) }
    capacity = needed + needed / 8
    memory = allocateVisible(byteCount: capacity, .shared)
  }

  func take<Element>(_ count: Int, of type: Element.Type) -> UnsafeMutablePointer<Element> {
    guard let memory else { preconditionFailure("begin makes room") }
    let start = used
    used = (start + count * MemoryLayout<Element>.stride + 63) & ~63
    precondition(used <= capacity, "the parts are larger than was said")
    return (memory + start).bindMemory(to: type, capacity: max(count, 1))
  }

  func take<Element>(copying values: some Collection<Element>) -> UnsafeMutablePointer<Element> {
    let part = take(values.count, of: Element.self)
    _ = UnsafeMutableBufferPointer(start: part, count: values.count).update(fromContentsOf: values)
    return part
  }
}
