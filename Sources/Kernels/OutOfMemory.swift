// What happens where the system has no memory left: a message and an exit code. Whoever asks for memory cannot go on
// without it, and would have no memory to clean up with; checkpoints and models in place are whole at any moment.

import Glibc

/// How the program ends without memory.
package enum OutOfMemory {
  /// The code of a failure that may pass: another program may be gone by the next try.
  package static let exitCode: Int32 = 75
  /// Which of several processes this is, put before the message; set before other threads start.
  package nonisolated(unsafe) static var place = ""

  /// Says how much was asked for and ends the process.
  /// - Parameter byteCount: nil for more than the address space holds.
  package static func end(byteCount: Int?) -> Never {
    let amount = byteCount.map(text) ?? "more than 8 EiB"
    let message =
      "error: \(place)expected \(amount) of memory, found that the system gives no more. Use a smaller model, smaller "
      + "batches (--batch-size, --max-seq-length) or a machine with more memory; ulimit -v shows a limit on this "
      + "process\n"
    fflush(nil)
    message.utf8CString.withUnsafeBytes { _ = write(STDERR_FILENO, $0.baseAddress, $0.count - 1) }
    _exit(exitCode)
  }

  private static func text(_ byteCount: Int) -> String {
    let tenths = byteCount / (1 << 30 / 10)
    return tenths > 0 ? "\(tenths / 10).\(tenths % 10) GiB" : "\(byteCount) bytes"
  }
}
