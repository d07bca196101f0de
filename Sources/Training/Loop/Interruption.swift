// Signals as a wish to stop: at the end of the step, or earlier where a plugin's call goes on and on (see
// HostServices). A second Ctrl-C ends the process at once. Installed by the training loop and by a comparison, asked
// between steps.

import Glibc
import Kernels
import Synchronization

/// When the first signal came; 0 = there was none.
private let firstRequest = Atomic<Int64>(0)

/// Some senders send twice within a moment: `timeout` to the process and to its group, a shell beside the kernel.
private let momentNanoseconds: Int64 = 100_000_000

/// Whether the user, the terminal or a scheduler asked the run to stop.
package enum Interruption {
  /// Ctrl-C; `kill`, `timeout`; a terminal that is gone; what schedulers send before they end a job; the soft limit of
  /// processor time.
  package static let signals = [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU]

  /// From now on the first of these signals is remembered instead of ending the process.
  ///
  /// What was ignored when the program started stays ignored (`nohup`), but for SIGINT, which shells ignore for
  /// programs in the background, and SIGTERM. Only these two end the process where they come again: a limit of
  /// processor time says so every second, and the end of a terminal more than once.
  package static func install() {
    firstRequest.store(0, ordering: .relaxed)
    var all = sigset_t()
    sigemptyset(&all)
    for number in signals {
      sigaddset(&all, number)
      var action = sigaction()
      sigaction(number, nil, &action)
      let isIgnored = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
      if isIgnored, number != SIGINT, number != SIGTERM { continue }
      action = sigaction()
      action.__sigaction_handler.sa_handler = { number in
        let now = monotonicNanoseconds()
        let (isFirst, first) = firstRequest.compareExchange(expected: 0, desired: now, ordering: .relaxed)
        guard !isFirst, number == SIGINT || number == SIGTERM, now - first > momentNanoseconds else { return }
        signal(number, SIG_DFL)
        raise(number)
      }
      action.sa_flags = SA_RESTART
      sigaction(number, &action, nil)
    }
    // A parent's thread may have started this program with the signals blocked.
    pthread_sigmask(SIG_UNBLOCK, &all, nil)
  }

  /// Whether a signal came.
  package static var isRequested: Bool { requestedAt != nil }

  /// When the first signal came, by `monotonicNanoseconds`; nil as long as none did. May be asked from any thread.
  package static var requestedAt: Int64? {
    let time = firstRequest.load(ordering: .relaxed)
    return time == 0 ? nil : time
  }
}
