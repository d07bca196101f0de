// The process of one isolated plugin as this one sees it: started, read from, waited for, ended.
// Used by IsolatedLoader (to describe a library) and by RemoteRunner (to run an instance).

import CIsolation
import Files
import Glibc
import Kernels
import Logging
import PluginLoading

/// How a worker ended.
struct WorkerEnd: Equatable {
  /// What waitpid said.
  let status: Int32
  /// The largest part of memory it held at once, shared memory included.
  let peakBytes: Int

  var signal: Int32? { status & 0x7F == 0 ? nil : status & 0x7F }
  var exitCode: Int32 { (status >> 8) & 0xFF }
}

/// A running worker; ended at the latest when this object goes.
final class WorkerProcess {
  let identifier: pid_t
  private let output: WorkerOutput
  private var report: Int32
  private(set) var end: WorkerEnd?

  /// Starts this program again with `settings`; what it prints goes to the log under `name`.
  /// - Throws: the error number of the system.
  init(_ settings: WorkerSettings, name: String, isolation: Isolation) throws(SystemFailure) {
    var reportEnds: [Int32] = [-1, -1]
    var outputEnds: [Int32] = [-1, -1]
    guard iso_pipe(&reportEnds) == 0 else { throw SystemFailure(operation: "pipe", code: errno) }
    guard iso_pipe(&outputEnds) == 0 else {
      for end in reportEnds { close(end) }
      throw SystemFailure(operation: "pipe", code: errno)
    }
    let texts = ["mixcse"] + settings.arguments
    let arguments: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) } + [nil]
    identifier = iso_start(
      arguments, isolation.memory.shown.descriptor, isolation.memory.shared.descriptor, reportEnds[1], outputEnds[1])
    let code = errno
    for text in arguments { free(text) }
    close(reportEnds[1])
    close(outputEnds[1])
    report = reportEnds[0]
    guard identifier > 0 else {
      close(reportEnds[0])
      close(outputEnds[0])
      throw SystemFailure(operation: "posix_spawn", code: code)
    }
    output = WorkerOutput(outputEnds[0], name: name, logger: isolation.logger)
  }

  deinit {
    stop()
    output.finish()
    close(report)
  }

  /// What it reports about its start, up to the end of its report.
  /// - Returns: nil where it took longer than `seconds` (0 = any time).
  func readReport(within seconds: Double) -> [UInt8]? {
    var bytes: [UInt8] = []
    var waited = 0.0
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    while true {
      var ready = pollfd(fd: report, events: Int16(POLLIN), revents: 0)
      if poll(&ready, 1, 100) > 0 {
        let got = read(report, &buffer, buffer.count)
        if got > 0 { bytes += buffer[..<got] } else if got == 0 || errno != EINTR { return bytes }
      } else {
        waited += 0.1
        if seconds > 0, waited > seconds { return nil }
      }
    }
  }

  /// Whether it has ended.
  func hasEnded() -> Bool {
    if end == nil { collect(Int32(WNOHANG)) }
    return end != nil
  }

  /// Waits at most so long for its end.
  func wait(milliseconds: Int) -> Bool {
    for _ in 0..<milliseconds where !hasEnded() { usleep(1000) }
    return hasEnded()
  }

  /// Ends it now.
  func stop() {
    guard !hasEnded() else { return }
    kill(identifier, SIGKILL)
    while end == nil { collect(0) }
  }

  /// The last line it printed, once it has ended.
  func lastLine() -> String? { output.lastLine() }

  private func collect(_ options: Int32) {
    var status: Int32 = 0
    var usage = rusage()
    let found = wait4(identifier, &status, options, &usage)
    if found == identifier {
      end = WorkerEnd(status: status, peakBytes: usage.ru_maxrss * 1024)
    } else if found < 0, errno != EINTR {
      end = WorkerEnd(status: 0, peakBytes: 0)
    }
  }
}

/// A call of the system that failed.
struct SystemFailure: Error {
  let operation: String
  let code: Int32

  var text: String { "\(operation) failed: \(systemMessage(code))" }
}

/// What a signal is called.
func signalName(_ signal: Int32) -> String {
  let names: [Int32: String] = [
    SIGSEGV: "SIGSEGV", SIGABRT: "SIGABRT", SIGILL: "SIGILL (a trap)", SIGFPE: "SIGFPE", SIGBUS: "SIGBUS",
    SIGKILL: "SIGKILL", SIGTRAP: "SIGTRAP (a trap)",
  ]
  return names[signal] ?? "signal \(signal)"
}
