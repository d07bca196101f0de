// A child of this program that runs while training goes on, with a deadline. Used by PluginReloader to run the code of
// a rebuilt plugin for the first time where it can do no harm.

import Glibc

/// How a child ended.
enum CheckEnd: Equatable {
  /// It ended by itself with this code.
  case exited(Int32)
  case died(signal: Int32)
  case tooLong
}

/// A running child; gone with this object.
final class CheckProcess {
  private let process: pid_t
  private let began = ContinuousClock.now
  private let deadline: Double
  private var end: CheckEnd?

  /// Starts `program` with `arguments`; standard error goes to `errors`, standard output nowhere.
  /// - Throws: `TrainingError.unreadable` where no process can be started.
  init(program: String, arguments: [String], errors: String, deadline: Double) throws {
    self.deadline = deadline
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors, O_WRONLY | O_CREAT, 0o600)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // A group of its own: Ctrl-C is for the run, and a kill reaches what the child started.
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    var words = (["mixcse"] + arguments).map { strdup($0) } + [nil]
    // A crash is an answer here; a backtrace would only take time.
    var variables = Self.environment(with: "SWIFT_BACKTRACE=enable=no").map { strdup($0) } + [nil]
    defer { for text in words + variables { free(text) } }
    var process = pid_t()
    let status = posix_spawn(&process, program, &actions, &attributes, &words, &variables)
    guard status == 0 else { throw TrainingError.unreadable(path: program, operation: "posix_spawn", code: status) }
    self.process = process
  }

  deinit {
    if poll() == nil { kill() }
  }

  /// How it ended; nil while it runs and has time left.
  func poll() -> CheckEnd? {
    if let end { return end }
    var status: Int32 = 0
    if waitpid(process, &status, WNOHANG) == process {
      let signal = status & 0x7F
      end = signal == 0 ? .exited(status >> 8 & 0xFF) : .died(signal: signal)
    } else if ContinuousClock.now - began > .seconds(deadline) {
      kill()
      end = .tooLong
    }
    return end
  }

  private func kill() {
    Glibc.kill(-process, SIGKILL)
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 && errno == EINTR {}
  }

  private static func environment(with entry: String) -> [String] {
    let name = entry.prefix { $0 != "=" } + "="
    var entries: [String] = []
    var next = environ
    while let text = next.pointee {
      entries.append(String(cString: text))
      next += 1
    }
    return entries.filter { !$0.hasPrefix(name) } + [entry]
  }
}

extension CheckEnd {
  /// What was wrong, in the words of a log line; nil where nothing was.
  func problem(said: String, deadline: Double) -> String? {
    switch self {
    case .exited(0): nil
    case .exited(let code): said.isEmpty ? "its check ended with code \(code)" : said
    case .died(let signal): "it died of \(Self.name(of: signal)) in its check"
    case .tooLong: "its check did not end within \(fixed(deadline, 0)) s"
    }
  }

  private static func name(of signal: Int32) -> String {
    let names: [Int32: String] = [
      SIGSEGV: "SIGSEGV", SIGABRT: "SIGABRT", SIGILL: "SIGILL (a trap)", SIGFPE: "SIGFPE", SIGBUS: "SIGBUS",
      SIGKILL: "SIGKILL", SIGTRAP: "SIGTRAP (a trap)", SIGALRM: "SIGALRM, its deadline,",
    ]
    return names[signal] ?? "signal \(signal)"
  }
}
