// Replaces every match of a text, or of one of the few regular expressions that tokenizers are written with.
// Called by TextNormalizer.

/// One `Replace` of a tokenizer.json.
struct Replacement: Sendable, Equatable {
  /// What is looked for, from left to right and without overlaps.
  enum Pattern: Sendable, Equatable {
    /// These bytes, at least one.
    case literal([UInt8])
    /// ` {2,}`
    case blanks
    /// `\s{2,}|[\n\r\t]`
    case whitespace
    /// `\A +| +\z`
    case outerBlanks
    /// `\A▁`
    case firstMark
  }

  var pattern: Pattern
  var content: [UInt8]

  /// The expressions that are built, as files write them.
  static let expressions: [(text: String, pattern: Pattern)] = [
    (" {2,}", .blanks), (#"\s{2,}|[\n\r\t]"#, .whitespace), (#"\A +| +\z"#, .outerBlanks), ("\\A\u{2581}", .firstMark),
  ]

  /// Appends `text` with its matches replaced.
  /// - Returns: whether a match at the start of the text was removed.
  func append(_ text: UnsafeBufferPointer<UInt8>, to output: inout AppendingBuffer<UInt8>) -> Bool {
    guard let start = text.baseAddress else { return false }
    output.reserve(text.count)
    var removesStart = false
    var done = 0
    var index = 0
    while index < text.count {
      let length = match(text, at: index)
      guard length > 0 else {
        index += 1
        continue
      }
      if index == 0, content.isEmpty { removesStart = true }
      output.append(from: start + done, count: index - done)
      content.withUnsafeBufferPointer { content in
        if let base = content.baseAddress { output.append(from: base, count: content.count) }
      }
      index += length
      done = index
    }
    output.append(from: start + done, count: text.count - done)
    return removesStart
  }

  /// The length of the match that begins at `index`, or how much may be passed over as a negative number; 0 for none.
  @inline(__always)
  private func match(_ text: UnsafeBufferPointer<UInt8>, at index: Int) -> Int {
    switch pattern {
    case .literal(let wanted):
      return text[index] == wanted[0] && text[index...].starts(with: wanted) ? wanted.count : 0
    case .blanks:
      guard text[index] == 0x20 else { return 0 }
      let count = run(of: 0x20, text, from: index)
      return count >= 2 ? count : 0
    case .outerBlanks:
      // A run of blanks is looked at once, at its first blank.
      guard text[index] == 0x20, index == 0 || text[index - 1] != 0x20 else { return 0 }
      let count = run(of: 0x20, text, from: index)
      return index == 0 || index + count == text.count ? count : 0
    case .whitespace: return whitespace(text, at: index)
    case .firstMark: return index == 0 && text.starts(with: "\u{2581}".utf8) ? 3 : 0
    }
  }

  private func run(of byte: UInt8, _ text: UnsafeBufferPointer<UInt8>, from index: Int) -> Int {
    var end = index
    while end < text.count, text[end] == byte { end += 1 }
    return end - index
  }

  private func whitespace(_ text: UnsafeBufferPointer<UInt8>, at index: Int) -> Int {
    guard let base = text.baseAddress, text[index] & 0xC0 != 0x80, text[index] <= 0x20 || text[index] >= 0x80 else {
      return 0
    }
    let flags = ByteLevelCharacters.shared.flags
    var end = index
    var characters = 0
    while end < text.count {
      let (scalar, length) = UTF8Text.character(base + end)
      guard flags[scalar] & ByteLevelCharacters.Flag.whitespace != 0 else { break }
      end += length
      characters += 1
    }
    if characters >= 2 { return end - index }
    return characters == 1 && [0x09, 0x0A, 0x0D].contains(text[index]) ? 1 : 0
  }
}
