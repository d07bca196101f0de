// Splits text by the pre-tokenizers of a tokenizer.json, one after the other. Called by UnigramStages.

/// One pre-tokenizer.
enum PreTokenizer: Sendable, Equatable {
  /// Words between white space, which is dropped.
  case whitespaceSplit
  /// SentencePiece's way: blanks become a visible character.
  case metaspace(Metaspace)
  /// Each punctuation character is a piece of its own.
  case punctuation
  /// BERT's words: both of the above.
  case bertWords

  /// The splitter of all but Metaspace.
  var splitter: BertWordSplitter? {
    switch self {
    case .whitespaceSplit: BertWordSplitter(separators: BertCharacters.Flag.whitespace)
    case .punctuation: BertWordSplitter(separators: BertCharacters.Flag.punctuation)
    case .bertWords: BertWordSplitter()
    case .metaspace: nil
    }
  }
}

/// Blanks as a visible character, `▁`, which also begins the text.
struct Metaspace: Sendable, Equatable {
  /// Where the character is put in front of text that does not begin with it.
  enum Prepending: String, CaseIterable {
    /// Before each stretch of text between added tokens.
    case always
    /// Before the first stretch of a line.
    case first
    case never
  }

  /// The visible character.
  var mark: [UInt8]
  var prepending: Prepending
  /// Whether each such character begins a piece.
  var splits = true

  /// Writes `text`, which is not empty, with marks into `output`, over what it held.
  func write(_ text: UnsafeBufferPointer<UInt8>, isFirst: Bool, into output: inout AppendingBuffer<UInt8>) {
    output.count = 0
    guard let start = text.baseAddress, let first = mark.first, !text.isEmpty else { return }
    // Where every byte is a blank, each of them becomes a mark.
    output.reserve(mark.count * (text.count + 1))
    let prepends = prepending == .always || prepending == .first && isFirst
    if prepends, text[0] != 0x20, text[0] != first || !text.starts(with: mark) { append(to: &output) }
    var done = 0
    while done < text.count {
      var end = done
      while end < text.count, text[end] != 0x20 { end += 1 }
      output.append(from: start + done, count: end - done)
      if end < text.count { append(to: &output) }
      done = end + 1
    }
  }

  private func append(to output: inout AppendingBuffer<UInt8>) {
    for byte in mark { output.append(byte) }
  }

  /// Calls `body` with each piece of text that `write` wrote, which is not empty, until it returns false.
  func forEachPiece(in text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Bool) {
    guard let start = text.baseAddress, let first = mark.first, splits else {
      _ = body(text)
      return
    }
    var done = 0
    var index = 1
    while index < text.count {
      if start[index] == first, text[index...].starts(with: mark) {
        if !body(UnsafeBufferPointer(start: start + done, count: index - done)) { return }
        done = index
      }
      index += 1
    }
    _ = body(UnsafeBufferPointer(start: start + done, count: text.count - done))
  }
}
