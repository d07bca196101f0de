// Long lines are encoded in parts: the tokens are those of the whole, for every kind of vocabulary, and what is cut off
// costs nothing.

import Foundation
import TestSupport
import Testing
import Tokenizer

@Suite struct LineBordersTests {
  let tokenizers: [(name: String, tokenizer: any Tokenizer)]

  init() throws {
    let unigram = try UnigramFixture()
    tokenizers =
      try FixtureTokenizers.load().sorted { $0.key < $1.key }.map { ($0, $1) }
      + unigram.cases.map { ($0.name, try unigram.tokenizer($0.name)) }
  }

  /// Hostile, random, and both joined by blanks.
  private func hostileLines() throws -> [[UInt8]] {
    let hostile = try Expected.read().hostile.map(\.bytes).filter { $0.count < 2000 } + UnigramFixture().lines
    let random = RandomLines.make(1500, seed: 31)
    let joined = stride(from: 0, to: random.count, by: 10).map { first in
      Array(random[first..<first + 10].joined(separator: first % 3 == 0 ? [0x20] : [0x20, 0x20]))
    }
    return hostile + random + joined
  }

  @Test func partsHaveTheTokensOfTheWhole() throws {
    let lines = try hostileLines()
    for (name, tokenizer) in tokenizers {
      let whole = try #require(TokenizerStages.encoder(tokenizer, partSize: .max))
      for size in [1, 7] {
        let parts = try #require(TokenizerStages.encoder(tokenizer, partSize: size))
        for line in lines {
          let (found, wanted) = line.withUnsafeBufferPointer { line in
            (parts.encode(line, maximumLength: 1 << 30), whole.encode(line, maximumLength: 1 << 30))
          }
          let text = String(decoding: line, as: UTF8.self).debugDescription
          #expect(found == wanted, "\(name), parts of \(size): \(text)")
        }
      }
    }
  }

  @Test func whatIsCutOffChangesNothingOfTheRest() throws {
    let lines = try hostileLines().filter { $0.count > 100 }
    for (name, tokenizer) in tokenizers {
      let parts = try #require(TokenizerStages.encoder(tokenizer, partSize: 1))
      for line in lines {
        line.withUnsafeBufferPointer { line in
          let whole = parts.encode(line, maximumLength: 1 << 30)
          let cut = parts.encode(line, maximumLength: 12)
          let isCut = whole.ids.count > 12
          #expect(cut.truncated == isCut && cut.replacedBytes == whole.replacedBytes, "\(name)")
          #expect(cut.ids == (isCut ? whole.ids.prefix(11) + [tokenizer.endID] : whole.ids), "\(name)")
        }
      }
    }
  }

  /// 8 MB of which 64 tokens count: looking for broken bytes is all that is done with the rest.
  @Test func whatIsCutOffIsNotLookedAt() throws {
    let text = Array(String(repeating: "The ferry leaves the old harbour at seven, ", count: 190_000).utf8)
    let names = ["wordpiece, uncased", "byte-level", "modernbert", "XLM-RoBERTa", "ALBERT"]
    for (name, tokenizer) in tokenizers where names.contains(name) {
      let encoder = tokenizer.makeEncoder()
      func seconds(_ length: Int) -> Double {
        let start = ContinuousClock.now
        _ = text.withUnsafeBufferPointer { encoder.encode($0, maximumLength: length) }
        return (ContinuousClock.now - start) / .seconds(1)
      }
      let whole = seconds(1 << 30)
      let cut = (0..<3).map { _ in seconds(64) }.min() ?? 0
      #expect(cut < whole / 5, "\(name): \(cut) s of \(whole) s")
    }
    #expect(Set(tokenizers.map(\.name)).isSuperset(of: names))
  }

  /// A few lines, each long: every thread has some of them.
  @Test func longLinesAreSharedOut() throws {
    let line = String(repeating: "The ferry leaves the old harbour at seven, ", count: 500)
    let (_, tokenizer) = try #require(tokenizers.first)
    let alone = tokenizer.encode(line, maximumLength: 1 << 30)
    for threads in [1, 2, 7] {
      let lines = tokenizer.encodeAll([String](repeating: line, count: 9), maximumLength: 1 << 30, threads: threads)
      #expect(lines == [TokenizedLine](repeating: alone, count: 9))
    }
  }

  /// Marks that have to be put in order come by the hundred thousand, too.
  @Test func runsOfMarksTakeTimeInProportion() throws {
    let tokenizer = try #require(tokenizers.first { $0.name == "wordpiece, uncased" }?.tokenizer)
    func seconds(_ count: Int) -> Double {
      let line = Array(String(repeating: "\u{302E}\u{1D165}", count: count).utf8)
      return (0..<3).map { _ in
        let start = ContinuousClock.now
        _ = tokenizer.ids(line)
        return (ContinuousClock.now - start) / .seconds(1)
      }.min() ?? 0
    }
    let (short, long) = (seconds(4000), seconds(128_000))
    #expect(long < 300 * max(short, 1e-3), "\(short) s, then \(long) s")
  }
}
