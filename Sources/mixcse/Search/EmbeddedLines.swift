// The lines of a file as unit vectors. Used by `mixcse similarity` and `mixcse index recall`.

import Files
import Objective
import Search
import TextData

extension SentenceEmbedder {
  /// The vectors of all lines, of length 1; says how many were empty, no UTF-8, or cut.
  /// - Throws: `SearchError.noTexts` for a file without lines; errors of reading and of the encoder.
  func unitVectors(ofLinesIn path: String) throws -> EmbeddingTable {
    let lines = try LineInput(path: path, spoolFolder: Folder.temporary).next(.max)
    guard !lines.isEmpty else { throw SearchError.noTexts(path: path) }
    let table = try embed(
      lines.map { String(decoding: $0, as: UTF8.self) }, options: EmbeddingOptions(normalize: true))
    var counts = TextCounts()
    counts.add(lines, cut: table.truncatedLines)
    note(counts, limit: maximumLength)
    return table
  }
}
