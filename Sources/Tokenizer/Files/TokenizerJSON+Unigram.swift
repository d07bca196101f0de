// The Unigram models of tokenizer.json. Called by TokenizerJSON.

extension TokenizerJSON {
  func unigram(_ model: JSONNode) throws -> any Tokenizer {
    let family = try settings.builtFamily(for: .unigram, of: model) ?? .unigram
    let isBuilt = family != .unigram
    let vocabulary = try UnigramVocabulary(model.required("vocab"), isBuilt ? .nearest : .twice)
    let reader = UnigramReader(family: family, vocabulary: vocabulary, settings: settings)
    if isBuilt {
      // Of the classes only ALBERT's puts around a text what the file says.
      let ends = family == .albert ? try ends() : nil
      let parts = try parts(family, vocabulary.entries, isBuilt: true, unknown: nil, ends: ends)
      return try reader.built(parts, charsmap: firstCharsmap())
    }
    guard let unknown = model["unk_id"] else {
      throw model.unsupported("an \"unk_id\": text with unknown characters has no tokens without it", found: "none")
    }
    let unknownID = try vocabulary.checked(unknownID: Int(try unknown.integer()))
    let ends = try requiredEnds()
    let parts = try parts(
      family, vocabulary.entries, isBuilt: false, unknown: vocabulary.entries[Int(unknownID)].bytes, ends: ends)
    let steps = try NormalizerReader.steps(root["normalizer"])
    let preTokenizers = try PreTokenizerReader.parts(root["pre_tokenizer"])
    try checkStart(steps, preTokenizers)
    return parts.unigram(
      try reader.model(
        parts, unknownID: Int(unknownID), spellsBytes: try model["byte_fallback"]?.bool() ?? false),
      steps, preTokenizers)
  }

  /// Whether text still begins where the line does, one character that was made of several has to tell for all of them.
  private func checkStart(_ steps: [TextNormalizer.Step], _ preTokenizers: [PreTokenizer]) throws {
    guard case .metaspace(let metaspace) = preTokenizers.first, metaspace.prepending == .first,
      let last = steps.lastIndex(where: \.removesStart)
    else { return }
    var cleans: Bool { if case .bert = steps[last] { true } else { false } }
    guard cleans || steps[..<last].contains(where: \.expands) else { return }
    throw try root.required("pre_tokenizer").unsupported(
      "a \"prepend_scheme\" other than \"first\" beside normalizers that clean text, or remove some of it behind one "
        + "that expands characters",
      found: "\"first\"")
  }

  /// The first map of characters among the normalizers, at most one level deep, as transformers looks for it.
  private func firstCharsmap() throws -> PrecompiledCharsmap? {
    guard let node = root["normalizer"] else { return nil }
    let isList = try node["type"]?.string() == "Sequence"
    for part in isList ? try node.required("normalizers").array() : [node] {
      if try part["type"]?.string() == "Precompiled", let charsmap = part["precompiled_charsmap"] {
        return try NormalizerReader.charsmap(charsmap)
      }
    }
    return nil
  }
}
