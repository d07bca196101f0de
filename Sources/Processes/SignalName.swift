// What the signals are called that end processes. Used by everybody who says how a process ended.

import CProcesses
import Glibc

/// Names of signals.
package enum SignalName {
  /// The name, with what is behind it where few know: `SIGSEGV`, `SIGILL (a trap)`.
  package static func short(_ signal: Int32) -> String {
    guard let name = cp_signal_name(signal) else { return "signal \(signal)" }
    return String(cString: name) + (cp_signal_note(signal).map { " (\(String(cString: $0)))" } ?? "")
  }

  /// The name with what it means for somebody who reads a report: `SIGSEGV (bad memory access)`.
  package static func explained(_ signal: Int32) -> String {
    switch signal {
    case SIGSEGV, SIGBUS: short(signal) + " (bad memory access)"
    case SIGKILL: short(signal) + " (from outside, or out of memory)"
    default: short(signal)
    }
  }
}
