// The lines of a text file as bytes. Called by PairFile; later tasks have files in Latin-1, so nothing is decoded here.

import Glibc

enum TextLines {
  /// Calls `body` with each line, without line feed, carriage return and a leading byte order mark; lines count from 1.
  /// - Throws: `EvaluationError`, or what `body` throws.
  static func forEach(_ path: String, _ body: (_ line: ArraySlice<UInt8>, _ number: Int) throws -> Void) throws {
    let bytes = try contents(path)
    var start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    var number = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 10) ?? bytes.count
      number += 1
      let isReturn = end > start && bytes[end - 1] == 13
      try body(bytes[start..<(isReturn ? end - 1 : end)], number)
      start = end + 1
    }
  }

  private static func contents(_ path: String) throws -> [UInt8] {
    guard let file = fopen(path, "rbe") else {
      if errno == ENOENT || errno == ENOTDIR {
        throw EvaluationError.notFound(path: path, expected: "a file of sentence pairs")
      }
      throw EvaluationError.unreadable(path: path, operation: "open", code: errno)
    }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let got = fread(&chunk, 1, chunk.count, file)
      bytes += chunk[..<got]
      if got < chunk.count { break }
    }
    guard ferror(file) == 0 else { throw EvaluationError.unreadable(path: path, operation: "read", code: errno) }
    return bytes
  }
}
