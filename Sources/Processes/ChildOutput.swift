// A program run to its end for what it prints. Used by `mixcse encoder build`.

import Glibc

/// What a program printed, and how it ended.
package struct ChildOutput: Sendable {
  /// Standard output.
  package let output: String
  /// Standard error.
  package let errors: String
  /// How it ended.
  package let end: ProcessEnd?

  /// Whether it ended by itself, with code 0.
  package var isSuccess: Bool { end == .exited(0) }

  /// Runs a program found on the PATH, or at a path, without input.
  /// - Throws: `SystemFailure` where it cannot be started: ENOENT where it is nowhere.
  package init(of program: String, _ arguments: [String]) throws(SystemFailure) {
    guard let path = Self.found(program) else { throw SystemFailure(operation: program, code: ENOENT) }
    let (output, errors) = (try PipeEnds(), try PipeEnds())
    var settings = ChildSettings(program: path, name: path, arguments)
    settings.streams = [.nothing, .descriptor(output.writing), .descriptor(errors.writing)]
    let child = try ChildProcess(settings)
    output.closeWriting()
    errors.closeWriting()
    // Both at once: a program that fills one pipe waits for its reader.
    var texts: [Int32: [UInt8]] = [output.reading: [], errors.reading: []]
    var open = Set(texts.keys)
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    while !open.isEmpty {
      var waited = open.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      guard poll(&waited, nfds_t(waited.count), -1) >= 0 || errno == EINTR else { break }
      for one in waited where one.revents != 0 {
        let count = read(one.fd, &buffer, buffer.count)
        if count > 0 { texts[one.fd]?.append(contentsOf: buffer[..<count]) }
        if count == 0 || (count < 0 && errno != EINTR) { open.remove(one.fd) }
      }
    }
    end = child.wait()
    self.output = String(decoding: texts[output.reading] ?? [], as: UTF8.self)
    self.errors = String(decoding: texts[errors.reading] ?? [], as: UTF8.self)
  }

  /// The file that a name stands for on the PATH.
  package static func found(_ program: String) -> String? {
    if program.contains("/") { return access(program, X_OK) == 0 ? program : nil }
    let folders = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
    return folders.split(separator: ":").map { $0 + "/" + program }.first { access($0, X_OK) == 0 }
  }
}
