// What tokenizer_config.json, special_tokens_map.json and added_tokens.json say beside the vocabulary.
// Called by TokenizerFolder. All of them may be missing; names and options then have the defaults of their family.
// Which file decides, and in which order tokens are added, follows `from_pretrained` of transformers 5.

import Files

/// The settings beside a vocabulary, each nil where no file gives it.
struct TokenizerSettings {
  /// What the folder says of the text itself.
  let text: TextSettings
  private let config: JSONNode?
  private let specialMap: JSONNode?
  private let addedFile: JSONNode?
  private let constructor: TokenizerClass?
  private let folder: String

  init(folder: String) throws {
    self.folder = folder
    let config = try Self.configuration(folder)
    self.config = config
    text = try TextSettings(folder: folder, tokenizer: config)
    constructor = try TokenizerClass(tokenizer: config, model: JSONNode.optional(folder + "/config.json"))
    // Settings that list their added tokens are of versions of transformers that read neither of these two.
    let listsAdded = config?["added_tokens_decoder"] != nil
    specialMap = listsAdded ? nil : try JSONNode.optional(folder + "/special_tokens_map.json")
    addedFile = listsAdded ? nil : try JSONNode.optional(folder + "/added_tokens.json")
    if case .other(let name) = constructor {
      throw TokenizerError.unsupported(
        file: folder, at: "the class of the tokenizer", found: name, supported: "one of " + TokenizerClass.names)
    }
  }

  /// tokenizer_config.json with what sentence-transformers changes in it; nil without either.
  private static func configuration(_ folder: String) throws -> JSONNode? {
    let path = folder + "/tokenizer_config.json"
    let own = try JSONNode.optional(path)
    guard let arguments = try TextSettings.tokenizerArguments(folder), !arguments.members.isEmpty else { return own }
    var object = own?.value.object ?? JSONObject()
    for member in arguments.members { object[member.key] = member.value }
    return JSONNode(.object(object), file: path)
  }

  /// Whether the folder names a class that takes all from tokenizer.json.
  var needsJSON: Bool { constructor == .written }

  /// Whether text that is too long loses its beginning.
  /// - Parameter written: what tokenizer.json says, which counts where the settings do not say it.
  func truncatesLeft(written: JSONNode?) throws -> Bool {
    guard let node = config?["truncation_side"] ?? written else { return false }
    switch try node.string().lowercased() {
    case "left": return true
    case "right": return false
    default: throw node.expected("\"left\" or \"right\"")
    }
  }

  /// Whether special tokens that are written in a text are cut like any other text.
  func splitsSpecialTokens() throws -> Bool { try config?["split_special_tokens"]?.bool() ?? false }

  /// The kind of tokenizer that goes by the options in tokenizer_config.json and the defaults of its class alone, even
  /// if tokenizer.json says otherwise; nil where tokenizer.json decides.
  var builtFamily: TokenizerFamily? { if case .built(let family) = constructor { family } else { nil } }

  /// The same for a vocabulary of that kind.
  /// - Throws: `TokenizerError.unsupported` where the class takes vocabularies of another kind.
  func builtFamily(for algorithm: TokenizerAlgorithm, of model: JSONNode) throws -> TokenizerFamily? {
    guard let family = builtFamily else { return nil }
    if family.algorithm == algorithm { return family }
    throw TokenizerError.unsupported(
      file: model.file, at: "model",
      found: "\(algorithm.rawValue), and a folder whose class of tokenizer is made of \(family.algorithm.rawValue)",
      supported: "a vocabulary of the class's kind, or as \"tokenizer_class\" in tokenizer_config.json "
        + "\"PreTrainedTokenizerFast\", or a class that is made of \(algorithm.rawValue), as \(algorithm.example) is")
  }

  /// An option of tokenizer_config.json; null counts as false, as in Python.
  func flag(_ key: String, default standard: Bool) throws -> Bool {
    if config?.value.object?[key] == .null { return false }
    return try config?[key]?.bool() ?? standard
  }

  /// `unk_id`, which some folders name.
  func unknownID() throws -> Int? { try config?["unk_id"].map { Int(try $0.integer()) } }

  /// The error that an option of tokenizer_config.json has a value that is not built.
  func unsupported(_ key: String, _ supported: String) -> TokenizerError {
    if let node = config?[key] { return node.unsupported(supported) }
    return .unsupported(file: folder + "/tokenizer_config.json", at: key, found: "none", supported: supported)
  }

  /// What a special token is called: as the settings say, else as the family does.
  /// - Parameter key: the key to look for, where it is not the role's own.
  func specialName(of role: SpecialRole, _ family: TokenizerFamily, key: String? = nil) throws -> [UInt8] {
    try name(of: key ?? role.rawValue).map { try NamedToken(special: $0).bytes } ?? Array(family.defaultName(role).utf8)
  }

  /// BERT's options: those of the settings, or `written` ones of a tokenizer.json that decides itself.
  func bertOptions(written: BertNormalizerOptions? = nil) throws -> BertNormalizerOptions {
    var options = written ?? BertNormalizerOptions()
    if written == nil {
      if let flag = try config?["do_lower_case"]?.bool() { options.lowercases = flag }
      if let flag = try config?["tokenize_chinese_chars"]?.bool() { options.separatesIdeographs = flag }
      if let flag = try config?["strip_accents"]?.bool() { options.stripsAccents = flag }
    }
    return text.lowercases ? options.lowercasedFirst : options
  }

  /// The keys of the tokens before and behind a text where options ask for these, as ALBERT's class lets them where
  /// there is no tokenizer.json; nil where they say nothing.
  /// - Throws: `TokenizerError.unsupported` where a text would lack one of both tokens.
  func askedEnds() throws -> (start: String, end: String)? {
    let (keys, options) = (("bos_token", "eos_token"), ["add_bos_token", "add_eos_token"])
    guard let object = config?.value.object, options.contains(where: { object[$0] != nil }) else { return nil }
    for (option, other, key) in [(options[0], options[1], keys.0), (options[1], options[0], keys.1)] {
      guard try flag(option, default: false) else {
        throw unsupported(option, "true, beside \"\(other)\": true, or neither of both keys")
      }
      guard object[key] != .null else {
        throw unsupported(key, "the name of a token, beside \"\(option)\": true")
      }
    }
    return keys
  }

  /// Whether a blank is put before text that begins with none.
  func addsPrefixSpace() throws -> Bool { try config?["add_prefix_space"]?.bool() ?? false }

  /// A special token's name as a file gives it, plain or as an object with `content`.
  func name(of role: String) -> JSONNode? { specialMap?[role] ?? config?[role] }

  /// Whether tokenizer_config.json lists all added tokens, those of tokenizer.json among them.
  var listsAddedTokens: Bool { config?["added_tokens_decoder"] != nil }

  /// All tokens these files name, in the order in which transformers adds them, with ids where a file gives one.
  /// - Parameters:
  ///   - defaults: whose names special tokens have that no file names; nil: they have none.
  ///   - written: the added tokens of tokenizer.json.
  ///   - further: tokens without a role, unless the settings list others.
  func addedTokens(
    defaults family: TokenizerFamily?, written: [NamedToken] = [], further: [NamedToken]? = nil
  ) throws -> [NamedToken] {
    let standard = further ?? family?.furtherTokens.map { NamedToken(bytes: Array($0.utf8)) } ?? []
    let listed = try (furtherTokens() ?? standard).map { token in
      var token = token
      token.isListed = true
      return token
    }
    return try listedTokens(written) + specialTokens(defaults: family) + listed
  }

  private func listedTokens(_ written: [NamedToken]) throws -> [NamedToken] {
    var tokens = written
    for (key, node) in try config?["added_tokens_decoder"]?.members() ?? [] {
      guard let id = Int32(String(decoding: key, as: UTF8.self)) else { throw node.expected("a token id as key") }
      tokens.append(try NamedToken(node, id: id))
    }
    for (bytes, node) in try addedFile?.members() ?? [] {
      var token = NamedToken(bytes: bytes)
      token.id = try node.integer()
      token.isNormalized = true
      token.isSpecial = false
      tokens.append(token)
    }
    return tokens.enumerated().sorted { ($0.1.id ?? 0, $0.0) < ($1.1.id ?? 0, $1.0) }.map(\.element)
  }

  private static let standardKeys = [
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
  ]

  private func specialTokens(defaults family: TokenizerFamily?) throws -> [NamedToken] {
    var tokens: [NamedToken] = []
    for key in Self.standardKeys {
      let role = SpecialRole(rawValue: key)
      if let node = name(of: key) {
        tokens.append(try NamedToken(special: node, role: role))
        if node.value.string == nil { continue }
      } else if let role, let family {
        tokens.append(NamedToken(role, of: family))
      }
      if role == .mask, family?.maskStripsLeft == true { tokens[tokens.count - 1].stripsLeft = true }
    }
    // A folder may name tokens of its own: any key that ends so.
    for (key, node) in try (config?.members() ?? []) + (specialMap?.members() ?? []) {
      let key = String(decoding: key, as: UTF8.self)
      guard key.hasSuffix("_token"), !Self.standardKeys.contains(key), node.value.string != nil else { continue }
      tokens.append(try NamedToken(special: node))
    }
    return tokens
  }

  /// The tokens without a role of their own; the newer key goes before the older one.
  /// - Returns: nil where no file has either key.
  private func furtherTokens() throws -> [NamedToken]? {
    let (newer, older) = ("extra_special_tokens", "additional_special_tokens")
    guard [config, specialMap].contains(where: { $0?[newer] != nil || $0?[older] != nil }) else { return nil }
    var tokens = try list(config, newer)
    if tokens.isEmpty { tokens = try list(config, older) }
    tokens += try list(specialMap, newer)
    return try tokens.isEmpty ? list(specialMap, older) : tokens
  }

  private func list(_ file: JSONNode?, _ key: String) throws -> [NamedToken] {
    guard let node = file?[key] else { return [] }
    if case .object = node.value { return try node.members().map { try NamedToken(special: $0.node) } }
    return try node.array().map { try NamedToken(special: $0) }
  }
}
