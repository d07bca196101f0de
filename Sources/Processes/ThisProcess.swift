// What this process knows of itself: its own program and its variables. Used by whoever starts the program again.

import Files
import Glibc

/// This process.
package enum ThisProcess {
  /// A path that always leads to this program, even if its file was replaced meanwhile.
  package static let link = "/proc/self/exe"

  /// Where the program's file lies; nil where it was removed.
  package static var executable: String? { Path.resolved(link) }

  /// The file that this code itself was mapped from: the program, or the bundle of tests that it is part of; nil where
  /// the system does not say.
  package static let codeFile: String? = {
    let here: @convention(c) () -> Void = {}
    let address = unsafeBitCast(here, to: UInt.self)
    guard let file = fopen("/proc/self/maps", "r") else { return nil }
    defer { fclose(file) }
    var buffer: UnsafeMutablePointer<CChar>?
    var size = 0
    defer { free(buffer) }
    while getline(&buffer, &size, file) > 0, let buffer {
      // Addresses, rights, offset, device, inode, file.
      let fields = String(cString: buffer).dropLast().split(separator: " ", maxSplits: 5)
      let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
      guard ends.count == 2, ends[0] <= address, address < ends[1], fields.count == 6 else { continue }
      return fields[5].drop { $0 == " " }.hasPrefix("/") ? String(fields[5].drop { $0 == " " }) : nil
    }
    return nil
  }()
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
