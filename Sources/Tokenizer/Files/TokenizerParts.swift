// Puts a vocabulary and its settings together to a tokenizer. Called by TokenizerFolder's readers.

/// What the readers of the different files have in common.
struct TokenizerParts {
  let family: TokenizerFamily
  let vocabulary: Vocabulary
  let added: [AddedToken]
  let special: SpecialTokens
  private let text: TextSettings
  private let truncatesLeft: Bool

  /// - Parameters:
  ///   - named: added tokens by name; the first of a name counts.
  ///   - unknown: the model's own unknown token, where tokenizer.json gives it.
  ///   - ends: the ids of first and last token, where tokenizer.json gives them.
  ///   - direction: on which side text is cut, where tokenizer.json says.
  ///   - isAlone: there is no tokenizer.json.
  init(
    _ family: TokenizerFamily, entries: [Vocabulary.Entry], named: [NamedToken], settings: TokenizerSettings,
    unknown: [UInt8]? = nil, ends: (start: Int32, end: Int32)? = nil, direction: JSONNode? = nil, isAlone: Bool = true,
    file: String
  ) throws {
    let added: [AddedToken]
    do {
      added = try Self.added(named, to: entries, family, file: file)
    } catch {
      // What is wrong with the vocabulary itself is the cause, and says more.
      _ = try Vocabulary(entries, file: file)
      throw error
    }
    let vocabulary = try Vocabulary(entries, added: added.map { ($0.bytes, $0.id) }, file: file)
    func name(_ role: SpecialRole, _ key: String? = nil) throws -> [UInt8] {
      if role == .unknown, let unknown { return unknown }
      return try settings.specialName(of: role, family, key: key)
    }
    func id(_ role: SpecialRole, _ key: String? = nil) throws -> Int32 {
      let name = try name(role, key)
      if let id = vocabulary.id(of: name) { return id }
      throw TokenizerError.missingToken(role: role.description, token: quoted(name), file: file)
    }
    self.family = family
    text = settings.text
    truncatesLeft = try settings.truncatesLeft(written: direction)
    self.vocabulary = vocabulary
    let splits = try settings.splitsSpecialTokens()
    self.added = splits ? added.filter { !$0.isSpecial } : added
    // A token may be special in one file only.
    let counted = Set(named.filter { $0.isSpecial || $0.isListed }.map(\.bytes))
    let keys = isAlone && family == .albert ? try settings.askedEnds() ?? family.ends : family.ends
    let start = try ends?.start ?? id(.start, keys.start)
    let end = try ends?.end ?? id(.end, keys.end)
    for id in [start, end] where vocabulary.bytes(of: id) == nil {
      throw TokenizerError.missingToken(role: "first or last", token: "with id \(id)", file: file)
    }
    special = SpecialTokens(
      start: start, end: end, padding: try id(.padding), mask: vocabulary.id(of: try name(.mask)),
      // Byte-level vocabularies have a token for every byte, and need none for what is unknown; Unigram models know
      // theirs by its id.
      unknown: try family.algorithm == .wordPiece ? id(.unknown) : vocabulary.id(of: name(.unknown)),
      others: added.filter { counted.contains($0.bytes) }.map(\.id))
  }

  private static func added(
    _ named: [NamedToken], to entries: [Vocabulary.Entry], _ family: TokenizerFamily, file: String
  ) throws -> [AddedToken] {
    var ids = AddedTokenIDs(entries, family, file: file)
    var seen: Set<[UInt8]> = []
    return try named.filter { !$0.bytes.isEmpty && seen.insert($0.bytes).inserted }.compactMap { token in
      try ids.next(token).map { token.added(id: $0) }
    }
  }

  /// The finished WordPiece tokenizer.
  func wordPiece(_ options: BertNormalizerOptions, prefix: [UInt8], maximumCharacters: Int) -> any Tokenizer {
    // The initialiser has thrown if a vocabulary of this family had no unknown token.
    let model = WordPieceModel(
      vocabulary: vocabulary, unknownID: special.unknown ?? special.padding, continuingPrefix: prefix,
      maximumCharacters: maximumCharacters)
    return TokenPipeline(
      vocabulary: vocabulary, special: special, added: added,
      stages: .wordPiece(WordPieceStages(normalizer: BertNormalizer(options), model: model, added: added)),
      maximumLength: text.maximumLength, truncatesLeft: truncatesLeft)
  }

  /// These steps, behind the lower case that the folder's settings may ask for.
  private func normalizer(_ steps: [TextNormalizer.Step]) -> TextNormalizer {
    TextNormalizer((text.lowercases ? [.lowercase] : []) + steps)
  }

  /// The finished Unigram tokenizer.
  func unigram(
    _ model: UnigramModel, _ steps: [TextNormalizer.Step], _ preTokenizers: [PreTokenizer]
  ) -> any Tokenizer {
    TokenPipeline(
      vocabulary: vocabulary, special: special, added: added,
      stages: .unigram(
        UnigramStages(normalizer: normalizer(steps), preTokenizers: preTokenizers, model: model, added: added)),
      maximumLength: text.maximumLength, truncatesLeft: truncatesLeft)
  }

  /// The finished byte-level tokenizer.
  /// - Parameter steps: the normalizers of tokenizer.json.
  func byteLevel(
    _ model: BytePairModel, addsPrefixSpace: Bool, _ steps: [TextNormalizer.Step] = []
  ) -> any Tokenizer {
    TokenPipeline(
      vocabulary: vocabulary, special: special, added: added,
      stages: .byteLevel(
        ByteLevelStages(
          model: model, addsPrefixSpace: addsPrefixSpace, normalizer: normalizer(steps), added: added)),
      maximumLength: text.maximumLength, truncatesLeft: truncatesLeft)
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
