// The single stages of the tokenizers, for tests and for looking at what happens to a text.
// Bytes go in and out: strings would compare equal where tokens differ (é, composed or not).

import Files

/// What the stages before the vocabulary do with a text.
package enum TokenizerStages {
  /// Valid UTF-8 with U+FFFD for every maximal ill-formed part, and how many bytes those parts had.
  package static func repairUTF8(_ bytes: [UInt8]) -> (bytes: [UInt8], replacedBytes: Int) {
    var buffer = AppendingBuffer<UInt8>()
    let replaced = bytes.withUnsafeBufferPointer { UTF8Text.repair($0, into: &buffer) }
    return (Array(buffer.view), replaced)
  }

  /// BERT's clean-up of valid UTF-8 with each step switched on or off.
  package static func cleanForBert(
    _ bytes: [UInt8], cleansText: Bool, separatesIdeographs: Bool, stripsAccents: Bool, lowercases: Bool
  ) -> [UInt8] {
    let normalizer = BertNormalizer(
      BertNormalizerOptions(
        cleansText: cleansText, separatesIdeographs: separatesIdeographs, stripsAccents: stripsAccents,
        lowercases: lowercases))
    var buffer = AppendingBuffer<UInt8>()
    bytes.withUnsafeBufferPointer { normalizer.normalize($0, into: &buffer) }
    return Array(buffer.view)
  }

  /// The words that BERT's splitter finds in valid UTF-8.
  package static func bertWords(_ bytes: [UInt8]) -> [[UInt8]] {
    var words: [[UInt8]] = []
    bytes.withUnsafeBufferPointer { text in
      BertWordSplitter().forEachWord(in: text) {
        words.append(Array($0))
        return true
      }
    }
    return words
  }

  /// The pieces that GPT-2's split expression finds in valid UTF-8.
  package static func byteLevelPieces(_ bytes: [UInt8]) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    bytes.withUnsafeBufferPointer { text in
      ByteLevelSplitter().forEachPiece(in: text) {
        pieces.append(Array($0))
        return true
      }
    }
    return pieces
  }

  /// An encoder that cuts every line at its borders, into parts of `partSize` bytes or more; nil for other tokenizers
  /// than those of this module.
  package static func encoder(_ tokenizer: any Tokenizer, partSize: Int) -> (any LineEncoder)? {
    (tokenizer as? TokenPipeline)?.makeEncoder(partSize: partSize)
  }

  /// What the normalizers of a tokenizer.json, written as JSON, do with valid UTF-8.
  /// - Throws: `TokenizerError`, `JSONError`.
  package static func normalizer(json: String) throws -> ([UInt8]) -> [UInt8] {
    let node = JSONNode(try JSONValue.parse(Array(json.utf8)), file: "normalizer")
    let normalizer = TextNormalizer(try NormalizerReader.steps(node))
    return { bytes in
      var memory = NormalizerMemory()
      return bytes.withUnsafeBufferPointer { Array(normalizer.normalize($0, &memory).text) }
    }
  }
}
