// A call of the system that failed. Thrown throughout Processes; callers put it into their own words.

import Files

/// Which call failed and why.
package struct SystemFailure: Error, Equatable, CustomStringConvertible {
  /// The call, as `posix_spawn`.
  package let operation: String
  /// The system's error number.
  package let code: Int32

  /// The failure of a call; `code` is `errno` after it.
  package init(operation: String, code: Int32) {
    self.operation = operation
    self.code = code
  }

  package var description: String { "\(operation) failed: \(systemMessage(code))" }
}
