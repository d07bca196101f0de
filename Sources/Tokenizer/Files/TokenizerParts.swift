// Puts a vocabulary and its settings together to a tokenizer. Called by TokenizerFolder's readers.

/// What the readers of the different files have in common.
struct TokenizerParts {
  let family: TokenizerFamily
  let vocabulary: Vocabulary
  let added: [AddedToken]
  let special: SpecialTokens

  /// - Parameters:
  ///   - named: added tokens by name; the first of a name counts, those without any id are passed over.
  ///   - unknown: the model's own unknown token, where tokenizer.json gives it.
  ///   - ends: the ids of first and last token, where tokenizer.json gives them.
  init(
    _ family: TokenizerFamily, entries: [Vocabulary.Entry], named: [NamedToken], settings: TokenizerSettings,
    unknown: [UInt8]? = nil, ends: (start: Int32, end: Int32)? = nil, file: String
  ) throws {
    var known: [[UInt8]: Int32] = [:]
    for entry in entries { known[entry.bytes] = entry.id }
    var added: [AddedToken] = []
    var seen: Set<[UInt8]> = []
    for token in named where !token.bytes.isEmpty && seen.insert(token.bytes).inserted {
      if let id = known[token.bytes] ?? token.id { added.append(token.added(id: id)) }
    }
    let vocabulary = try Vocabulary(entries, added: added.map { ($0.bytes, $0.id) }, file: file)
    func id(_ role: SpecialRole, _ described: String, or bytes: [UInt8]? = nil) throws -> Int32 {
      let name = try settings.name(of: role.rawValue).map { try NamedToken(special: $0).bytes }
      let token = bytes ?? name ?? Array(family.defaultName(role).utf8)
      if let id = vocabulary.id(of: token) { return id }
      throw TokenizerError.missingToken(role: described, token: quoted(token), file: file)
    }
    self.family = family
    self.vocabulary = vocabulary
    self.added = added
    let start = try ends?.start ?? id(.start, "first (\(SpecialRole.start.rawValue))")
    let end = try ends?.end ?? id(.end, "last (\(SpecialRole.end.rawValue))")
    for end in [start, end] where vocabulary.bytes(of: end) == nil {
      throw TokenizerError.missingToken(role: "first or last", token: "with id \(end)", file: file)
    }
    let unknownID = try? id(.unknown, "unknown", or: unknown)
    if family == .wordPiece, unknownID == nil { _ = try id(.unknown, "unknown (unk_token)", or: unknown) }
    special = SpecialTokens(
      start: start, end: end, padding: try id(.padding, "padding (\(SpecialRole.padding.rawValue))"),
      mask: try? id(.mask, "mask"), unknown: unknownID, others: added.filter(\.isSpecial).map(\.id))
  }

  /// The finished WordPiece tokenizer.
  func wordPiece(_ options: BertNormalizerOptions, prefix: [UInt8], maximumCharacters: Int) -> any Tokenizer {
    let model = WordPieceModel(
      vocabulary: vocabulary, unknownID: special.unknown ?? special.padding, continuingPrefix: prefix,
      maximumCharacters: maximumCharacters)
    return TokenPipeline(
      vocabulary: vocabulary, special: special, added: added,
      stages: .wordPiece(WordPieceStages(normalizer: BertNormalizer(options), model: model, added: added)))
  }

  /// The finished byte-level tokenizer.
  func byteLevel(_ model: BytePairModel, addsPrefixSpace: Bool) -> any Tokenizer {
    TokenPipeline(
      vocabulary: vocabulary, special: special, added: added,
      stages: .byteLevel(ByteLevelStages(model: model, addsPrefixSpace: addsPrefixSpace)))
  }
}

/// The ids of the special tokens.
struct SpecialTokens: Sendable {
  let start: Int32
  let end: Int32
  let padding: Int32
  let mask: Int32?
  let unknown: Int32?
  let others: [Int32]

  var all: Set<Int32> { Set([start, end, padding] + [mask, unknown].compactMap { $0 } + others) }
}
