// A child process in a process group of its own: a Ctrl-C on the terminal reaches the comparison alone, which passes it
// on once. Its standard input is a pipe that ends when this process does. Used by ComparisonRunner.

import Glibc

/// A started program.
final class ChildProcess {
  enum Ending: Equatable {
    case exited(Int32)
    case signalled(Int32)
  }

  private let process: pid_t
  private var ending: Ending?

  /// Starts a program whose output and errors are appended to `log`.
  /// - Parameter input: a descriptor that becomes standard input.
  /// - Throws: `ComparisonError.system`.
  init(_ program: String, _ arguments: [String], input: Int32, log: String) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    var words = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    // Crashes of plugins are expected; the report of a backtracer would only cost time.
    var variables = Self.environment(adding: "SWIFT_BACKTRACE=enable=no").map { strdup($0) } + [nil]
    defer { for variable in variables { free(variable) } }
    // Where the shell ignores the end of children, nobody could ask how they ended.
    signal(SIGCHLD, SIG_DFL)
    var process: pid_t = 0
    let code = posix_spawn(&process, program, &actions, &attributes, &words, &variables)
    guard code == 0 else { throw ComparisonError.system(path: program, operation: "start", code: code) }
    self.process = process
  }

  private static func environment(adding variable: String) -> [String] {
    var result: [String] = [variable]
    let name = variable.prefix { $0 != "=" } + "="
    var next = environ
    while let entry = next.pointee {
      let text = String(cString: entry)
      if !text.hasPrefix(name) { result.append(text) }
      next += 1
    }
    return result
  }

  /// How it ended; nil while it runs.
  func poll() -> Ending? {
    if ending != nil { return ending }
    var status: Int32 = 0
    guard waitpid(process, &status, WNOHANG) == process else { return nil }
    let signal = status & 0x7F
    ending = signal == 0 ? .exited(status >> 8 & 0xFF) : .signalled(signal)
    return ending
  }

  /// Asks it to stop: a training run then finishes its step and writes a checkpoint.
  func interrupt() { if ending == nil { kill(process, SIGINT) } }

  /// What a signal is called.
  static func name(of signal: Int32) -> String {
    let names: [Int32: String] = [
      SIGSEGV: "SIGSEGV (bad memory access)", SIGABRT: "SIGABRT", SIGILL: "SIGILL (a trap)", SIGFPE: "SIGFPE",
      SIGBUS: "SIGBUS (bad memory access)", SIGKILL: "SIGKILL (from outside, or out of memory)",
      SIGTRAP: "SIGTRAP (a trap)",
    ]
    return names[signal] ?? "signal \(signal)"
  }
}
