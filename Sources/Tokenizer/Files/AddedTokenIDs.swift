// The ids of tokens that are added to a vocabulary. Called by TokenizerParts.
// Follows `add_tokens` of Hugging Face's tokenizers: a token of the vocabulary keeps its id, any other has the next id
// behind the vocabulary and the tokens added before it. Models whose embeddings were resized have a row for it there.

/// Gives ids to added tokens, one after the other.
struct AddedTokenIDs {
  private let known: [[UInt8]: Int32]
  private let ids: [Int32: [UInt8]]
  private let size: Int32
  private var largest: Int32 = -1
  private let family: TokenizerFamily
  private let file: String

  init(_ entries: [Vocabulary.Entry], _ family: TokenizerFamily, file: String) {
    known = Dictionary(entries.map { ($0.bytes, $0.id) }, uniquingKeysWith: { $1 })
    ids = Dictionary(entries.map { ($0.id, $0.bytes) }, uniquingKeysWith: { $1 })
    // A Unigram model counts a token twice that comes twice.
    size = Int32(clamping: family.algorithm == .unigram ? entries.count : known.count)
    self.family = family
    self.file = file
  }

  /// The id of `token`; nil for one that gets none.
  /// - Throws: `TokenizerError.invalid` where a file gives it another id than transformers does.
  mutating func next(_ token: NamedToken) throws -> Int32? {
    if let id = known[token.bytes] {
      largest = max(largest, id)
      return id
    }
    // A WordPiece model looks its unknown token up itself.
    if token.role == .unknown, family.algorithm == .wordPiece { return nil }
    let id = largest >= size ? largest + 1 : size
    guard token.id == nil || token.id == id else {
      throw TokenizerError.invalid(
        file: file, at: "added token \(quoted(token.bytes))",
        expected:
          "id \(id), which transformers gives it: the next one behind the vocabulary and the tokens added before",
        found: "\(token.id ?? id)")
    }
    // The vocabulary has gaps then, as with tokens that come twice; in transformers two tokens share the id.
    if let other = ids[id], !token.isDefault {
      throw TokenizerError.invalid(
        file: file, at: "added token \(quoted(token.bytes))",
        expected: "a place in the vocabulary: its id would be the number of the tokens there, \(id)",
        found: "none, and \(quoted(other)) with that id")
    }
    largest = id
    // Nobody asked a vocabulary of WordPiece or BPE for a token that only the family's defaults name; but it counts, as
    // in transformers. Padding has its id: no text needs it. SentencePiece's models are made without a mask, and the
    // model has a row for it.
    return token.isDefault && family.algorithm != .unigram && (token.role != .padding || ids[id] != nil) ? nil : id
  }
}
