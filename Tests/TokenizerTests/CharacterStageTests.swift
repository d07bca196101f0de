// Every code point through the single stages, against what Hugging Face's normaliser and splitters do with it.

import Testing
import Tokenizer

@Suite struct CharacterStageTests {
  let stages: [String: [Digest]]

  init() throws { stages = try Expected.read().stages }

  /// Compares block by block, so that a failure names the characters.
  private func compare(_ name: String, _ values: (Unicode.Scalar) -> [Int32]) throws {
    let blockSize: UInt32 = 0x2000
    for (block, expected) in try #require(stages[name]).enumerated() {
      let first = UInt32(block) * blockSize
      var found = Digest()
      for scalar in (first..<min(first + blockSize, 0x110000)).lazy.compactMap(Unicode.Scalar.init) {
        found.add(values(scalar))
      }
      #expect(found == expected, "\(name), characters from U+\(String(first, radix: 16))")
    }
  }

  @Test(arguments: ["1111", "1100", "0010", "0001", "0111"])
  func cleaningEveryCharacter(_ options: String) throws {
    let flags = options.map { $0 == "1" }
    try compare("normalizer \(options)") { scalar in
      let text = "A\(scalar)\u{302E}\u{345}\u{334}\u{16FF0}\(scalar)Z"
      let clean = TokenizerStages.cleanForBert(
        Array(text.utf8), cleansText: flags[0], separatesIdeographs: flags[1], stripsAccents: flags[2],
        lowercases: flags[3])
      return String(decoding: clean, as: UTF8.self).unicodeScalars.map { Int32($0.value) }
    }
  }

  @Test func splittingWordsAtEveryCharacter() throws {
    try compare("bert words") { scalar in
      TokenizerStages.bertWords(Array("a\(scalar)b \(scalar)\(scalar)".utf8)).map { Int32($0.count) }
    }
  }

  @Test func splittingPiecesAtEveryCharacter() throws {
    try compare("byte-level pieces") { scalar in
      let text = "a\(scalar)1\(scalar) \(scalar)\(scalar)!\(scalar)'s\(scalar)  \(scalar)"
      return TokenizerStages.byteLevelPieces(Array(text.utf8)).map { Int32($0.count) }
    }
  }

  @Test func hangulDecomposes() {
    let clean = TokenizerStages.cleanForBert(
      Array("한국".utf8), cleansText: true, separatesIdeographs: true, stripsAccents: true, lowercases: true)
    #expect(clean == Array("\u{1112}\u{1161}\u{11AB}\u{1100}\u{116E}\u{11A8}".utf8))
  }

  @Test func splittingFollowsTheExpression() {
    func pieces(_ text: String) -> [String] {
      TokenizerStages.byteLevelPieces(Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }
    #expect(pieces("it's we'll 'x") == ["it", "'s", " we", "'ll", " '", "x"])
    #expect(pieces("a  b\t\tc ") == ["a", " ", " b", "\t", "\t", "c", " "])
    #expect(pieces("   ") == ["   "])
    #expect(pieces("x12.5%") == ["x", "12", ".", "5", "%"])
    #expect(pieces("").isEmpty)
  }

  @Test func repairIsPythons() {
    let cases: [([UInt8], String, Int)] = [
      ([0x61, 0x80, 0x62], "a\u{FFFD}b", 1), ([0xE2, 0x82], "\u{FFFD}", 2), ([0xE2, 0x82, 0x41], "\u{FFFD}A", 2),
      ([0xED, 0xA0, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}", 3), ([0xF0, 0x9F, 0x98], "\u{FFFD}", 3),
      ([0xC0, 0xAF], "\u{FFFD}\u{FFFD}", 2), ([0xF4, 0x90, 0x80, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}", 4),
      (Array("é€😀".utf8), "é€😀", 0), ([], "", 0),
    ]
    for (bytes, text, count) in cases {
      let repaired = TokenizerStages.repairUTF8(bytes)
      #expect(repaired.bytes == Array(text.utf8))
      #expect(repaired.replacedBytes == count)
    }
  }
}
