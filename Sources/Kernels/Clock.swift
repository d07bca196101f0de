// Time: the one conversion of durations to seconds, for whatever is logged or reported, and a clock that a signal
// handler may read.

import CKernels

extension Duration {
  /// The duration in seconds, with its fraction.
  package var seconds: Double { self / .seconds(1) }
}

/// Nanoseconds of the system's monotonic clock. Calls nothing that a signal handler may not.
package func monotonicNanoseconds() -> Int64 { ck_nanoseconds() }
