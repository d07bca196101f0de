// Reads tokenizer.json, the serialised form of Hugging Face's fast tokenizers: the two families and exactly the parts
// they use. Anything else is an error that names the part; a tokenizer that is nearly right would be worse than none.
// Called by TokenizerFolder.

import Files

/// A tokenizer.json with the settings beside it.
struct TokenizerJSON {
  let root: JSONNode
  let settings: TokenizerSettings

  init(_ path: String, _ settings: TokenizerSettings) throws {
    root = try JSONNode.read(path)
    self.settings = settings
  }

  func load() throws -> any Tokenizer {
    let model = try root.required("model")
    // Files before version 0.10 of the package do not say their type; only BPE has merges, only Unigram a list.
    let untyped = model["vocab"]?.value.array != nil ? "Unigram" : model["merges"] == nil ? "WordPiece" : "BPE"
    let type = try model["type"]?.string() ?? untyped
    guard let algorithm = TokenizerAlgorithm(rawValue: type) else {
      throw try model.required("type").unsupported("\"WordPiece\", \"BPE\" or \"Unigram\"", found: "\"\(type)\"")
    }
    switch algorithm {
    case .wordPiece: return try wordPiece(model)
    case .bytePair: return try byteLevel(model)
    case .unigram: return try unigram(model)
    }
  }

  private func parts(_ family: TokenizerFamily, _ model: JSONNode) throws -> TokenizerParts {
    let entries = try model.required("vocab").members().map { (bytes: $0.key, id: try $0.node.integer()) }
    let isBuilt = settings.builtFamily == family
    return try parts(
      family, entries, isBuilt: isBuilt, unknown: isBuilt ? nil : model["unk_token"]?.bytes(),
      ends: isBuilt ? nil : ends())
  }

  /// The vocabulary with the added tokens of the file and of the settings.
  func parts(
    _ family: TokenizerFamily, _ entries: [Vocabulary.Entry], isBuilt: Bool, unknown: [UInt8]?,
    ends: (start: Int32, end: Int32)?
  ) throws -> TokenizerParts {
    let isPassedOver = isBuilt && settings.listsAddedTokens
    let written =
      try isPassedOver
      ? [] : root["added_tokens"]?.array().map { try NamedToken($0, id: $0.required("id").integer()) } ?? []
    return try TokenizerParts(
      family, entries: entries, named: settings.addedTokens(defaults: isBuilt ? family : nil, written: written),
      settings: settings, unknown: unknown, ends: ends, direction: root["truncation"]?["direction"], isAlone: false,
      file: root.file)
  }

  /// The family of the folder's class. WordPiece and BPE are read from folders whose class is of the other of the two,
  /// too: then as tokenizer.json says.
  private func builtFamily(_ algorithm: TokenizerAlgorithm, _ model: JSONNode) throws -> TokenizerFamily? {
    guard let family = settings.builtFamily, family.algorithm != .unigram, family.algorithm != algorithm else {
      return try settings.builtFamily(for: algorithm, of: model)
    }
    return nil
  }

  // MARK: WordPiece

  private func wordPiece(_ model: JSONNode) throws -> any Tokenizer {
    let built = try builtFamily(.wordPiece, model)
    let parts = try parts(built ?? .wordPiece, model)
    if built != nil {
      return parts.wordPiece(try settings.bertOptions(), prefix: Array("##".utf8), maximumCharacters: 100)
    }
    if let preTokenizer = try only(root["pre_tokenizer"], listed: "pretokenizers") {
      let type = try preTokenizer.required("type")
      guard try type.string() == "BertPreTokenizer" else { throw type.unsupported("\"BertPreTokenizer\"") }
    } else {
      throw root.unsupported("a pre_tokenizer \"BertPreTokenizer\"", found: "none")
    }
    try checkEnds()
    return parts.wordPiece(
      try settings.bertOptions(written: try bertNormalizer()),
      prefix: try model["continuing_subword_prefix"]?.bytes() ?? Array("##".utf8),
      maximumCharacters: Int(try model["max_input_chars_per_word"]?.integer() ?? 100))
  }

  /// BERT's normalizer, or text as it stands; with `Lowercase` before or behind it, which comes to the same.
  private func bertNormalizer() throws -> BertNormalizerOptions {
    let (lowercases, normalizer) = try normalizers()
    guard let normalizer else { return lowercases ? .none.lowercasedFirst : .none }
    let type = try normalizer.required("type")
    guard try type.string() == "BertNormalizer" else { throw type.unsupported("\"BertNormalizer\"") }
    let options = try NormalizerReader.bertOptions(normalizer)
    return lowercases ? options.lowercasedFirst : options
  }

  /// Whether `Lowercase` is among the normalizers, as sentence-transformers puts it there, and the one other.
  private func normalizers() throws -> (lowercases: Bool, other: JSONNode?) {
    guard let node = root["normalizer"] else { return (false, nil) }
    let isList = try node.required("type").string() == "Sequence"
    let all = isList ? try node.required("normalizers").array() : [node]
    let others = try all.filter { try $0.required("type").string() != "Lowercase" }
    guard others.count <= 1 else {
      throw node.unsupported("a single part beside \"Lowercase\"", found: "\(others.count) parts")
    }
    return (others.count < all.count, others.first)
  }

  // MARK: Byte-level BPE

  private func byteLevel(_ model: JSONNode) throws -> any Tokenizer {
    if try builtFamily(.bytePair, model) != nil {
      let parts = try parts(.byteLevel, model)
      let reader = BytePairReader(vocabulary: parts.vocabulary, file: root.file, mergesFile: root.file)
      return parts.byteLevel(
        try reader.model(try merges(model), unknownID: nil, wholeFirst: false),
        addsPrefixSpace: try settings.addsPrefixSpace())
    }
    try checkPlain(model)
    let parts = try parts(.byteLevel, model)
    let steps = try NormalizerReader.steps(root["normalizer"])
    guard let preTokenizer = try only(root["pre_tokenizer"], listed: "pretokenizers") else {
      throw root.unsupported("a pre_tokenizer \"ByteLevel\"", found: "none")
    }
    let type = try preTokenizer.required("type")
    guard try type.string() == "ByteLevel" else { throw type.unsupported("\"ByteLevel\"") }
    if let regex = preTokenizer["use_regex"], try !regex.bool() { throw regex.unsupported("true") }
    try checkEnds()
    let reader = BytePairReader(vocabulary: parts.vocabulary, file: root.file, mergesFile: root.file)
    let unknownID = try model["unk_token"].flatMap { parts.vocabulary.id(of: try $0.bytes()) }
    let wholeFirst = try model["ignore_merges"]?.bool() ?? false
    return parts.byteLevel(
      try reader.model(try merges(model), unknownID: unknownID, wholeFirst: wholeFirst),
      addsPrefixSpace: try preTokenizer["add_prefix_space"]?.bool() ?? true, steps)
  }

  /// Refuses what would change the tokens and is not done here.
  private func checkPlain(_ model: JSONNode) throws {
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let node = model[key], try !node.bytes().isEmpty { throw node.unsupported("an empty string") }
    }
    for key in ["byte_fallback", "fuse_unk"] {
      if let node = model[key], try node.bool() { throw node.unsupported("false") }
    }
    if let dropout = model["dropout"], dropout.value.double != 0 { throw dropout.unsupported("null") }
  }

  /// The merges, each `"left right"` or, in newer files, `["left", "right"]`.
  private func merges(_ model: JSONNode) throws -> [BytePairReader.Merge] {
    try model.required("merges").array().map { node in
      if let line = node.value.string, let merge = BytePairReader.Merge(line: Array(line.utf8), place: node.path) {
        return merge
      }
      guard let pair = node.value.array, pair.count == 2, let left = pair[0].string, let right = pair[1].string
      else { throw node.expected("two tokens, as \"left right\" or as an array") }
      return BytePairReader.Merge(left: Array(left.utf8), right: Array(right.utf8), place: node.path)
    }
  }

  // MARK: Both

  /// The one part of a list of parts, or the part itself; nil where there is none.
  private func only(_ node: JSONNode?, listed key: String) throws -> JSONNode? {
    guard let node, try node.required("type").string() == "Sequence" else { return node }
    let list = try node.required(key)
    let parts = try list.array()
    guard parts.count <= 1 else { throw list.unsupported("a single part", found: "\(parts.count) parts") }
    return parts.first
  }

  /// The ids around every line, where the post-processor gives them.
  func ends() throws -> (start: Int32, end: Int32)? {
    guard let node = root["post_processor"] else { return nil }
    let list = try node.required("type").string() == "Sequence" ? try node.required("processors").array() : [node]
    for processor in list {
      let type = try processor.required("type")
      switch try type.string() {
      case "TemplateProcessing": return try template(processor)
      case "RobertaProcessing", "BertProcessing":
        return (try pairID(processor.required("cls")), try pairID(processor.required("sep")))
      case "ByteLevel": continue  // changes offsets only
      default: throw type.unsupported("\"TemplateProcessing\", \"RobertaProcessing\" or \"BertProcessing\"")
      }
    }
    return nil
  }

  private func checkEnds() throws { _ = try requiredEnds() }

  /// The ids around every line. Text without a token before and behind it is what no model here was trained on.
  func requiredEnds() throws -> (start: Int32, end: Int32) {
    if let ends = try ends() { return ends }
    throw root.unsupported("a post_processor that puts a token before and behind every text", found: "none")
  }

  private func pairID(_ node: JSONNode) throws -> Int32 {
    let pair = try node.array()
    guard pair.count == 2 else { throw node.expected("a token and its id") }
    return try pair[1].integer()
  }

  private func template(_ processor: JSONNode) throws -> (start: Int32, end: Int32) {
    let single = try processor.required("single")
    let pieces = try single.array()
    guard pieces.count == 3, let first = pieces[0]["SpecialToken"], pieces[1]["Sequence"] != nil,
      let last = pieces[2]["SpecialToken"]
    else { throw single.unsupported("one special token, the text, one special token", found: "another template") }
    for piece in pieces {
      guard let type = (piece["SpecialToken"] ?? piece["Sequence"])?["type_id"] else { continue }
      // Another row of the table of token types would be added to every token.
      guard try type.integer() == 0 else { throw type.unsupported("0") }
    }
    let tokens = try processor.required("special_tokens")
    func id(_ node: JSONNode) throws -> Int32 {
      let ids = try tokens.required(try node.required("id").string()).required("ids")
      guard let only = try ids.array().first, try ids.array().count == 1 else { throw ids.expected("one id") }
      return try only.integer()
    }
    return (try id(first), try id(last))
  }
}
