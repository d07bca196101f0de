// What the tests of the Evaluation module share: tables of given vectors, a small copy of SentEval's folder, and
// figures of the data that need no model.

import Evaluation
import Foundation
import Kernels
import TestSupport
import Testing

extension SentenceTable {
  /// A table of the vectors that `vector` gives each sentence.
  static func make(_ sentences: [String], _ vector: (String) -> [Float]) -> SentenceTable {
    var collection = SentenceCollection()
    collection.add(sentences)
    let rows = collection.sentences.map(vector)
    let width = rows.first?.count ?? 0
    let buffer = FloatBuffer(count: rows.count * width)
    for (index, value) in rows.joined().enumerated() { buffer.pointer[index] = value }
    return SentenceTable(collection, matrix: buffer.matrix(rows: rows.count, columns: width), owner: buffer)
  }
}

/// Word overlap: |A and B| / |A or B| over lower-cased words.
func wordOverlap(_ set: PairSet) -> [Double] {
  zip(set.first, set.second).map { a, b in
    let (a, b) = (Set(a.lowercased().split(separator: " ")), Set(b.lowercased().split(separator: " ")))
    return Double(a.intersection(b).count) / Double(a.union(b).count)
  }
}

/// What an expression throws, as text.
func problem(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "nothing thrown"
  } catch {
    return "\(error)"
  }
}

/// A temporary copy of SentEval's layout with a few rows in every file; removed at the end.
final class SmallDownstream {
  let folder: String
  var downstream: DownstreamFolder { get throws { try DownstreamFolder(path: folder) } }

  init() throws {
    folder = FileManager.default.temporaryDirectory.path + "/downstream-" + UUID().uuidString
    try SmallData.write(to: folder)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func path(_ name: String) -> String { folder + "/" + name }

  func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

  func write(_ name: String, _ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(fileURLWithPath: path(name))) }

  func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path(name)) }

  /// The text of a file with one line replaced; lines count from 1.
  func replace(line: Int, of name: String, by text: String) throws {
    var lines = try String(contentsOfFile: path(name), encoding: .utf8).split(
      separator: "\n", omittingEmptySubsequences: false)
    lines[line - 1] = text[...]
    try write(name, lines.joined(separator: "\n"))
  }
}
