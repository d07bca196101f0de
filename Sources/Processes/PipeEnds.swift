// Pipes to and from children. Used by WorkerProcess and ComparisonRunner.

import CProcesses
import Glibc
import Synchronization

/// Both ends of a pipe; no child inherits them unless it is given one, and they are closed when the object goes.
package final class PipeEnds: Sendable {
  /// What is written to `writing` comes out here.
  package let reading: Int32
  /// Closed by `closeWriting`, or with the object.
  package let writing: Int32
  private let isWritingOpen = Mutex(true)

  /// - Throws: `SystemFailure`.
  package init() throws(SystemFailure) {
    var ends: [Int32] = [-1, -1]
    guard cp_pipe(&ends) == 0 else { throw SystemFailure(operation: "pipe", code: errno) }
    (reading, writing) = (ends[0], ends[1])
  }

  deinit {
    closeWriting()
    close(reading)
  }

  /// To be called once a child has its own copy: the reader then sees the end when the child has ended.
  package func closeWriting() {
    isWritingOpen.withLock { isOpen in
      if isOpen { close(writing) }
      isOpen = false
    }
  }
}
