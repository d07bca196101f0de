// A program started beside this one: its descriptors, its deadline, how it ended. Used for workers that run plugins,
// for checks of plugins and for the runs of a comparison.

import CProcesses
import Glibc

/// How a process ended.
package enum ProcessEnd: Equatable, Sendable {
  /// By itself, with this code.
  case exited(Int32)
  /// By a signal.
  case signalled(Int32)
  /// By this program, because it took longer than its deadline.
  case overran
}

extension ProcessEnd {
  /// The signal that ended it; nil where none did.
  package var signal: Int32? { if case .signalled(let signal) = self { signal } else { nil } }
}

/// What becomes a descriptor of a child.
package enum ChildStream: Equatable, Sendable {
  /// /dev/null.
  case nothing
  /// A descriptor of this process, which stays open here and belongs to the caller.
  case descriptor(Int32)
  /// A file that is appended to, and made where it is not there.
  case appended(to: String)
}

/// What a child is started with.
package struct ChildSettings {
  /// The program's file.
  package var program: String
  /// Its arguments, the name it is called by first.
  package var arguments: [String]
  /// Its variables, as `NAME=value`.
  package var variables: [String] = Environment.entries()
  /// What becomes its standard input, output and error, and its descriptors from 3 on.
  package var streams: [ChildStream] = [.nothing, .nothing, .nothing]
  /// Whether it also gets the descriptors of this process that are not closed on exec, such as a held lock.
  package var inheritsOthers = false
  /// Whether it leads a process group of its own: Ctrl-C on the terminal is then for this program alone, and `stop`
  /// reaches what the child started.
  package var hasOwnGroup = false
  /// Seconds until it is ended; 0 is any time.
  package var deadline = 0.0
  /// Whether it is ended when its object goes, instead of being left to itself.
  package var endsWithObject = true

  /// Starts `program`, by default this one again, as `name`.
  package init(program: String = ThisProcess.link, name: String, _ arguments: [String]) {
    self.program = program
    self.arguments = [name] + arguments
  }
}

/// A started program. Not for use by several threads at once.
package final class ChildProcess {
  /// What the system calls it.
  package let identifier: Int32
  /// How it ended, once that has been seen.
  package private(set) var end: ProcessEnd?
  /// The most bytes of memory it held at once, memory it shared included; known once it has ended.
  package private(set) var peakBytes = 0
  private let settings: ChildSettings
  private let began = ContinuousClock.now

  /// - Throws: `SystemFailure` where the system starts no process.
  package init(_ settings: ChildSettings) throws(SystemFailure) {
    self.settings = settings
    // Last: an object that is complete when its initialiser throws is still deinitialised, and would then end a process
    // of the number -1, which is every process.
    identifier = try Self.start(settings)
  }

  /// - Returns: the identifier of a process, above 1.
  private static func start(_ settings: ChildSettings) throws(SystemFailure) -> Int32 {
    // Where a shell ignores the end of children, nobody could ask how they ended.
    Glibc.signal(SIGCHLD, SIG_DFL)
    let arguments = CStrings(settings.arguments)
    let variables = CStrings(settings.variables)
    let opened = try open(settings.streams)
    defer { for case .appended(let end) in opened { close(end) } }
    let descriptors = opened.map(\.descriptor)
    let (started, code) = settings.program.withCString { program in
      descriptors.withUnsafeBufferPointer { descriptors in
        var start = cp_start(
          program: program, arguments: arguments.pointer, variables: variables.pointer,
          descriptors: descriptors.baseAddress, count: Int32(descriptors.count),
          inherits_others: settings.inheritsOthers ? 1 : 0, own_group: settings.hasOwnGroup ? 1 : 0)
        return withExtendedLifetime((arguments, variables)) { (cp_spawn(&start), errno) }
      }
    }
    guard started > 1 else { throw SystemFailure(operation: "posix_spawn", code: code) }
    return started
  }

  private enum Opened {
    case nothing
    case given(Int32)
    case appended(Int32)

    var descriptor: Int32 {
      switch self {
      case .nothing: -1
      case .given(let descriptor), .appended(let descriptor): descriptor
      }
    }
  }

  private static func open(_ streams: [ChildStream]) throws(SystemFailure) -> [Opened] {
    var opened: [Opened] = []
    for stream in streams {
      switch stream {
      case .nothing: opened.append(.nothing)
      case .descriptor(let descriptor): opened.append(.given(descriptor))
      case .appended(let path):
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
          let code = errno
          for case .appended(let end) in opened { close(end) }
          throw SystemFailure(operation: "open \(path)", code: code)
        }
        opened.append(.appended(descriptor))
      }
    }
    return opened
  }

  deinit { if settings.endsWithObject { stop() } }

  /// How it ended; nil while it runs and has time left.
  package func poll() -> ProcessEnd? {
    if end == nil { collect(WNOHANG) }
    if end == nil, settings.deadline > 0, ContinuousClock.now - began > .seconds(settings.deadline) {
      stop()
      end = .overran
    }
    return end
  }

  /// Waits for its end, at most until its deadline, and at most `seconds` where that is given.
  /// - Returns: nil where it still runs.
  package func wait(atMost seconds: Double? = nil) -> ProcessEnd? {
    let start = ContinuousClock.now
    while poll() == nil {
      if let seconds, ContinuousClock.now - start >= .seconds(seconds) { return nil }
      usleep(1000)
    }
    return end
  }

  /// Sends it a signal, unless it has ended.
  package func send(_ signal: Int32) {
    if poll() == nil { Self.signal(identifier, signal) }
  }

  /// Ends it now, and with it its process group where it has one of its own.
  package func stop() {
    if end == nil { collect(WNOHANG) }
    guard end == nil else { return }
    Self.signal(settings.hasOwnGroup ? -identifier : identifier, SIGKILL)
    while end == nil { collect(0) }
  }

  /// Never 0 or -1, which mean more than one's own children.
  private static func signal(_ target: Int32, _ signal: Int32) {
    precondition(abs(target) > 1, "a signal for process \(target)")
    kill(target, signal)
  }

  private func collect(_ options: Int32) {
    var status: Int32 = 0
    var usage = rusage()
    let found = wait4(identifier, &status, options, &usage)
    if found == identifier {
      let signal = status & 0x7F
      end = signal == 0 ? .exited(status >> 8 & 0xFF) : .signalled(signal)
      peakBytes = usage.ru_maxrss * 1024
    } else if found < 0, errno != EINTR {
      // Nobody's child any more: how it ended is not to be known; that is a bug (70), not a success.
      end = .exited(70)
    }
  }
}

/// Texts as C wants them, ended by a null pointer.
private final class CStrings {
  let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  private let count: Int

  init(_ texts: [String]) {
    count = texts.count
    pointer = .allocate(capacity: texts.count + 1)
    pointer.initialize(repeating: nil, count: texts.count + 1)
    for (index, text) in texts.enumerated() { pointer[index] = strdup(text) }
  }

  deinit {
    for index in 0..<count { free(pointer[index]) }
    pointer.deallocate()
  }
}
