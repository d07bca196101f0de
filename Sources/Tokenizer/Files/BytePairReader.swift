// Turns the files of a byte-level BPE vocabulary, in GPT-2's spelling, into a model over bytes.
// Called by TokenizerFolder and TokenizerJSON.

/// Reads byte-level BPE vocabularies.
struct BytePairReader {
  let vocabulary: Vocabulary
  /// Where the tokens and where the merges come from, for errors.
  let file: String
  let mergesFile: String

  /// Two tokens that are joined, and where they stand in the file.
  struct Merge {
    var left: [UInt8]
    var right: [UInt8]
    var place: String

    init(left: [UInt8], right: [UInt8], place: String) {
      self.left = left
      self.right = right
      self.place = place
    }

    /// Reads `left right`; nil if the line is anything else.
    init?(line: some Collection<UInt8>, place: String) {
      let words = line.split(separator: 0x20, omittingEmptySubsequences: false)
      guard words.count == 2, !words[0].isEmpty, !words[1].isEmpty else { return nil }
      self.init(left: Array(words[0]), right: Array(words[1]), place: place)
    }
  }

  /// Builds the model.
  /// - Parameter unknownID: what bytes without a token become; without it, every byte must have one.
  func model(_ merges: [Merge], unknownID: Int32?, wholeFirst: Bool) throws -> BytePairModel {
    var byteIDs: [Int32] = []
    for byte in UInt8.min...UInt8.max {
      let spelling = ByteSpelling.spell(byte)
      guard let id = vocabulary.id(of: spelling) ?? unknownID else {
        throw TokenizerError.missingToken(role: "single-byte", token: quoted(spelling), file: file)
      }
      byteIDs.append(id)
    }
    let table = try merges.map { merge in
      (
        left: try id(of: merge.left, merge), right: try id(of: merge.right, merge),
        id: try id(of: merge.left + merge.right, merge)
      )
    }
    let tokens = vocabulary.modelTokens.compactMap { token in
      ByteSpelling.bytes(token.bytes).map { (bytes: $0, id: token.id) }
    }
    return BytePairModel(tokens: tokens, byteIDs: byteIDs, merges: MergeTable(table), wholeFirst: wholeFirst)
  }

  private func id(of token: [UInt8], _ merge: Merge) throws -> Int32 {
    if let id = vocabulary.id(of: token) { return id }
    throw TokenizerError.invalid(
      file: mergesFile, at: merge.place, expected: "tokens of the vocabulary", found: quoted(token))
  }
}

/// GPT-2's spelling of bytes as visible characters: printable Latin-1 stands for itself, all others follow from U+0100.
enum ByteSpelling {
  private static let scalars: [UInt32] = {
    var next: UInt32 = 0x100
    return (UInt32(0)..<256).map { byte in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return byte
      default:
        defer { next += 1 }
        return next
      }
    }
  }()

  private static let byteOf: [UInt32: UInt8] = Dictionary(
    uniqueKeysWithValues: scalars.enumerated().map { ($1, UInt8($0)) })

  /// The spelling of one byte, as UTF-8.
  static func spell(_ byte: UInt8) -> [UInt8] {
    Unicode.Scalar(scalars[Int(byte)]).map { Array(String(Character($0)).utf8) } ?? []
  }

  /// The bytes a token stands for, or nil if it holds other characters.
  static func bytes(_ token: [UInt8]) -> [UInt8]? {
    token.withUnsafeBufferPointer { text -> [UInt8]? in
      guard let start = text.baseAddress else { return [] }
      var bytes: [UInt8] = []
      var index = 0
      while index < text.count {
        let (scalar, length) = UTF8Text.character(start + index)
        guard let byte = byteOf[scalar] else { return nil }
        bytes.append(byte)
        index += length
      }
      return bytes
    }
  }
}
