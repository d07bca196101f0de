// What is text, and where lines end: the same for every reader.

import Files
import Foundation
import TestSupport
import Testing
import TextData

/// Lines as Python's `open()` has them, by replacing: a second, plain statement of the rule.
func plainLines(_ text: String) -> [String] {
  let feeds = text.unicodeScalars.reduce(into: "") { (result: inout String, scalar) in
    result.unicodeScalars.append(scalar)
  }
  var unified: [Unicode.Scalar] = []
  var previous: Unicode.Scalar?
  for scalar in feeds.unicodeScalars {
    if !(scalar == "\n" && previous == "\r") { unified.append(scalar == "\r" ? "\n" : scalar) }
    previous = scalar
  }
  var lines: [String] = [""]
  for scalar in unified {
    if scalar == "\n" { lines.append("") } else { lines[lines.count - 1].unicodeScalars.append(scalar) }
  }
  if lines.last == "" { lines.removeLast() }
  return lines
}

/// Texts of letters and every kind of line end.
let mixedTexts: [String] = {
  var texts = ["", "\r", "\n", "\r\n", "a\rb", "a\r\nb\r\r\nc\n\rd", "a\r"]
  var state: UInt64 = 7
  for length in stride(from: 1, to: 1500, by: 37) {
    var text = ""
    for _ in 0..<length {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      text.unicodeScalars.append((["a", "b", "c", "d", "\r", "\n"] as [Unicode.Scalar])[Int(state >> 33) % 6])
    }
    texts.append(text)
  }
  return texts
}()

struct TextRulesTests {
  /// Bytes that are no text, and what is said of them.
  static let refused: [(name: String, bytes: [UInt8], message: String)] = [
    ("UTF-16 with its mark", [0xFF, 0xFE, 0x61, 0, 0x0A, 0], "a byte order mark of UTF-16"),
    ("UTF-16, big first", [0xFE, 0xFF, 0, 0x61], "a byte order mark of UTF-16"),
    ("UTF-32", [0xFF, 0xFE, 0, 0, 0x61, 0, 0, 0], "a byte order mark of UTF-32"),
    ("UTF-16 without a mark", Array("the cat\nsat".utf8).flatMap { [$0, 0] }, "zero bytes as in UTF-16"),
    ("gzip", [0x1F, 0x8B, 8, 0, 1, 2, 3, 4, 5, 6, 7], "gzip data"),
    ("zip", [0x50, 0x4B, 3, 4, 20, 0], "a zip archive"), ("xz", [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "xz data"),
    ("zstd", [0x28, 0xB5, 0x2F, 0xFD, 1], "Zstandard data"),
    ("a zero byte", Array("one\ntwo\r\nth".utf8) + [0] + Array("ree and a good deal of other text\n".utf8), ":3: "),
  ]

  @Test(arguments: refused)
  func whatIsNoTextIsRefusedByEveryReader(_ name: String, _ bytes: [UInt8], _ message: String) throws {
    let scratch = try Scratch()
    let path = try scratch.file("a.txt", bytes)
    var errors: [String] = []
    func attempt(_ body: () throws -> Void) {
      do { try body() } catch { errors.append("\(error)") }
    }
    attempt {
      let file = try RecordFile(path: path, isCompressed: false, spoolFolder: scratch.path, expected: "text")
      try RecordScanner(file: file, format: .text).forEachRecord { _ in }
    }
    attempt { try RecordScanner(file: RecordFile(path: path, bytes: bytes), format: .csv).forEachRecord { _ in } }
    attempt { while !(try LineInput(path: path, spoolFolder: scratch.path).next(100).isEmpty) {} }
    #expect(errors.count == 3 && Set(errors).count == 1, "\(errors)")
    #expect(errors.first?.contains(message) == true && errors.first?.contains("expected text") == true, "\(errors)")
  }

  @Test(arguments: mixedTexts)
  func everyReaderHasTheLinesOfPython(_ text: String) throws {
    let scratch = try Scratch()
    let path = try scratch.file("a.txt", text)
    let expected = plainLines(text)
    #expect(try LineInput(path: path, spoolFolder: scratch.path).next(10_000).map(string) == expected)
    var scanned: [String] = []
    try RecordScanner(file: RecordFile(path: path, bytes: Array(text.utf8)), format: .text).forEachRecord {
      #expect($0.lines == scanned.count + 1...scanned.count + 1)
      scanned.append(String(decoding: $0.bytes, as: UTF8.self))
    }
    #expect(scanned == expected)
    let breaks = Array(text.utf8).withUnsafeBufferPointer(\.lineBreaks)
    let isOpen = text.unicodeScalars.last.map { $0 != "\n" && $0 != "\r" } ?? false
    #expect(breaks == expected.count - (isOpen ? 1 : 0))
  }

  private func string(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test func aByteOrderMarkIsDropped() throws {
    let scratch = try Scratch()
    for text in ["\u{FEFF}a\nb", "\u{FEFF}", "\u{FEFF}a"] {
      let path = try scratch.file("a.txt", text)
      let expected = plainLines(String(text.unicodeScalars.dropFirst()))
      #expect(try LineInput(path: path, spoolFolder: scratch.path).next(9).map(string) == expected)
      var scanned: [String] = []
      try RecordScanner(file: RecordFile(path: path, bytes: Array(text.utf8)), format: .text).forEachRecord {
        scanned.append(String(decoding: $0.bytes, as: UTF8.self))
      }
      #expect(scanned == expected)
    }
  }

  /// Line ends at every place around the borders of blocks and windows.
  @Test(arguments: ["\n", "\r", "\r\n"], [1 << 16, 4 << 20])
  func lineEndsOnBorders(_ end: String, _ border: Int) throws {
    let scratch = try Scratch()
    for shift in -2...2 {
      let head = String(repeating: String(repeating: "x", count: 1023) + "\n", count: border / 1024 - 1)
      let text = head + String(repeating: "y", count: 1024 + shift - 1) + end + "z" + end
      let path = try scratch.file("a.txt", text)
      let lines = try LineInput(path: path, spoolFolder: scratch.path).next(1 << 20)
      #expect(lines.count == border / 1024 + 1 && lines.last.map(string) == "z", "\(shift)")
      let file = try RecordFile(path: path, isCompressed: false, spoolFolder: scratch.path, expected: "text")
      var records: [(Int, Int)] = []
      try RecordScanner(file: file, format: .text).forEachRecord {
        records.append(($0.bytes.count, $0.lines.lowerBound))
      }
      #expect(records.count == lines.count && records.last?.0 == 1 && records.last?.1 == lines.count, "\(shift)")
    }
  }

  @Test func compressedLinesAreUnpacked() throws {
    let scratch = try Scratch()
    let path = try scratch.file("a.txt", "one\ntwo\n")
    #expect(try shell(["gzip", path]).code == 0)
    #expect(try LineInput(path: path + ".gz", spoolFolder: scratch.path).next(9).map(string) == ["one", "two"])
    #expect(scratch.names == ["a.txt.gz"])
  }
}
