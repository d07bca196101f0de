// Hostile and random lines against Hugging Face's tokens, for every kind of vocabulary.

import TestSupport
import Testing
import Tokenizer

@Suite struct HostileTextTests {
  let expected: Expected
  let tokenizers: [String: any Tokenizer]

  init() throws {
    expected = try Expected.read()
    tokenizers = try FixtureTokenizers.load()
  }

  @Test(.needs(.model)) func everyTokenizerOfTheFixtureIsTested() {
    #expect(Set(tokenizers.keys) == Set(expected.random.keys))
  }

  @Test func hostileLinesHaveTheReferencesTokens() throws {
    for line in expected.hostile {
      for (name, tokenizer) in tokenizers {
        let found = tokenizer.ids(line.bytes)
        let wanted = try #require(line.ids[name])
        #expect(wanted.matches(found), "\(name), line \"\(line.name)\": expected \(wanted), found \(found.prefix(200))")
      }
    }
  }

  @Test func randomLinesHaveTheReferencesTokens() throws {
    for (name, tokenizer) in tokenizers {
      let digests = try #require(expected.random[name])
      for (index, digest) in digests.enumerated() {
        let seed = UInt64(index + 1)
        let lines = RandomLines.make(1000, seed: seed)
        var found = Digest()
        for line in tokenizer.encodeAll(lines, maximumLength: 1 << 30, threads: 2) { found.add(line.ids) }
        #expect(found == digest, "\(name), random lines of seed \(seed)")
      }
    }
  }

  @Test func specialTokensAreTheReferences() throws {
    for (name, tokenizer) in tokenizers {
      guard let special = try #require(expected.special[name]) else { continue }
      #expect(tokenizer.specialIDs == Set(special), "\(name)")
    }
  }

  @Test func invalidBytesAreCounted() throws {
    let tokenizer = try #require(tokenizers["byte-level"])
    let counts = [
      "plain": 0, "replacement character": 0, "invalid: lone continuation": 3, "invalid: latin 1": 6,
      "invalid: cut off two": 1, "invalid: cut off three": 2, "invalid: cut off four": 3,
      "invalid: surrogates": 12, "invalid: all bytes": 128, "invalid: 10000 bytes": 10000,
    ]
    for (name, count) in counts {
      let line = try #require(expected.hostile.first { $0.name == name })
      let found = line.bytes.withUnsafeBufferPointer { tokenizer.encode($0, maximumLength: 64) }
      #expect(found.replacedBytes == count, "\(name)")
    }
  }
}

/// The random lines of hostile.py, made in the same way.
enum RandomLines {
  /// SplitMix64. Source: Steele et al., Fast Splittable Pseudorandom Number Generators, 2014.
  struct Generator {
    var state: UInt64

    mutating func next(_ below: Int) -> Int {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return Int((z ^ (z >> 31)) % UInt64(below))
    }
  }

  static let pools: [(Int, Int)] = [
    (0x61, 0x7A), (0x20, 0x20), (0x20, 0x7E), (0x00, 0xFF), (0x300, 0x36F), (0xC0, 0x24F), (0x370, 0x52F),
    (0x590, 0x6FF), (0x900, 0xDFF), (0x1100, 0x11FF), (0x1AB0, 0x1CFF), (0x1D00, 0x1FFF), (0x2000, 0x206F),
    (0x2070, 0x2BFF), (0x2E00, 0x30FF), (0x3400, 0x9FFF), (0xA640, 0xAB6F), (0xAC00, 0xD7A3), (0xF900, 0xFFFF),
    (0x10000, 0x11FFF), (0x16F00, 0x1D24F), (0x1D400, 0x1FAFF), (0x20000, 0x2FA1F), (0xE0000, 0x10FFFF),
  ]
  static let words: [[UInt8]] = [
    Array("[SEP]".utf8), Array("<mask>".utf8), Array("'s".utf8), Array(" the".utf8), Array("ing".utf8),
    Array("  ".utf8), [0xFF], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xCC, 0x81],
  ]

  static func make(_ count: Int, seed: UInt64) -> [[UInt8]] {
    var random = Generator(state: seed)
    return (0..<count).map { _ in
      var line: [UInt8] = []
      let chosen = (0..<1 + random.next(4)).map { _ in random.next(pools.count) }
      for _ in 0..<1 + random.next(40) {
        if random.next(12) == 0 {
          line += words[random.next(words.count)]
          continue
        }
        let (first, last) = pools[chosen[random.next(chosen.count)]]
        let scalar = first + random.next(last - first + 1)
        if let scalar = Unicode.Scalar(UInt32(scalar)) { line += Array(String(Character(scalar)).utf8) }
      }
      return line
    }
  }
}
