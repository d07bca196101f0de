// The protocol's promises: truncation, threads, tokens by id, and both ways of merging.

import Foundation
import TestSupport
import Testing
import Tokenizer

@Suite struct TokenizerTests {
  let wordPiece: any Tokenizer
  let byteLevel: any Tokenizer

  init() throws {
    let all = try FixtureTokenizers.load()
    wordPiece = try #require(all["wordpiece, uncased"])
    byteLevel = try #require(all["byte-level"])
  }

  @Test func truncationKeepsTheFirstTokensAndTheLastSpecialOne() {
    for tokenizer in [wordPiece, byteLevel] {
      let text = "The ferry leaves [SEP] the old <mask> harbour at seven."
      let whole = tokenizer.encode(text, maximumLength: 512)
      #expect(!whole.truncated)
      for length in 2..<whole.ids.count + 3 {
        let line = tokenizer.encode(text, maximumLength: length)
        let isCut = length < whole.ids.count
        #expect(line.truncated == isCut)
        #expect(line.ids == (isCut ? whole.ids.prefix(length - 1) + [tokenizer.endID] : whole.ids))
      }
    }
  }

  /// Byte-level tokens are the line's bytes; WordPiece gives the words as the tokenizer normalised them.
  @Test func textOfTokens() throws {
    func text(_ tokenizer: any Tokenizer, _ line: String) -> String? {
      let ids = Array(tokenizer.encode(line, maximumLength: 512).ids.dropFirst().dropLast())
      return tokenizer.text(of: ids).map { String(decoding: $0, as: UTF8.self) }
    }
    let line = "The ferry  leaves, d\u{e9}j\u{e0} vu \u{1F6A2} at seven."
    #expect(text(byteLevel, line) == line)
    let inner = Array(byteLevel.encode(line, maximumLength: 512).ids.dropFirst().dropLast())
    #expect(byteLevel.text(of: Array(inner.dropFirst()))?.first == 0x20, "a word has its blank")
    #expect(text(wordPiece, "The Ferry leaves") == "the ferry leaves")
    for tokenizer in [wordPiece, byteLevel] {
      #expect(tokenizer.text(of: []) == [])
      #expect(tokenizer.text(of: [-1]) == nil && tokenizer.text(of: [Int32(tokenizer.vocabularySize)]) == nil)
    }
  }

  @Test func emptyTextHasTheTwoSpecialTokens() {
    for tokenizer in [wordPiece, byteLevel] {
      let empty = TokenizedLine(ids: [tokenizer.startID, tokenizer.endID])
      #expect(tokenizer.encode("", maximumLength: 2) == empty)
      #expect(tokenizer.encode(UnsafeBufferPointer(start: nil, count: 0), maximumLength: 8) == empty)
    }
  }

  @Test(arguments: [1, 2, 3, 16, 10_000])
  func theNumberOfThreadsChangesNothing(_ threads: Int) {
    for tokenizer in [wordPiece, byteLevel] {
      let lines = RandomLines.make(3000, seed: 99)
      let encoder = tokenizer.makeEncoder()
      let expected = lines.map { line in
        line.withUnsafeBufferPointer { encoder.encode($0, maximumLength: 24) }
      }
      #expect(tokenizer.encodeAll(lines, maximumLength: 24, threads: threads) == expected)
      let joined = Array(lines.joined())
      var start = 0
      let ranges = lines.map { line in
        defer { start += line.count }
        return start..<start + line.count
      }
      joined.withUnsafeBufferPointer {
        #expect(tokenizer.encodeAll(in: $0, ranges: ranges, maximumLength: 24, threads: threads) == expected)
      }
    }
  }

  @Test func stringsAndNoLinesAtAll() {
    #expect(wordPiece.encodeAll([String](), maximumLength: 8, threads: 4).isEmpty)
    let lines = ["A line.", "", "Another, which is longer than eight tokens are, by far."]
    let expected = lines.map { wordPiece.encode($0, maximumLength: 8) }
    #expect(wordPiece.encodeAll(lines, maximumLength: 8, threads: 2) == expected)
    #expect(expected.map(\.truncated) == [false, false, true])
  }

  @Test func tokensHaveTheVocabularysSpelling() {
    #expect(wordPiece.tokens("Water's [MASK]") == ["[CLS]", "water", "'", "s", "[MASK]", "[SEP]"])
    #expect(byteLevel.tokens(" the water <mask>é") == ["<s>", "Ġthe", "Ġwater", "<mask>", "Ã©", "</s>"])
    for id in [-1, Int32(wordPiece.vocabularySize), .max] { #expect(wordPiece.token(id) == nil) }
    #expect(byteLevel.token(Int32(byteLevel.vocabularySize - 1)) == "<mask>")
    #expect(byteLevel.maskID == Int32(byteLevel.vocabularySize - 1))
  }

  /// Merging as the definition says: the pair of the lowest rank, the leftmost of equals, again and again.
  @Test func mergingFollowsTheDefinition() throws {
    let path = Resources.fixture("tokenizer/byte-level/merges.txt")
    var ranks: [[String]: Int] = [:]
    for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").dropFirst() {
      ranks[line.split(separator: " ").map(String.init)] = ranks.count
    }
    var random = RandomLines.Generator(state: 4)
    for _ in 0..<300 {
      // Up to 160 letters: short pieces and long ones are merged in different ways.
      let word = (0..<1 + random.next(160)).map { _ in Array("etaoinshrdl")[random.next(11)] }
      var symbols = word.map(String.init)
      while let best = symbols.indices.dropLast().min(by: { rank($0, symbols, ranks) < rank($1, symbols, ranks) }),
        rank(best, symbols, ranks) < .max
      {
        symbols[best] += symbols.remove(at: best + 1)
      }
      #expect(byteLevel.tokens(String(word)) == ["<s>"] + symbols + ["</s>"], "\(String(word))")
    }
  }

  private func rank(_ index: Int, _ symbols: [String], _ ranks: [[String]: Int]) -> Int {
    ranks[[symbols[index], symbols[index + 1]]] ?? .max
  }

  /// Very long pieces are merged window by window. The digests are those of tokenizers 0.23.3:
  /// `models.BPE(*models.BPE.read_file("vocab.json", "merges.txt")).tokenize(word[:n])`.
  @Test(arguments: [
    (2048, #"{"count": 1429, "digest": "9848e96e1e8181e0"}"#),
    (2049, #"{"count": 1429, "digest": "37a0dd47e3f0bf3d"}"#),
    (4100, #"{"count": 2866, "digest": "a6cc05f3ffe994f2"}"#),
    (30_000, #"{"count": 20990, "digest": "17ce12689dcb4131"}"#),
  ])
  func veryLongWordsHaveTheReferencesTokens(length: Int, digest: String) throws {
    var random = RandomLines.Generator(state: 6)
    let word = (0..<length).map { _ in Array("etaoinshrdl".utf8)[random.next(11)] }
    let expected = try JSONDecoder().decode(Digest.self, from: Data(digest.utf8))
    #expect(Digest(byteLevel.ids(word).dropFirst().dropLast()) == expected)
  }

  @Test func veryLongWordsTakeLinearTime() {
    let clock = ContinuousClock()
    let short = String(repeating: "electroencephalographically", count: 370)
    let long = String(repeating: short, count: 30)
    for tokenizer in [wordPiece, byteLevel] {
      let times = [short, long].map { text in
        (0..<5).map { _ in clock.measure { _ = tokenizer.encode(text, maximumLength: 1 << 30) } }.min() ?? .zero
      }
      // 30 times the text; a quadratic way would take 900 times as long.
      #expect(times[1] < times[0] * 200 + .milliseconds(5))
    }
  }
}
