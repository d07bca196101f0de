// Makes Unigram tokenizers: those whose class decides how text is cut, as in transformers 5, from the vocabulary and
// the map of characters alone, and those that tokenizer.json describes. Called by TokenizerJSON and TokenizerFolder.

/// What a Unigram tokenizer is made of, whichever file it comes from.
struct UnigramReader {
  let family: TokenizerFamily
  let vocabulary: UnigramVocabulary
  let settings: TokenizerSettings

  /// The tokenizer of a class of transformers.
  /// - Parameters:
  ///   - charsmap: SentencePiece's map of characters, where the file has one.
  ///   - unknownID: what the file gives the unknown token.
  func built(_ parts: TokenizerParts, charsmap: PrecompiledCharsmap?, unknownID: Int? = nil) throws -> any Tokenizer {
    let steps = try steps(charsmap)
    return parts.unigram(
      try model(parts, unknownID: builtUnknownID(unknownID), spellsBytes: false), steps,
      try preTokenizers())
  }

  /// The model over the vocabulary.
  func model(_ parts: TokenizerParts, unknownID: Int, spellsBytes: Bool) throws -> UnigramModel {
    UnigramModel(
      vocabulary: parts.vocabulary, scores: vocabulary.scores,
      unknownID: try vocabulary.checked(unknownID: unknownID), spellsBytes: spellsBytes)
  }

  /// The unknown token of the class, wherever the file says it is.
  private func builtUnknownID(_ written: Int?) throws -> Int {
    let name = try settings.specialName(of: .unknown, family)
    switch family {
    case .albert: return 1
    case .camembert: return vocabulary.entries.firstIndex { $0.bytes == name } ?? 0
    case .debertaV2:
      let place = vocabulary.entries.firstIndex { $0.bytes == name && vocabulary.scores[Int($0.id)] == 0 }
      return try place ?? written ?? settings.unknownID() ?? 1
    default: return 3
    }
  }

  private func steps(_ charsmap: PrecompiledCharsmap?) throws -> [TextNormalizer.Step] {
    let map = charsmap.map { [TextNormalizer.Step.precompiled($0)] } ?? []
    switch family {
    case .albert:
      var steps = ["``", "''"].map { quotes in
        TextNormalizer.Step.replace(Replacement(pattern: .literal(Array(quotes.utf8)), content: [0x22]))
      }
      if try !settings.flag("keep_accents", default: false) {
        steps += [.form(NormalizationForm(composes: false, compatible: true)), .stripAccents]
      }
      if try settings.flag("do_lower_case", default: true) { steps.append(.lowercase) }
      return steps + map
    case .debertaV2:
      // This class leaves SentencePiece's map out.
      return try (settings.flag("do_lower_case", default: false) ? [.lowercase] : []) + [
        .replace(Replacement(pattern: .whitespace, content: [0x20])),
        .form(NormalizationForm(composes: true, compatible: false)), .strip(left: false, right: true),
      ]
    default: return map
    }
  }

  private func preTokenizers() throws -> [PreTokenizer] {
    let prepends = try settings.flag("add_prefix_space", default: true)
    let mark = Array("\u{2581}".utf8)
    guard family == .debertaV2 else {
      return [.whitespaceSplit, .metaspace(Metaspace(mark: mark, prepending: prepends ? .always : .never))]
    }
    let metaspace = PreTokenizer.metaspace(Metaspace(mark: mark, prepending: prepends ? .always : .first))
    guard try settings.flag("split_by_punct", default: false) else { return [metaspace] }
    if !prepends { throw settings.unsupported("add_prefix_space", "true beside \"split_by_punct\": true") }
    return [.punctuation, metaspace]
  }
}

extension TextNormalizer.Step {
  /// Lower case, one character at a time.
  static let lowercase = TextNormalizer.Step.bert(
    BertNormalizer(
      BertNormalizerOptions(cleansText: false, separatesIdeographs: false, stripsAccents: false, lowercases: true)))
}
