// The texts of an index, one a line, read where they are wanted. Where lines begin is looked up with the first of them.

import Files
import Synchronization

/// Lines of a file by their number.
final class IndexedTexts: Sendable {
  private struct Lines {
    let file: InputFile
    /// [rows + 1] where each line begins.
    var starts: [Int]
  }

  private let path: String
  private let rows: Int
  private let bytes: Int
  private let lines = Mutex<Lines?>(nil)

  init(path: String, rows: Int, bytes: Int) { (self.path, self.rows, self.bytes) = (path, rows, bytes) }

  /// - Throws: `FileError`
  subscript(wanted: [Int]) -> [String] {
    get throws {
      try lines.withLock { lines in
        let open = try lines ?? find()
        lines = open
        return try wanted.map { row in
          let line = try open.file.bytes(at: open.starts[row], count: open.starts[row + 1] - open.starts[row] - 1)
          return String(decoding: line, as: UTF8.self)
        }
      }
    }
  }

  private func find() throws -> Lines {
    let file = try InputFile(path: path, expected: "the texts of an index")
    var starts = [0]
    starts.reserveCapacity(rows + 1)
    for start in stride(from: 0, to: min(bytes, file.size), by: 1 << 20) {
      let block = try file.bytes(at: start, count: min(1 << 20, min(bytes, file.size) - start))
      for (place, byte) in block.enumerated() where byte == 10 { starts.append(start + place + 1) }
    }
    guard starts.count == rows + 1, starts[rows] == bytes else {
      throw FileError.malformed(
        path: path, place: "", expected: "\(rows) lines in \(bytes) bytes",
        found: "\(starts.count - 1) in \(min(bytes, file.size))", advice: "The file is broken; build the index again")
    }
    return Lines(file: file, starts: starts)
  }
}
