// Which tokens begin a word, read off their spelling. Used by whoever edits whole words of tokenized text.

/// Of each token of a vocabulary whether a word begins with it.
package struct WordStarts: Sendable {
  private let starts: [Bool]

  /// WordPiece marks what goes on with a word (`##ing`), byte-level BPE and SentencePiece what begins one (`Ġthe`,
  /// `▁the`).
  package init(_ tokenizer: any Tokenizer) {
    let tokens = (0..<Int32(tokenizer.vocabularySize)).map { tokenizer.token($0) ?? "" }
    let marksStarts = tokens.contains { $0.hasPrefix("\u{120}") || $0.hasPrefix("\u{2581}") }
    starts = tokens.map { token in
      marksStarts ? token.hasPrefix("\u{120}") || token.hasPrefix("\u{2581}") : !token.hasPrefix("##")
    }
  }

  /// The number of the word that each token of a line belongs to, from 0; -1 for special tokens.
  package func words(of ids: [Int32], isSpecial: (Int32) -> Bool) -> [Int32] {
    var word: Int32 = -1
    return ids.map { id in
      if isSpecial(id) { return -1 }
      if word < 0 || starts[Int(id)] { word += 1 }
      return word
    }
  }
}
