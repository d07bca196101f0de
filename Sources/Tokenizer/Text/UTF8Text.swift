// Checking, repairing and reading UTF-8 bytes. Called first for every line; all later stages rely on valid text.

/// UTF-8 in memory.
enum UTF8Text {
  /// The character that stands for bytes that are not valid UTF-8.
  static let replacement: UInt32 = 0xFFFD

  /// How many bytes at the start are ASCII.
  static func asciiPrefix(_ text: UnsafeBufferPointer<UInt8>) -> Int {
    guard let start = text.baseAddress else { return 0 }
    var index = 0
    let bytes = UnsafeRawPointer(start)
    while index + 8 <= text.count,
      bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
    {
      index += 8
    }
    while index < text.count, start[index] < 0x80 { index += 1 }
    return index
  }

  /// How many bytes at the start are valid UTF-8.
  static func validPrefix(_ text: UnsafeBufferPointer<UInt8>) -> Int {
    var index = asciiPrefix(text)
    while index < text.count {
      if text[index] < 0x80 {
        index += 1
        continue
      }
      let sequence = sequence(in: text, at: index)
      if !sequence.isValid { return index }
      index += sequence.length
    }
    return index
  }

  /// Copies `text` with every maximal ill-formed subpart replaced by U+FFFD, as Python's `errors="replace"` does.
  /// - Returns: how many bytes were replaced.
  static func repair(_ text: UnsafeBufferPointer<UInt8>, into buffer: inout AppendingBuffer<UInt8>) -> Int {
    buffer.count = 0
    var replaced = 0
    var index = 0
    while index < text.count {
      let sequence = sequence(in: text, at: index)
      if sequence.isValid {
        for offset in 0..<sequence.length { buffer.append(text[index + offset]) }
      } else {
        buffer.append(scalar: replacement)
        replaced += sequence.length
      }
      index += sequence.length
    }
    return replaced
  }

  /// The sequence at `index`: a whole character, or the maximal part of one that is not continued as it must be.
  /// Source: The Unicode Standard, table 3-7 and section 3.9, "U+FFFD Substitution of Maximal Subparts".
  private static func sequence(
    in text: UnsafeBufferPointer<UInt8>, at index: Int
  ) -> (length: Int, isValid: Bool) {
    let lead = text[index]
    if lead < 0x80 { return (1, true) }
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch lead {
    case 0xC2...0xDF: length = 2
    case 0xE0...0xEF:
      length = 3
      if lead == 0xE0 { second = 0xA0...0xBF }
      if lead == 0xED { second = 0x80...0x9F }
    case 0xF0...0xF4:
      length = 4
      if lead == 0xF0 { second = 0x90...0xBF }
      if lead == 0xF4 { second = 0x80...0x8F }
    default: return (1, false)
    }
    guard index + 1 < text.count, second.contains(text[index + 1]) else { return (1, false) }
    var found = 2
    while found < length {
      guard index + found < text.count, text[index + found] & 0xC0 == 0x80 else { return (found, false) }
      found += 1
    }
    return (length, true)
  }

  /// The length of the character that begins with a byte of valid text.
  @inline(__always)
  static func length(_ lead: UInt8) -> Int { lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4 }

  /// The character at `bytes`, which must be the first byte of a valid one, and its length.
  @inline(__always)
  static func character(_ bytes: UnsafePointer<UInt8>) -> (scalar: UInt32, length: Int) {
    let lead = UInt32(bytes[0])
    if lead < 0x80 { return (lead, 1) }
    let second = UInt32(bytes[1]) & 0x3F
    if lead < 0xE0 { return ((lead & 0x1F) << 6 | second, 2) }
    let third = UInt32(bytes[2]) & 0x3F
    if lead < 0xF0 { return ((lead & 0x0F) << 12 | second << 6 | third, 3) }
    return ((lead & 0x07) << 18 | second << 12 | third << 6 | UInt32(bytes[3]) & 0x3F, 4)
  }

  /// Where the character begins that ends before `end`, which is not the beginning of valid text.
  @inline(__always)
  static func start(of text: UnsafeBufferPointer<UInt8>, before end: Int) -> Int {
    var start = end - 1
    while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
    return start
  }

  /// How many characters valid text has.
  static func characterCount(_ text: UnsafeBufferPointer<UInt8>) -> Int {
    text.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
  }
}
