// Every line of every text file of the shared data against Hugging Face's tokens, by digests of all ids.
// The files are read as bytes, cut at LF; 20 of them hold CRLF (white space to BERT), one is not UTF-8.

import Foundation
import TestSupport
import Testing
import Tokenizer

@Suite struct SharedDataTests {
  private struct Entry: Decodable {
    var lines: Int
    var linesNotUTF8: Int
    var wordPiece: Digest
    var byteLevel: Digest
    var modernBERT: Digest

    private enum CodingKeys: String, CodingKey {
      case lines, linesNotUTF8
      case wordPiece = "all-MiniLM-L6-v2"
      case byteLevel = "byte-level"
      case modernBERT = "modernbert"
    }
  }

  @Test(.needs(.model, .sharedData))
  func everyLineHasTheReferencesTokens() throws {
    let url = URL(fileURLWithPath: Resources.fixture("tokenizer/shared_digests.json"))
    let entries = try JSONDecoder().decode([String: Entry].self, from: Data(contentsOf: url))
    let wordPiece = try TokenizerFolder.load(try #require(Resources.model))
    let byteLevel = try TokenizerFolder.load(Resources.fixture("tokenizer/byte-level"))
    let modernBERT = try FixtureTokenizers.modernBERT()
    #expect(entries.count > 100)
    for (name, entry) in entries {
      let path = try #require(Resources.shared("data/\(name)"))
      let text = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      let ranges = lines(of: text)
      #expect(ranges.count == entry.lines, "\(name)")
      let words = encode(text, ranges, wordPiece)
      #expect(words.digest == entry.wordPiece, "WordPiece, \(name)")
      #expect(words.replaced == entry.linesNotUTF8, "\(name)")
      #expect(encode(text, ranges, byteLevel).digest == entry.byteLevel, "byte-level, \(name)")
      #expect(encode(text, ranges, modernBERT).digest == entry.modernBERT, "ModernBERT's, \(name)")
    }
  }

  private func encode(
    _ text: [UInt8], _ ranges: [Range<Int>], _ tokenizer: any Tokenizer
  ) -> (digest: Digest, replaced: Int) {
    let lines = text.withUnsafeBufferPointer {
      tokenizer.encodeAll(in: $0, ranges: ranges, maximumLength: 1 << 30, threads: 2)
    }
    var digest = Digest()
    for line in lines { digest.add(line.ids) }
    return (digest, lines.count { $0.replacedBytes > 0 })
  }
}

/// Where the lines of a file are, without their LF; no empty one after the last LF.
func lines(of text: [UInt8]) -> [Range<Int>] {
  var ranges: [Range<Int>] = []
  var start = 0
  while start < text.count {
    let end = text[start...].firstIndex(of: 0x0A) ?? text.count
    ranges.append(start..<end)
    start = end + 1
  }
  return ranges
}
