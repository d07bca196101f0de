// Splits text for byte-level BPE, as GPT-2's regular expression does:
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// Called by ByteLevelStages for every stretch of text between added tokens.

/// A hand-written scanner for GPT-2's split expression.
struct ByteLevelSplitter: Sendable {
  private let flags = ByteLevelCharacters.shared.flags
  private static let classes =
    ByteLevelCharacters.Flag.letter | ByteLevelCharacters.Flag.number | ByteLevelCharacters.Flag.whitespace

  /// Calls `body` with each piece until it returns false. The pieces follow each other without gaps.
  func forEachPiece(in text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Bool) {
    guard let start = text.baseAddress else { return }
    var index = 0
    while index < text.count {
      let rest = UnsafeBufferPointer(start: start + index, count: text.count - index)
      let length = piece(rest)
      if !body(UnsafeBufferPointer(start: start + index, count: length)) { return }
      index += length
    }
  }

  /// The length of the first piece of `text`, which is not empty.
  private func piece(_ text: UnsafeBufferPointer<UInt8>) -> Int {
    if text[0] == 0x27 {
      let contraction = contraction(text)
      if contraction > 0 { return contraction }
    }
    let first = classOf(text, 0)
    if first.isSpace {
      // A blank joins what follows, unless that is white space, too.
      if text[0] == 0x20, text.count > 1 {
        let second = classOf(text, 1)
        if !second.isSpace { return run(of: second.flags, text, from: 1 + second.length) }
      }
      return whitespace(text)
    }
    return run(of: first.flags, text, from: first.length)
  }

  /// The class flags of the character at `index`, 0 for anything but letters, numbers and white space.
  @inline(__always)
  private func classOf(
    _ text: UnsafeBufferPointer<UInt8>, _ index: Int
  ) -> (flags: UInt8, length: Int, isSpace: Bool) {
    var scalar = UInt32(text[index])
    var length = 1
    if scalar >= 0x80, let base = text.baseAddress { (scalar, length) = UTF8Text.character(base + index) }
    let found = flags[scalar] & Self.classes
    return (found, length, found == ByteLevelCharacters.Flag.whitespace)
  }

  /// The end of the run of characters of one class that goes on at `index`.
  private func run(of wanted: UInt8, _ text: UnsafeBufferPointer<UInt8>, from index: Int) -> Int {
    var index = index
    while index < text.count {
      let (found, length, _) = classOf(text, index)
      if found != wanted { break }
      index += length
    }
    return index
  }

  /// White space at the start: all of it at the end of the text or if it is one character, else all but the last.
  private func whitespace(_ text: UnsafeBufferPointer<UInt8>) -> Int {
    var index = 0
    var last = 0
    while index < text.count {
      let (_, length, isSpace) = classOf(text, index)
      if !isSpace { return last > 0 ? last : index }
      last = index
      index += length
    }
    return index
  }

  /// The length of `'s`, `'t`, `'m`, `'d`, `'re`, `'ve` or `'ll` at the start, else 0.
  private func contraction(_ text: UnsafeBufferPointer<UInt8>) -> Int {
    guard text.count > 1 else { return 0 }
    let second = text[1]
    switch Unicode.Scalar(second) {
    case "s", "t", "m", "d": return 2
    case "r", "v": return text.count > 2 && text[2] == 0x65 ? 3 : 0
    case "l": return text.count > 2 && text[2] == 0x6C ? 3 : 0
    default: return 0
    }
  }
}
