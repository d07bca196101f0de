// The process of one isolated plugin as this one sees it: started, read from, waited for, ended.
// Used by IsolatedLoader (to describe a library), by WorkerLine (to run instances) and by plugins in Python.

import Glibc
package import Kernels
package import Logging
package import Processes

/// A running worker; ended at the latest when this object goes.
package final class WorkerProcess {
  private let child: ChildProcess
  private let output: WorkerOutput
  private let report: PipeEnds

  /// How it ended, once that has been seen.
  var end: ProcessEnd? { child.end }
  /// The most memory it held at once, in bytes, memory shared with this process included.
  var peakBytes: Int { child.peakBytes }

  /// Starts this program again with `settings`; what it prints goes to the log under `name`.
  convenience init(_ settings: WorkerSettings, name: String, isolation: Isolation) throws(SystemFailure) {
    var start = ChildSettings(name: "mixcse", settings.arguments)
    start.variables = Environment.withoutBacktrace()
    try self.init(start, memory: isolation.memory, name: name, logger: isolation.logger)
  }

  /// Starts a program; what it prints goes to the log under `name`. It gets the memory that plugins may read and the
  /// one they may write as descriptors 3 and 4, the place for its report as 5, `more` from 6 on, and nothing else.
  package init(
    _ start: ChildSettings, memory: SharedMemory, more: [Int32] = [], name: String, logger: Logger
  ) throws(SystemFailure) {
    report = try PipeEnds()
    let printed = try PipeEnds()
    var start = start
    let regions = [memory.shown.descriptor, memory.shared.descriptor]
    start.streams =
      [.nothing, .descriptor(printed.writing), .descriptor(printed.writing)]
      + (regions + [report.writing] + more).map { .descriptor($0) }
    child = try ChildProcess(start)
    report.closeWriting()
    printed.closeWriting()
    output = WorkerOutput(printed, name: name, logger: logger)
  }

  deinit {
    child.stop()
    output.finish()
  }

  /// What it reports about its start, up to the end of its report, or just so much that it is too long to be one.
  /// - Returns: nil where it took longer than `seconds` (0 = any time). Time in which this program is stopped does not
  ///   count, and what it writes does not buy it any.
  func readReport(within seconds: Double) -> [UInt8]? {
    var bytes: [UInt8] = []
    var waited = 0.0
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    while bytes.count <= Netstrings.largest {
      let start = ContinuousClock.now
      var ready = pollfd(fd: report.reading, events: Int16(POLLIN), revents: 0)
      if poll(&ready, 1, 100) > 0 {
        let got = read(report.reading, &buffer, buffer.count)
        if got > 0 { bytes += buffer[..<got] } else if got == 0 || errno != EINTR { return bytes }
      }
      waited += min((ContinuousClock.now - start).seconds, 0.1)
      if seconds > 0, waited > seconds { return nil }
    }
    return bytes
  }

  /// Whether it has ended.
  func hasEnded() -> Bool { child.poll() != nil }

  /// Waits at most so long for its end.
  func wait(milliseconds: Int) -> Bool { child.wait(atMost: Double(milliseconds) / 1000) != nil }

  /// Ends it now.
  func stop() { child.stop() }

  /// The last line it printed, once it has ended.
  func lastLine() -> String? { output.lastLine() }
}
