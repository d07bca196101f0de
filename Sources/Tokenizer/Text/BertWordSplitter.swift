// Splits text into words at white space and around punctuation. Called by WordPieceStages and UnigramStages.

/// Hugging Face's BertPreTokenizer: white space separates, every punctuation character is a word of its own. Its
/// WhitespaceSplit and its Punctuation do one of the two.
struct BertWordSplitter: Sendable {
  private let characters = BertCharacters.shared
  private let separators: UInt8

  init(separators: UInt8 = BertCharacters.Flag.whitespace | BertCharacters.Flag.punctuation) {
    self.separators = separators
  }

  /// Calls `body` with each word until it returns false.
  func forEachWord(in text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Bool) {
    guard let start = text.baseAddress else { return }
    let flags = characters.flags.bytes
    var wordStart = 0
    var index = 0
    while index < text.count {
      var scalar = UInt32(start[index])
      var length = 1
      if scalar >= 0x80 { (scalar, length) = UTF8Text.character(start + index) }
      let separator = flags[Int(scalar)] & separators
      if separator != 0 {
        if wordStart < index, !body(UnsafeBufferPointer(start: start + wordStart, count: index - wordStart)) { return }
        if separator & BertCharacters.Flag.punctuation != 0,
          !body(UnsafeBufferPointer(start: start + index, count: length))
        {
          return
        }
        wordStart = index + length
      }
      index += length
    }
    if wordStart < index { _ = body(UnsafeBufferPointer(start: start + wordStart, count: index - wordStart)) }
  }
}
