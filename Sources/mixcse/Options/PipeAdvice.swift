// A shell takes `|` for a pipe: `compare simcse mixcse:lambda=0.1|0.2` without quotes starts this program with the
// first half of its arguments, and a program called 0.2. Asked where arguments are missing, and before a long run.

import Glibc

enum PipeAdvice {
  /// What was probably meant; nil where standard output is no pipe, or the last argument is no value of a parameter.
  static var text: String? {
    var status = stat()
    guard fstat(STDOUT_FILENO, &status) == 0, status.st_mode & S_IFMT == S_IFIFO, let last = CommandLine.arguments.last,
      !last.hasPrefix("-"), let colon = last.firstIndex(of: ":"), last[colon...].contains("=")
    else { return nil }
    return "if '\(last)' was to have several values, the shell took | for a pipe: write it in quotes, '\(last)|...'"
  }

  /// The same where nobody reads the pipe: no program stands behind it.
  static var warning: String? {
    var output = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
    guard let text, poll(&output, 1, 0) > 0, Int32(output.revents) & POLLERR != 0 else { return nil }
    return "nobody reads the output; " + text
  }
}
