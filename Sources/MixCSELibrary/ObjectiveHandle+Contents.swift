// What a mixcse_objective holds, by number: parameters, gradients, states; metrics, blocks and encodings.

import Host
import Kernels
import LibraryAPI
import Objective

/// What is counted.
enum Contents: Int32 {
  case parameters = 1, gradients, states, metrics, blocks, encodings

  /// - Throws: `CallError.argument`
  init(number: Int32) throws {
    guard let known = Contents(rawValue: number) else {
      throw CallError.argument("what", expected: "MIXCSE_PARAMETERS to MIXCSE_ENCODINGS", found: "\(number)")
    }
    self = known
  }
}

extension ObjectiveHandle {
  /// One named array of numbers.
  struct NamedTensor {
    let name: String
    let shape: [Int]
    let isInteger: Bool
    let bytes: UnsafeMutableRawBufferPointer
    var decays = true
    var learningRateFactor = 1.0
  }

  func count(of what: Contents) throws -> Int {
    switch what {
    case .parameters, .gradients: objective.parameters.count
    case .states: objective.states.count
    case .metrics: metrics.count
    case .blocks: blocks.count
    case .encodings: objective.wantedEncodings.count
    }
  }

  // MARK: Tensors

  /// - Throws: `CallError.argument`
  func tensor(_ what: Contents, _ number: Int64) throws -> NamedTensor {
    switch what {
    case .parameters, .gradients:
      let all = objective.parameters
      let parameter = all[try Argument.index(number, below: all.count, of: "parameters")]
      let values = what == .parameters ? parameter.value : parameter.gradient
      return NamedTensor(
        name: parameter.name, shape: parameter.shape, isInteger: false,
        bytes: UnsafeMutableRawBufferPointer(start: values, count: parameter.count * 4), decays: parameter.decays,
        learningRateFactor: Double(parameter.learningRateMultiplier))
    case .states:
      let all = objective.states
      let state = all[try Argument.index(number, below: all.count, of: "states")]
      return NamedTensor(
        name: state.name, shape: state.shape, isInteger: state.element == .int64, bytes: state.bytes)
    case .metrics, .blocks, .encodings:
      throw CallError.argument(
        "what", expected: "MIXCSE_PARAMETERS, MIXCSE_GRADIENTS or MIXCSE_STATES", found: "\(what.rawValue)")
    }
  }

  func description(_ what: Contents, _ number: Int64) throws -> mixcse_tensor {
    let tensor = try tensor(what, number)
    var result = mixcse_tensor()
    result.name = keep(tensor.name)
    result.type = UInt32(tensor.isInteger ? MIXCSE_INT64 : MIXCSE_FLOAT32)
    result.flags = tensor.decays ? 0 : UInt32(MIXCSE_NO_DECAY)
    result.n_dimensions = UInt32(tensor.shape.count)
    withUnsafeMutableBytes(of: &result.shape) { bytes in
      for (axis, extent) in tensor.shape.prefix(4).enumerated() {
        bytes.storeBytes(of: Int64(extent), toByteOffset: axis * 8, as: Int64.self)
      }
    }
    result.byte_count = Int64(tensor.bytes.count)
    result.learning_rate_factor = tensor.learningRateFactor
    return result
  }

  func read(_ what: Contents, _ number: Int64, to target: UnsafeMutableRawPointer, byteCount: Int64) throws {
    let tensor = try sized(what, number, byteCount)
    UnsafeMutableRawBufferPointer(start: target, count: tensor.bytes.count).copyMemory(
      from: UnsafeRawBufferPointer(tensor.bytes))
  }

  func write(_ what: Contents, _ number: Int64, from source: UnsafeRawPointer, byteCount: Int64) throws {
    let tensor = try sized(what, number, byteCount)
    guard what != .gradients else {
      throw CallError.argument("what", expected: "MIXCSE_PARAMETERS or MIXCSE_STATES", found: "MIXCSE_GRADIENTS")
    }
    if !tensor.isInteger {
      let numbers = tensor.bytes.count / 4
      let flaw = (0..<numbers).first { !source.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self).isFinite }
      if let flaw { throw ObjectiveError.inputNotFinite(what: tensor.name, row: flaw / (tensor.shape.last ?? 1)) }
    }
    tensor.bytes.copyMemory(from: UnsafeRawBufferPointer(start: source, count: tensor.bytes.count))
  }

  private func sized(_ what: Contents, _ number: Int64, _ byteCount: Int64) throws -> NamedTensor {
    let tensor = try tensor(what, number)
    guard byteCount == Int64(tensor.bytes.count) else {
      throw CallError.argument(
        "byte_count", expected: "\(tensor.bytes.count), \(tensor.name) has the shape \(tensor.shape)",
        found: "\(byteCount)")
    }
    return tensor
  }

  // MARK: Figures of the last batch

  func metric(_ number: Int64) throws -> (name: UnsafePointer<CChar>?, value: Double) {
    let metric = metrics[try Argument.index(number, below: metrics.count, of: "metrics; they come with a batch")]
    return (keep(metric.name), metric.value)
  }

  func block(_ number: Int64) throws -> mixcse_block {
    let block = blocks[try Argument.index(number, below: blocks.count, of: "blocks; they come with a batch")]
    var result = mixcse_block()
    (result.label, result.sampler) = (keep(block.label), keep(block.sampler))
    (result.rows, result.columns, result.detached) = (keep(block.rows), keep(block.columns), keep(block.detached))
    (result.group, result.negatives) = (UInt32(block.group), Int64(block.count))
    result.mean_logit = block.meanLogit
    return result
  }

  func encoding(_ number: Int64) throws -> mixcse_encoding {
    let wanted = objective.wantedEncodings
    let encoding = wanted[try Argument.index(number, below: wanted.count, of: "encodings")]
    var result = mixcse_encoding()
    result.text = keep("\(encoding)")
    result.view = Int32(encoding.view)
    result.width = Int64(encoding.width(objective.limits))
    switch encoding.source {
    case .encoder(let dropout): (result.by, result.dropout) = (UInt32(MIXCSE_BY_ENCODER), dropout ?? -1)
    case .average(let decay, let dropout):
      (result.by, result.dropout, result.decay) = (UInt32(MIXCSE_BY_AVERAGE), dropout ?? -1, decay)
    case .guide(let guide): (result.by, result.guide) = (UInt32(MIXCSE_BY_GUIDE), UInt32(guide))
    }
    return result
  }
}
