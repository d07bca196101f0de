// SIGINT and SIGTERM as a wish to stop at the next step's end. A second signal ends the process at once.
// Installed by the training loop, asked between steps.

import Glibc
import Synchronization

private let requests = Atomic<Int>(0)

/// Whether the user asked the run to stop.
package enum Interruption {
  /// From now on the first SIGINT or SIGTERM is remembered instead of ending the process, and a write beyond a size
  /// limit is an error instead of a signal.
  package static func install() {
    requests.store(0, ordering: .relaxed)
    for number in [SIGINT, SIGTERM] {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { _ in requests.add(1, ordering: .relaxed) }
      action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_RESTART
      sigaction(number, &action, nil)
    }
    signal(SIGXFSZ, SIG_IGN)
  }

  package static var isRequested: Bool { requests.load(ordering: .relaxed) > 0 }
}
