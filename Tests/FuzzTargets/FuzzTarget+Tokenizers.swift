// Tokenizer files, each in a folder with what it needs beside it; a tokenizer that loads encodes a line of everything.

import Files
import Foundation
import Tokenizer

extension FuzzTarget {
  static let tokenizers = [
    FuzzTarget("tokenizer-json", largest: 12000) { bytes, scratch in
      try load("tokenizer", ["tokenizer.json": bytes], scratch)
    },
    FuzzTarget("tokenizer-config") { bytes, scratch in
      try load("settings", ["tokenizer_config.json": bytes, "vocab.txt": words], scratch)
    },
    FuzzTarget("vocab") { bytes, scratch in try load("words", ["vocab.txt": bytes], scratch) },
    FuzzTarget("vocab-json") { bytes, scratch in
      try load("pieces", ["vocab.json": bytes, "merges.txt": Array("#version: 0.2\nt h\nth e\n".utf8)], scratch)
    },
    FuzzTarget("sentencepiece", largest: 24000) { bytes, scratch in
      let settings = Array(#"{"tokenizer_class": "XLMRobertaTokenizer"}"#.utf8)
      try load("sentences", ["sentencepiece.bpe.model": bytes, "tokenizer_config.json": settings], scratch)
    },
    FuzzTarget("charsmap") { bytes, _ in
      let map = Data(bytes).base64EncodedString()
      let normalize = try TokenizerStages.normalizer(
        json: #"{"type": "Precompiled", "precompiled_charsmap": "\#(map)"}"#)
      for unit in [sample, "e\u{301} A\r\n\u{FB01}\u{BD}\u{915}\u{93C}\u{AC00}\u{7F}a"] {
        let clean = normalize(Array(unit.utf8))
        precondition(clean.elementsEqual(String(decoding: clean, as: UTF8.self).utf8), "no UTF-8")
      }
    },
    FuzzTarget("merges") { bytes, scratch in try load("merges", ["merges.txt": bytes, "vocab.json": pieces], scratch) },
  ]

  private static let sample = "The cat \u{E9} \u{4E2D} [MASK] word1 wordz ##x <mask> \u{1F600}"

  private static let words = Array(
    (["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + (0..<40).map { "word\($0)" }).joined(separator: "\n").utf8)

  /// A vocabulary with all single bytes, which byte-level BPE asks for: printable Latin-1 stands for itself, the others
  /// follow from U+0100 on.
  private static let pieces: [UInt8] = {
    let bytes = (0..<UInt32(256)).filter { (33...126).contains($0) || (161...172).contains($0) || $0 >= 174 }
    let characters = (bytes + (256..<UInt32(512 - bytes.count))).compactMap(Unicode.Scalar.init).map(String.init)
    let names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "th", "the"] + characters
    return Array(JSONValue.object(JSONObject(names.enumerated().map { ($1, .integer($0)) })).text(indent: nil).utf8)
  }()

  private static func load(_ folder: String, _ files: [String: [UInt8]], _ scratch: FuzzScratch) throws {
    for (name, bytes) in files { _ = try scratch.file(folder + "/" + name, bytes) }
    let tokenizer = try TokenizerFolder.load(scratch.path + "/" + folder)
    let encoder = tokenizer.makeEncoder()
    for length in [16, 200] {
      let line = encoder.encode(sample, maximumLength: length)
      precondition(line.ids.count <= length, "longer than it may be")
      for id in line.ids { _ = tokenizer.token(id) }
    }
  }
}
