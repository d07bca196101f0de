// Which tokens begin a word, read off their spelling. Used by whoever edits whole words of tokenized text.

/// How a vocabulary marks words.
package enum WordMarks: Sendable, Equatable {
  /// These bytes are in front of tokens that begin a word: byte-level BPE (`Ġthe`) and SentencePiece (`▁the`).
  case beginning([UInt8])
  /// These bytes are in front of tokens that go on with one: WordPiece (`##ing`).
  case inside([UInt8])
}

/// Of each token of a vocabulary whether a word begins with it.
package struct WordStarts: Sendable {
  private let starts: [Bool]

  /// Reads off the spelling of every token whether a word begins with it.
  package init(_ tokenizer: any Tokenizer) {
    let marks = tokenizer.wordMarks
    starts = (0..<Int32(tokenizer.vocabularySize)).map { id in
      let token = tokenizer.token(id) ?? ""
      switch marks {
      case .beginning(let mark): return token.utf8.starts(with: mark)
      case .inside(let mark): return !token.utf8.starts(with: mark)
      }
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
