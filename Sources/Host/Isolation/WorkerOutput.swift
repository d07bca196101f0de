// What a worker prints, line by line on a thread of its own: log lines of the plugin, and whatever it writes to
// standard output or error, which must never reach this program's. Used by WorkerProcess.

import Files
import Glibc
import Logging
import Processes
import Synchronization

/// A line that begins with this byte and a digit is one of `host->log`; the digit is its level.
let logLineMark: UInt8 = 1

/// The reader of a worker's output.
final class WorkerOutput: Sendable {
  private let pipe: PipeEnds
  private let name: String
  private let logger: Logger
  private let state = Mutex(State())

  private struct State {
    var thread: WorkThread?
    var isEnding = false
    var printed = 0
    var last: String?
  }

  /// Lines a plugin may print before the rest is dropped.
  private static let printedLimit = 20

  init(_ pipe: PipeEnds, name: String, logger: Logger) {
    self.pipe = pipe
    self.name = name
    self.logger = logger
    let thread = WorkThread { self.read() }
    state.withLock { $0.thread = thread }
  }

  /// The last line that was printed; to be asked when the worker has ended.
  func lastLine() -> String? {
    finish()
    return state.withLock { $0.last }
  }

  /// Reads what is still there and ends the thread. What a plugin's own child writes later is lost.
  func finish() {
    let thread = state.withLock { state in
      state.isEnding = true
      defer { state.thread = nil }
      return state.thread
    }
    thread?.join()
  }

  private func read() {
    var pending: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    while true {
      var ready = pollfd(fd: pipe.reading, events: Int16(POLLIN), revents: 0)
      let isEnding = state.withLock { $0.isEnding }
      if poll(&ready, 1, isEnding ? 0 : 50) <= 0 {
        if isEnding { break }
        continue
      }
      let got = Glibc.read(pipe.reading, &buffer, buffer.count)
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { break }
      pending += buffer[..<got]
      while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
        take(pending[..<end])
        pending.removeSubrange(...end)
      }
      // A line without an end must not fill the memory.
      if pending.count > 1 << 16 { pending.removeAll() }
    }
    if !pending.isEmpty { take(pending[...]) }
  }

  private func take(_ line: ArraySlice<UInt8>) {
    if line.count >= 2, line.first == logLineMark {
      let level: [Logger.Level] = [.trace, .debug, .info, .warning, .error]
      let index = min(max(Int(line[line.startIndex + 1]) - 48, 1), 4)
      return logger.log(level: level[index], "\(String(decoding: line.dropFirst(2), as: UTF8.self))")
    }
    let text = String(decoding: line, as: UTF8.self).visible
    let printed = state.withLock { state in
      state.last = text
      state.printed += 1
      return state.printed
    }
    if printed <= Self.printedLimit {
      logger.warning("plugin \(name) printed: \(text)")
    } else if printed == Self.printedLimit + 1 {
      logger.warning("plugin \(name) prints more; it is dropped from here on")
    }
  }
}
