// Unigram tokenizers against Hugging Face's: hostile and random lines, all shared data, the single normalizers,
// time and length, and where words begin.

import Files
import Foundation
import TestSupport
import Testing
import Tokenizer

@Suite struct UnigramTests {
  let fixture: UnigramFixture

  init() throws { fixture = try UnigramFixture() }

  @Test func hostileAndRandomLinesHaveTheReferencesTokens() throws {
    let lines = fixture.lines
    #expect(fixture.cases.count >= 20 && lines.count >= 200)
    for entry in fixture.cases {
      let tokenizer = try fixture.tokenizer(entry.name)
      for (line, wanted) in zip(lines, entry.lines) {
        let found = tokenizer.ids(line)
        #expect(found == wanted, "\(entry.name), \(String(decoding: line, as: UTF8.self).debugDescription)")
      }
      for (index, wanted) in entry.rest.enumerated() {
        let first = entry.lines.count + index * UnigramFixture.Case.rowsOfRest
        var found = Digest()
        for line in lines[first...].prefix(UnigramFixture.Case.rowsOfRest) { found.add(tokenizer.ids(line)) }
        #expect(found == wanted, "\(entry.name), lines from \(first)")
      }
      for (index, wanted) in entry.random.enumerated() {
        var found = Digest()
        let random = RandomLines.make(1000, seed: UInt64(index + 1))
        for line in tokenizer.encodeAll(random, maximumLength: 1 << 30, threads: 2) { found.add(line.ids) }
        #expect(found == wanted, "\(entry.name), random lines of seed \(index + 1)")
      }
      #expect(tokenizer.specialIDs == Set(entry.special), "\(entry.name)")
      #expect(tokenizer.maskID == entry.mask, "\(entry.name)")
    }
  }

  @Test(.needs(.sharedData)) func everyLineHasTheReferencesTokens() throws {
    let tokenizer = try fixture.tokenizer("as it stands")
    #expect(fixture.shared.count > 100)
    for (name, wanted) in fixture.shared {
      let path = try #require(Resources.shared("data/\(name)"))
      let text = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      let all = text.withUnsafeBufferPointer {
        tokenizer.encodeAll(in: $0, ranges: lines(of: text), maximumLength: 1 << 30, threads: 2)
      }
      var found = Digest()
      for line in all { found.add(line.ids) }
      #expect(found == wanted, "\(name)")
    }
  }

  /// Every character, in places where it may belong to the characters beside it.
  @Test func normalizersDoWhatTheReferenceDoes() throws {
    #expect(fixture.stages.count == 7)
    for (name, wanted) in fixture.stages {
      let option = name == "Precompiled" ? #", "precompiled_charsmap": "\#(fixture.charsmap)""# : ""
      let normalize = try TokenizerStages.normalizer(json: "{\"type\": \"\(name)\"\(option)}")
      let blocks = Array(stride(from: UInt32(0), to: 0x32000, by: 0x2000)) + [0xE0000]
      #expect(wanted.count == blocks.count)
      for (first, digest) in zip(blocks, wanted) {
        var found = Digest()
        for scalar in (first..<first + 0x2000).compactMap(Unicode.Scalar.init) {
          let clean = normalize(Array(Self.text(scalar, name).utf8))
          found.add(String(decoding: clean, as: UTF8.self).unicodeScalars.map { Int32($0.value) })
        }
        #expect(found == digest, "\(name), code points from U+\(String(first, radix: 16))")
      }
    }
  }

  private static func text(_ scalar: Unicode.Scalar, _ name: String) -> String {
    guard name == "Precompiled" else {
      return "A\(scalar)\u{302E}\u{345}\u{334}\u{16FF0}\(scalar)Z"
    }
    return "\u{301}\(scalar)e\u{301} \(scalar)\u{308}\u{301} \u{2764}\u{200D}\(scalar)\u{301} "
      + "\(scalar)\u{200D}\u{2764}\u{301}\u{915}\u{94D}\(scalar)\u{301}"
  }

  @Test func longWordsAndLinesTakeTimeInProportion() throws {
    for name in ["whole lines", "never", "no pre-tokenizer", "ALBERT"] {
      let tokenizer = try fixture.tokenizer(name)
      for unit in ["a", "the", "\u{65E5}", "\u{301}\u{327}", " ", "\u{2581}", "e\u{301}\u{200D}", "<mask>", "\n "] {
        func seconds(_ count: Int) -> Double {
          let line = Array(String(repeating: unit, count: count).utf8)
          return (0..<3).map { _ in
            let start = ContinuousClock.now
            _ = tokenizer.ids(line)
            return (ContinuousClock.now - start) / .seconds(1)
          }.min() ?? 0
        }
        let (short, long) = (seconds(4000), seconds(128_000))
        // 32 times the text; quadratic would be a thousand times the time. A busy machine counts for some of it.
        #expect(long < 300 * max(short, 1e-3), "\(name), \(unit.debugDescription): \(short) s, then \(long) s")
      }
    }
  }

  @Test func lengthIsLimitedOnBothSides() throws {
    let folder = try fixture.folder("XLM-RoBERTa")
    let text = "The ferry leaves the old harbour at seven"
    let line = Array(text.utf8)
    let tokenizer = try TokenizerFolder.load(folder.path)
    let whole = tokenizer.ids(line)
    let cut = tokenizer.encode(text, maximumLength: 6)
    #expect(cut.ids == Array(whole.prefix(5)) + [2] && cut.truncated)
    try folder.write("tokenizer_config.json", #"{"truncation_side": "left", "model_max_length": 6}"#)
    let left = try TokenizerFolder.load(folder.path)
    #expect(left.maximumLength == 6)
    #expect(left.ids(line, maximumLength: 6) == [0] + whole.suffix(5))
  }

  @Test func wordsBeginAtTheMark() throws {
    for (name, mark) in [("XLM-RoBERTa", "\u{2581}"), ("another mark", "_")] {
      let tokenizer = try fixture.tokenizer(name)
      let ids = tokenizer.ids(Array("The children built\u{3000}castles".utf8))
      let words = WordStarts(tokenizer).words(of: ids) { tokenizer.specialIDs.contains($0) }
      #expect(words.first == -1 && words.last == -1)
      let starts = ids.indices.filter { words[$0] >= 0 && words[$0] != words[$0 - 1] }
      #expect(starts.count == 4, "\(name)")
      #expect(starts.allSatisfy { tokenizer.token(ids[$0])?.hasPrefix(mark) == true }, "\(name)")
      #expect(tokenizer.text(of: Array(ids.dropFirst().dropLast())) == Array(" The children built castles".utf8))
    }
  }

  /// A mark that is a token of its own says nothing about a vocabulary of WordPiece.
  @Test func aVocabularyThatHoldsOtherMarksKeepsItsOwn() throws {
    let folder = try TemporaryFolder()
    try folder.write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n\u{2581}\n\u{120}\nplay\n##ing\n")
    let tokenizer = try TokenizerFolder.load(folder.path)
    let ids = tokenizer.ids(Array("playing play".utf8))
    #expect(ids == [2, 7, 8, 7, 3])
    #expect(WordStarts(tokenizer).words(of: ids) { $0 < 5 } == [-1, 0, 0, 1, -1])
  }

  @Test func bytesAreTextAgain() throws {
    let tokenizer = try fixture.tokenizer("bytes")
    let ids = tokenizer.ids(Array("\u{2C6F}".utf8))
    #expect(ids.count == 6, "the mark and three bytes between the ends")
    #expect(tokenizer.text(of: Array(ids.dropFirst().dropLast())) == Array(" \u{2C6F}".utf8))
  }
}
