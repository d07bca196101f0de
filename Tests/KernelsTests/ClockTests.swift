// Durations in seconds, and the clock that signal handlers read.

import Kernels
import Testing

struct ClockTests {
  @Test func secondsKeepTheirFraction() {
    #expect(Duration.milliseconds(1500).seconds == 1.5 && Duration.zero.seconds == 0)
    #expect(Duration.nanoseconds(2_999_999_999).seconds == 2.999999999)
    #expect(Duration.seconds(86400).seconds == 86400 && Duration.milliseconds(-250).seconds == -0.25)
  }

  @Test func theClockGoesForwards() {
    let before = monotonicNanoseconds()
    #expect(before > 0 && monotonicNanoseconds() >= before)
  }
}
