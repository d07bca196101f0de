// What is text, in one place: which bytes are refused, and where lines end. Every reader of sentences holds to it,
// whether they are trained on, scored, encoded or only tokenized.

import Glibc

/// Why bytes are no text.
package struct NoText: Error, Equatable {
  /// Counts from 1.
  package var line: Int
  /// What text must be.
  package var expected = "text of one byte a character or UTF-8"
  /// What stands there.
  package var found: String
  /// What to do.
  package var advice: String

  /// The error of a file.
  package func error(_ path: String) -> TextDataError {
    .badText(path: path, line: line, expected: expected, found: found, advice: advice)
  }
}

/// The rules of text.
package enum TextRules {
  /// Other things than text, by their first bytes; the longer of two that begin alike stands first.
  private static let otherStarts: [(bytes: [UInt8], found: String, advice: String)] = [
    ([0xFF, 0xFE, 0, 0], "a byte order mark of UTF-32", "Convert it: iconv -f UTF-32 -t UTF-8"),
    ([0, 0, 0xFE, 0xFF], "a byte order mark of UTF-32", "Convert it: iconv -f UTF-32 -t UTF-8"),
    ([0xFF, 0xFE], "a byte order mark of UTF-16", "Convert it: iconv -f UTF-16 -t UTF-8"),
    ([0xFE, 0xFF], "a byte order mark of UTF-16", "Convert it: iconv -f UTF-16 -t UTF-8"),
    ([0x1F, 0x8B], "gzip data", "Give the file a name that ends in .gz, or unpack it with gunzip"),
    ([0x50, 0x4B, 3, 4], "a zip archive (or a spreadsheet)", "Unpack it, or export it as CSV"),
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "xz data", "Unpack it with unxz"),
    ([0x28, 0xB5, 0x2F, 0xFD], "Zstandard data", "Unpack it with unzstd"),
    (Array("BZh91AY&SY".utf8), "bzip2 data", "Unpack it with bunzip2"),
  ]

  /// How many first bytes tell all that `start` can tell.
  package static let headBytes = 10

  /// Where the text begins: behind a byte order mark of UTF-8, if there is one.
  /// - Parameter head: the first `headBytes` bytes, or all there are.
  /// - Throws: for what begins like something else.
  package static func start(_ head: UnsafeBufferPointer<UInt8>) throws(NoText) -> Int {
    if let other = otherStarts.first(where: { head.starts(with: $0.bytes) }) {
      throw NoText(line: 1, found: other.found, advice: other.advice)
    }
    return head.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
  }

  /// Refuses zero bytes, which no text has.
  /// - Parameter line: the number of the line that the first byte is on.
  package static func refuseZeros(_ bytes: UnsafeBufferPointer<UInt8>, line: Int) throws(NoText) {
    guard let base = bytes.baseAddress, let zero = memchr(base, 0, bytes.count) else { return }
    let place = UnsafeRawPointer(zero) - UnsafeRawPointer(base)
    let before = UnsafeBufferPointer(rebasing: bytes[..<place])
    // Latin letters in UTF-16 have a zero in every other byte.
    let near = bytes[max(0, place - 32)..<min(bytes.count, place + 32)]
    let isWide = near.count { $0 == 0 } * 3 > near.count
    throw NoText(
      line: line + before.lineBreaks, found: isWide ? "zero bytes as in UTF-16" : "a zero byte",
      advice: isWide
        ? "Convert it: iconv -f UTF-16LE -t UTF-8 (or UTF-16BE)"
        : "Is it the right file? If a broken character is all that is wrong, remove it: tr -d '\\000'")
  }
}

// MARK: - Lines

/// Lines end with a line feed, a carriage return, or both in this order, as in Python's universal newlines.
extension UnsafeBufferPointer<UInt8> {
  /// The position of the first line end from `start` on: of a line feed or a carriage return.
  package func lineBreak(from start: Int) -> Int? {
    guard let base = baseAddress else { return nil }
    var position = start
    // By pieces, so that a file with one kind of line ends is not searched to its end for the other.
    while position < count {
      let length = Swift.min(512, count - position)
      let feed = memchr(base + position, 10, length).map { UnsafeRawPointer($0) - UnsafeRawPointer(base + position) }
      if let back = memchr(base + position, 13, feed ?? length) {
        return UnsafeRawPointer(back) - UnsafeRawPointer(base)
      }
      if let feed { return position + feed }
      position += length
    }
    return nil
  }

  /// Whether the line end at `position` may go on beyond the buffer: a carriage return as its last byte.
  func isCut(_ position: Int) -> Bool { self[position] == 13 && position + 1 == count }

  /// Where the line behind the line end at `position` begins.
  package func next(after position: Int) -> Int {
    let isPair = self[position] == 13 && position + 1 < count && self[position + 1] == 10
    return position + (isPair ? 2 : 1)
  }

  /// How many line ends there are.
  package var lineBreaks: Int {
    var counter = LineCounter()
    counter.pass(self)
    return counter.line - 1
  }
}

/// The number of the line that a reader is on, over as many buffers as it likes.
package struct LineCounter {
  /// From 1.
  package private(set) var line = 1
  private var previous: UInt8 = 0

  /// A counter at the start of a file.
  package init() {}

  /// Goes on behind some bytes.
  package mutating func pass(_ bytes: some Sequence<UInt8>) {
    for byte in bytes {
      if byte == 13 || byte == 10 && previous != 13 { line += 1 }
      previous = byte
    }
  }
}
