// Token ids that the model has no vector for, known before the first step: the tokenizer of a folder may have more
// tokens than the word matrix has rows (tokens added without resizing the model). Used by TrainingPlan; errors of the
// encoder get their place in the file here, too.

import Encoder
import Files
import TextData
import Tokenizer

/// Looks for tokens beyond the word matrix in what a run will read.
struct VocabularyCheck {
  let tokenizer: any Tokenizer
  /// Rows of the word matrix.
  let limit: Int
  let maximumLength: Int

  /// - Parameters:
  ///   - pairs: the sentences of the evaluation, and where they come from.
  ///   - say: hears that there are such tokens, where nothing has them.
  /// - Throws: `TrainingError.badData` naming the first row or sentence that has one.
  func run(_ data: TrainingData, pairs: (path: String, sentences: [String])?, say: (String) -> Void) throws {
    guard tokenizer.vocabularySize > limit else { return }
    let encoder = tokenizer.makeEncoder()
    func beyond(_ texts: [[UInt8]]) -> Int32? {
      for text in texts {
        let line = text.withUnsafeBufferPointer { encoder.encode($0, maximumLength: maximumLength) }
        if let id = line.ids.first(where: { $0 >= limit }) { return id }
      }
      return nil
    }
    for start in stride(from: 0, to: data.rows, by: 4096) {
      let rows = Array(start..<min(start + 4096, data.rows))
      for (row, texts) in zip(rows, try data.texts(of: rows)) {
        if let id = beyond(texts) { throw problem(id, path: data.report.path, line: try data.line(ofRow: row)) }
      }
    }
    for sentence in pairs?.sentences ?? [] {
      guard let id = beyond([Array(sentence.utf8)]) else { continue }
      throw problem(id, path: pairs?.path ?? "", line: 0, in: " in \"\(sentence.prefix(60))\"")
    }
    let count = (limit..<tokenizer.vocabularySize).count { tokenizer.token(Int32($0)) != nil }
    say(
      "note: the tokenizer has \(count) tokens that the model has no vectors for (ids from \(limit) on); nothing that "
        + "this run reads has one of them")
  }

  private func problem(_ id: Int32, path: String, line: Int, in place: String = "") -> TrainingError {
    .badData(
      path: path, line: line, expected: "tokens that the model has vectors for (ids 0 to \(limit - 1))",
      found: "\(tokenizer.token(id) ?? "a token") (id \(id)) of its tokenizer" + place,
      advice: "Give the model's word matrix the rows (resize_token_embeddings in transformers), or take the token out "
        + "of the tokenizer's files")
  }
}

extension TrainingData {
  /// The line that a row begins in, from 1.
  /// - Throws: `FileError`.
  func line(ofRow row: Int) throws -> Int {
    var counter = LineCounter()
    let end = Int(offsets[row])
    var place = 0
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while place < end {
      let count = try block.withUnsafeMutableBytes {
        try file.read(at: place, into: UnsafeMutableRawBufferPointer(rebasing: $0[..<min($0.count, end - place)]))
      }
      guard count > 0 else {
        throw TrainingError.changedFile(path: report.path, found: "a file that ends at byte \(place)")
      }
      counter.pass(block[..<count])
      place += count
    }
    return counter.line
  }

  /// Where a row is, for messages: its line, or, where the file can no longer be read, 0 and which of the rows it is.
  package func place(ofRow row: Int) -> (line: Int, words: String) {
    do {
      return (try line(ofRow: row), "")
    } catch {
      return (0, " in row \(row + 1) of those that are used (its line cannot be told: \(error))")
    }
  }

  /// A batch that the encoder could not compute.
  func problem(_ error: EncoderError, ofRow row: Int) -> TrainingError {
    let place = place(ofRow: row)
    return .badData(
      path: report.path, line: place.line, expected: "a row that the model can compute",
      found: "\(error)" + place.words, advice: "Change or remove the row")
  }
}
