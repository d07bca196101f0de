// Standard output and error as every command uses them: what cannot be printed is an error with an exit code, what
// cannot be said is dropped, and neither ends the program by a signal.

import Glibc
import Synchronization

/// What the program does about its standard streams before anything else.
package enum StandardStreams {
  /// Gives closed descriptors something to be, and makes a write that fails an error instead of a signal.
  package static func prepare() {
    // The next file to be opened would otherwise become descriptor 2 and receive what is said. Standard output is
    // opened for reading: closed, it cannot be written to, and that is an error.
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
      _ = open("/dev/null", descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY)
    }
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
  }
}

/// Progress, notes and errors.
package enum StandardError {
  /// Says something; where nobody can hear it (a full disk, a terminal that is gone), nothing happens.
  package static func write(_ text: String) {
    try? writeAll(Array(text.utf8), to: STDERR_FILENO)
  }
}

/// What a command is asked for.
package enum StandardOutput {
  private static let pending = Mutex<[UInt8]>([])
  private static let isTerminal = isatty(STDOUT_FILENO) == 1

  /// Prints a line: at once on a terminal, else with the 64 KiB around it or at `flush`.
  /// - Throws: `FileError.cannotPrint`.
  package static func print(_ line: String) throws {
    try pending.withLock { bytes in
      bytes += line.utf8
      bytes.append(UInt8(ascii: "\n"))
      if isTerminal || bytes.count >= 1 << 16 { try writePending(&bytes) }
    }
  }

  /// Writes what was printed so far.
  /// - Throws: `FileError.cannotPrint`, once for the bytes that were lost.
  package static func flush() throws { try pending.withLock { try writePending(&$0) } }

  private static func writePending(_ bytes: inout [UInt8]) throws {
    defer { bytes.removeAll(keepingCapacity: true) }
    do { try writeAll(bytes, to: STDOUT_FILENO, waits: true) } catch { throw FileError.cannotPrint(code: error.code) }
  }
}
