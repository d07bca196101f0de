// SIGINT and SIGTERM as a wish to stop: at the end of the step, or earlier where a plugin's call goes on and on (see
// HostServices). A second signal ends the process at once. Installed by the training loop, asked between steps.

import Glibc
import Kernels
import Synchronization

/// When the first signal came; 0 = there was none.
private let firstRequest = Atomic<Int64>(0)

/// Whether the user asked the run to stop.
package enum Interruption {
  /// From now on the first SIGINT or SIGTERM is remembered instead of ending the process, and a write beyond a size
  /// limit is an error instead of a signal.
  package static func install() {
    firstRequest.store(0, ordering: .relaxed)
    for number in [SIGINT, SIGTERM] {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { _ in
        _ = firstRequest.compareExchange(expected: 0, desired: monotonicNanoseconds(), ordering: .relaxed)
      }
      action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_RESTART
      sigaction(number, &action, nil)
    }
    signal(SIGXFSZ, SIG_IGN)
    // A parent's thread may have started this program with the signals blocked.
    var both = sigset_t()
    sigemptyset(&both)
    sigaddset(&both, SIGINT)
    sigaddset(&both, SIGTERM)
    pthread_sigmask(SIG_UNBLOCK, &both, nil)
  }

  /// Whether a signal came.
  package static var isRequested: Bool { requestedAt != nil }

  /// When the first signal came, by `monotonicNanoseconds`; nil as long as none did. May be asked from any thread.
  package static var requestedAt: Int64? {
    let time = firstRequest.load(ordering: .relaxed)
    return time == 0 ? nil : time
  }
}
