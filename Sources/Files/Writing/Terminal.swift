// The terminal that standard error may be: its size at this moment, and a line at its end that renews itself. Used by
// every display of progress.

import Glibc

/// What standard error is connected to.
package enum Terminal {
  /// Whether lines can renew themselves there: a terminal that obeys the usual sequences. Emacs' shell, logs of build
  /// services and the like call themselves `dumb`, or nothing.
  package static var isLive: Bool { isLive(isTerminal: isatty(STDERR_FILENO) == 1, name: getenv("TERM")) }

  static func isLive(isTerminal: Bool, name: UnsafeMutablePointer<CChar>?) -> Bool {
    guard isTerminal, let name = name.map({ String(cString: $0) }) else { return false }
    return !["", "dumb", "unknown"].contains(name)
  }

  /// Columns and rows, asked anew each time, so that a terminal may be resized; 80 x 24 where it does not say.
  package static var size: (columns: Int, rows: Int) {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return (80, 24) }
    return (Int(size.ws_col), Int(size.ws_row))
  }

  /// Columns of the terminal that standard output is; nil where it is none, or does not say.
  package static var outputColumns: Int? {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }
}

/// The text of a line that renews itself at the end of a terminal.
///
/// The cursor waits at the line's beginning: where the terminal becomes narrower and breaks the line, the beginning is
/// still the place from which all of it is cleared, whether the terminal moves text about or cuts it off.
package struct LiveLine: Sendable {
  private var shown = ""

  /// No line yet.
  package init() {}

  /// Whether there is something to clear.
  package var isOpen: Bool { !shown.isEmpty }

  /// What puts `text`, which fits the terminal's width, in the place of what is shown.
  package mutating func renew(_ text: String) -> String {
    shown = text
    return "\r" + text + "\u{1B}[J\r"
  }

  /// What puts lines of their own in its place.
  package mutating func replace(with lines: String) -> String {
    defer { shown = "" }
    return (isOpen ? "\r\u{1B}[J" : "") + lines + "\n"
  }

  /// What leaves it standing and goes on below.
  package mutating func close() -> String {
    defer { shown = "" }
    return isOpen ? "\r" + shown + "\u{1B}[J\n" : ""
  }
}
