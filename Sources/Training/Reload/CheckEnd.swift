// How the check of a rebuilt plugin ended, in the words of a log line. Used by PluginReloader.

import Glibc
import Processes

extension ProcessEnd {
  /// What was wrong; nil where nothing was.
  /// - Parameters:
  ///   - said: what the check said on standard error.
  ///   - deadline: the seconds it was given.
  func problem(said: String, deadline: Double) -> String? {
    switch self {
    case .exited(0): nil
    case .exited(let code): said.isEmpty ? "its check ended with code \(code)" : said
    case .signalled(SIGALRM): "it died of SIGALRM, its deadline, in its check"
    case .signalled(let signal): "it died of \(SignalName.short(signal)) in its check"
    case .overran: "its check did not end within \(fixed(deadline, 0)) s"
    }
  }
}
