// Splits one word into the longest pieces a vocabulary knows. Called by WordPieceStages for every word.

/// A WordPiece vocabulary: greedy, longest piece first, pieces inside a word marked by a prefix such as `##`.
/// Source: Devlin et al., BERT, 2019, and the tokenization code released with it.
struct WordPieceModel: Sendable {
  private let trie: ByteTrie
  /// Where a piece inside a word starts in the trie: behind the prefix. Nil if no token has it.
  private let continuation: Int32?
  private let unknownID: Int32
  private let maximumCharacters: Int

  /// - Parameters:
  ///   - continuingPrefix: marks tokens that go on inside a word, `##`.
  ///   - maximumCharacters: longer words become the unknown token, 100.
  init(vocabulary: Vocabulary, unknownID: Int32, continuingPrefix: [UInt8], maximumCharacters: Int) {
    trie = ByteTrie(vocabulary.modelTokens.filter { !$0.bytes.isEmpty })
    continuation = trie.node(after: continuingPrefix)
    self.unknownID = unknownID
    self.maximumCharacters = maximumCharacters
  }

  /// Appends the pieces of `word`, or the unknown token if some part of it has none.
  func append(_ word: UnsafeBufferPointer<UInt8>, to ids: inout AppendingBuffer<Int32>) {
    if word.count > maximumCharacters, UTF8Text.characterCount(word) > maximumCharacters {
      return ids.append(unknownID)
    }
    let before = ids.count
    var start = 0
    var node = ByteTrie.root
    while start < word.count {
      var found: Int32 = -1
      var end = start
      var index = start
      while index < word.count {
        node = trie.step(from: node, word[index])
        if node < 0 { break }
        index += 1
        let id = trie.id(at: node)
        if id >= 0 {
          found = id
          end = index
        }
      }
      guard found >= 0 else {
        ids.count = before
        return ids.append(unknownID)
      }
      ids.append(found)
      start = end
      node = continuation ?? -1
      if node < 0, start < word.count {
        ids.count = before
        return ids.append(unknownID)
      }
    }
  }
}
