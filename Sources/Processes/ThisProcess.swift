// What this process knows of itself: its own program and its variables. Used by whoever starts the program again.

import Files
import Glibc

/// This process.
package enum ThisProcess {
  /// A path that always leads to this program, even if its file was replaced meanwhile.
  package static let link = "/proc/self/exe"

  /// Where the program's file lies; nil where it was removed.
  package static var executable: String? { Path.resolved(link) }
}

/// The variables of this process.
package enum Environment {
  /// All of them, as `NAME=value`.
  /// - Parameter changes: entries that take the place of those of the same name.
  package static func entries(with changes: [String] = []) -> [String] {
    let names = changes.map { $0.prefix { $0 != "=" } + "=" }
    var entries: [String] = []
    var next = environ
    while let text = next.pointee {
      let entry = String(cString: text)
      if !names.contains(where: { entry.hasPrefix($0) }) { entries.append(entry) }
      next += 1
    }
    return entries + changes
  }

  /// All of them for a child whose crash is an answer: a backtrace would take time, and its pages of registers would
  /// hide what the child wrote last. Whoever sets SWIFT_BACKTRACE wants one.
  package static func withoutBacktrace() -> [String] {
    entries(with: getenv("SWIFT_BACKTRACE") == nil ? ["SWIFT_BACKTRACE=enable=no"] : [])
  }
}
