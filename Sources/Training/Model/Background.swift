// One piece of work beside the caller's own, for what takes long and is needed late. Used by TrainingPlan.

import Dispatch
import Synchronization

/// A value that is computed on another thread from the moment it is asked for.
final class Background<Value: Sendable>: Sendable {
  private let result = Mutex<Result<Value, any Error>?>(nil)
  private let done = DispatchGroup()

  init(_ body: @escaping @Sendable () throws -> Value) {
    DispatchQueue.global().async(group: done) { [self] in
      let value = Result { try body() }
      result.withLock { $0 = value }
    }
  }

  /// Waits for the value.
  /// - Throws: what computing it threw.
  func value() throws -> Value {
    done.wait()
    guard let found = result.withLock({ $0 }) else { preconditionFailure("the work ended without a result") }
    return try found.get()
  }
}
