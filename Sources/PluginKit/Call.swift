// What every function of a component is told: parameters, step, memory, host services, and how it fails.

public import PluginAPI

/// A failure a component reports. The host drops the batch and names component, function, step and this text.
public struct PluginError: Error {
  /// One of the `CSE_E_` values.
  public let status: cse_status
  /// What is wrong, for the person who reads the log.
  public let message: String

  /// A value or a shape this component cannot work with.
  public static func invalid(_ message: String) -> PluginError {
    PluginError(status: cse_status(CSE_E_INVALID), message: message)
  }

  /// Something this host or run does not offer: a third view, a service.
  public static func unsupported(_ message: String) -> PluginError {
    PluginError(status: cse_status(CSE_E_UNSUPPORTED), message: message)
  }

  /// The numbers went out of range.
  public static func numeric(_ message: String) -> PluginError {
    PluginError(status: cse_status(CSE_E_NUMERIC), message: message)
  }
}

/// Which numbers `Call.random` draws.
public enum Distribution: Int32 {
  /// Uniform in [0, 1).
  case uniform = 0
  /// Mean 0, standard deviation 1.
  case normal = 1
}

/// One call by the host. Valid until the function returns.
public struct Call {
  /// The host's own structure.
  public let raw: UnsafePointer<cse_call>

  /// The value of a parameter.
  public subscript(_ parameter: Real) -> Float { Float(raw.pointee.values[parameter.index].f) }
  /// The value of a parameter.
  public subscript(_ parameter: Whole) -> Int { Int(raw.pointee.values[parameter.index].i) }
  /// The value of a parameter.
  public subscript(_ parameter: Flag) -> Bool { raw.pointee.values[parameter.index].i != 0 }
  /// The path of the file, from the root; nil where none is named.
  public subscript(_ parameter: FilePath) -> String? {
    let path = String(cString: raw.pointee.values[parameter.index].s)
    return path.isEmpty ? nil : path
  }
  /// The value of a parameter.
  public subscript<Value>(_ parameter: Choice<Value>) -> Value {
    Value(rawValue: raw.pointee.values[parameter.index].i) ?? parameter.fallback
  }

  /// The optimiser step, from 0.
  public var step: Int { Int(raw.pointee.step) }
  /// The number of optimiser steps of the run; 0 = unknown.
  public var totalSteps: Int { Int(raw.pointee.total_steps) }
  /// The epoch with its fraction, from 0.
  public var epoch: Double { raw.pointee.epoch }
  /// Whether this is a training batch; off in evaluation, where only poolers run.
  public var isTraining: Bool { raw.pointee.flags & UInt32(CSE_TRAINING) != 0 }
  /// The scratch memory declared in plan: undefined contents, dead after the call.
  public var scratch: UnsafeMutableRawPointer? { raw.pointee.scratch }
  /// The start of the scratch memory as numbers, `[rows, columns]`.
  public func scratch(rows: Int, columns: Int) throws -> Matrix {
    guard let scratch else { throw PluginError.invalid("no scratch was declared: call scratch(bytes:) in plan") }
    return Matrix(scratch.assumingMemoryBound(to: Float.self), rows: rows, columns: columns)
  }
  /// The tape declared in plan: written by forward, the same bytes in its backward and commit.
  public var tape: UnsafeMutableRawPointer? { raw.pointee.tape }

  /// State `k` as declared in plan; to be written in `commit` only.
  public func state(_ k: Int) throws -> Matrix { try tensor(raw.pointee.states, k, "state") }
  /// Learnable weight `k` as declared in plan.
  public func weight(_ k: Int) throws -> Matrix { try tensor(raw.pointee.weights, k, "weight") }
  /// The gradient of weight `k`, to be added to; nil where no gradient is wanted.
  public func weightGradient(_ k: Int) -> Matrix? {
    raw.pointee.dweights.flatMap { $0[k] }.map { Matrix($0) }
  }

  /// Reports a metric of this step.
  public func report(_ metric: Metric, _ value: Double) {
    raw.pointee.metrics?[metric.index] = value
  }

  /// Fills `count` floats with numbers `offset...` of this instance's stream for this batch.
  public func random(
    _ kind: Distribution, offset: Int = 0, into numbers: UnsafeMutablePointer<Float>, count: Int
  ) throws {
    guard let fill = raw.pointee.host.pointee.random else { throw PluginError.unsupported("the host draws no numbers") }
    fill(raw, kind.rawValue, UInt64(offset), numbers, Int64(count))
  }

  /// Runs `body` over chunks of `0..<count`, possibly on several threads; returns when all are done.
  ///
  /// Chunk borders depend on `count` and `grain` only. `body` must be safe to run on several threads at once.
  public func parallelFor(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) throws {
    let run = raw.pointee.host.pointee.parallel_for
    let status = withoutActuallyEscaping(body) { body in
      var box = RangeBody(body: body)
      return withUnsafeMutablePointer(to: &box) { user in
        run?(raw, Int64(count), Int64(grain), runRange, UnsafeMutableRawPointer(user)) ?? cse_status(CSE_E_UNSUPPORTED)
      }
    }
    if status != cse_status(CSE_OK) { throw PluginError(status: status, message: "the host ended parallel_for early") }
  }

  /// The run's own losses with `vectors` `[m, width]` as further candidates of every anchor, and the gradient at them.
  /// In `sample` only; nothing is learned by it.
  /// - Throws: where the host does not offer it: in evaluation, in a process of its own, without a loss on logits.
  public func score(_ vectors: Matrix, gradient: Matrix) throws -> Double {
    let table = try service(CSE_SCORE_1, as: cse_score_1.self, "loss of made-up vectors")
    var loss = 0.0
    let status = vectors.withTensor { vectors in
      gradient.withTensor { gradient in
        table.pointee.gradient?(raw, vectors, gradient, &loss) ?? cse_status(CSE_E_UNSUPPORTED)
      }
    }
    guard status == cse_status(CSE_OK) else {
      throw PluginError(
        status: status,
        message: "the host does not score made-up vectors here: it does in training, where a loss looks at logits, and "
          + "for plugins inside its process (without --isolate)")
    }
    return loss
  }

  private func tensor(
    _ tensors: UnsafePointer<UnsafeMutablePointer<DLTensor>?>?, _ k: Int, _ what: String
  ) throws -> Matrix {
    guard let pointer = tensors?[k] else { throw PluginError.invalid("\(what) \(k) was not given by the host") }
    return Matrix(pointer)
  }
}

private struct RangeBody {
  let body: (Range<Int>) -> Void
}

private let runRange: cse_range_fn = { user, begin, end, _ in
  user?.assumingMemoryBound(to: RangeBody.self).pointee.body(Int(begin)..<Int(end))
}
