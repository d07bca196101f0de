// What tokenizer_config.json, special_tokens_map.json and added_tokens.json say beside the vocabulary.
// Called by TokenizerFolder. Both JSON files may be missing; names and options then have the defaults of their family.

import Files

/// The two kinds of vocabulary, with the names and defaults that transformers gives them.
enum TokenizerFamily: String {
  case wordPiece = "WordPiece"
  case byteLevel = "byte-level BPE"

  /// The name of a special token where no file gives one.
  func defaultName(_ role: SpecialRole) -> String {
    switch (self, role) {
    case (.wordPiece, .start): "[CLS]"
    case (.wordPiece, .end): "[SEP]"
    case (.wordPiece, .padding): "[PAD]"
    case (.wordPiece, .mask): "[MASK]"
    case (.wordPiece, .unknown): "[UNK]"
    case (.byteLevel, .start): "<s>"
    case (.byteLevel, .end): "</s>"
    case (.byteLevel, .padding): "<pad>"
    case (.byteLevel, .mask): "<mask>"
    case (.byteLevel, .unknown): "<unk>"
    }
  }
}

/// What a special token is for; the raw value is its key in tokenizer_config.json.
enum SpecialRole: String, CaseIterable, CustomStringConvertible {
  case start = "cls_token"
  case end = "sep_token"
  case padding = "pad_token"
  case mask = "mask_token"
  case unknown = "unk_token"

  /// How error messages call it.
  var description: String {
    switch self {
    case .start: "first (\(rawValue))"
    case .end: "last (\(rawValue))"
    case .padding: "padding (\(rawValue))"
    case .mask: "mask (\(rawValue))"
    case .unknown: "unknown (\(rawValue))"
    }
  }
}

/// The settings beside a vocabulary, each nil where no file gives it.
struct TokenizerSettings {
  private let config: JSONNode?
  private let specialMap: JSONNode?
  private let addedFile: JSONNode?

  init(folder: String) throws {
    config = try Self.optional(folder + "/tokenizer_config.json")
    specialMap = try Self.optional(folder + "/special_tokens_map.json")
    addedFile = try Self.optional(folder + "/added_tokens.json")
  }

  private static func optional(_ path: String) throws -> JSONNode? {
    guard Path.exists(path) else { return nil }
    let node = try JSONNode.read(path)
    guard case .object = node.value else { throw node.expected("an object") }
    return node
  }

  /// Whether the class of the tokenizer is one that takes its options from tokenizer_config.json alone, those that
  /// are not written there at their defaults, even if tokenizer.json says otherwise.
  func isClass(_ names: [String]) throws -> Bool {
    guard let name = try config?["tokenizer_class"]?.string() else { return false }
    return names.contains(name)
  }

  /// BERT's options: those given here, over `base`.
  func bertOptions(over base: BertNormalizerOptions) throws -> BertNormalizerOptions {
    var options = try isClass(["BertTokenizer", "BertTokenizerFast"]) ? BertNormalizerOptions() : base
    if let flag = try config?["do_lower_case"]?.bool() { options.lowercases = flag }
    if let flag = try config?["tokenize_chinese_chars"]?.bool() { options.separatesIdeographs = flag }
    if let flag = try config?["strip_accents"]?.bool() { options.stripsAccents = flag }
    return options
  }

  /// Whether a blank is put before text that begins with none.
  func addsPrefixSpace(over base: Bool) throws -> Bool {
    if let flag = try config?["add_prefix_space"]?.bool() { return flag }
    return try isClass(["RobertaTokenizer", "RobertaTokenizerFast"]) ? false : base
  }

  /// A special token's name as a file gives it, plain or as an object with `content`.
  func name(of role: String) throws -> JSONNode? { config?[role] ?? specialMap?[role] }

  /// All tokens these files name, special ones first, with ids where a file gives one.
  func addedTokens(_ family: TokenizerFamily) throws -> [NamedToken] {
    var tokens: [NamedToken] = []
    if let decoder = config?["added_tokens_decoder"] {
      for (key, node) in try decoder.members() {
        guard let id = Int32(String(decoding: key, as: UTF8.self)) else { throw node.expected("a token id as key") }
        tokens.append(try NamedToken(node, id: id))
      }
    }
    for role in SpecialRole.allCases {
      if let node = try name(of: role.rawValue) {
        tokens.append(try NamedToken(special: node))
      } else {
        tokens.append(NamedToken(bytes: Array(family.defaultName(role).utf8)))
      }
    }
    for role in ["bos_token", "eos_token"] {
      if let node = try name(of: role) { tokens.append(try NamedToken(special: node)) }
    }
    for role in ["additional_special_tokens", "extra_special_tokens"] {
      guard let node = try name(of: role), case .array = node.value else { continue }
      for token in try node.array() { tokens.append(try NamedToken(special: token)) }
    }
    for (bytes, node) in try addedFile?.members() ?? [] {
      var token = NamedToken(bytes: bytes)
      token.id = try node.integer()
      token.isNormalized = true
      token.isSpecial = false
      tokens.append(token)
    }
    return tokens
  }
}

/// A token as a settings file describes it; its id may be known to the vocabulary only.
struct NamedToken {
  var bytes: [UInt8]
  var id: Int32?
  var isNormalized = false
  var isSingleWord = false
  var stripsLeft = false
  var stripsRight = false
  var isSpecial = true

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// Reads an entry of `added_tokens` or `added_tokens_decoder`.
  init(_ node: JSONNode, id: Int32) throws {
    bytes = try node.required("content").bytes()
    self.id = id
    isSpecial = try node["special"]?.bool() ?? false
    isNormalized = try node["normalized"]?.bool() ?? !isSpecial
    try readFlags(node)
  }

  /// Reads a special token, `"[CLS]"` or an object with `content`.
  init(special node: JSONNode) throws {
    if let text = node.value.string {
      bytes = Array(text.utf8)
    } else {
      bytes = try node.required("content").bytes()
      isNormalized = try node["normalized"]?.bool() ?? false
      try readFlags(node)
    }
  }

  private mutating func readFlags(_ node: JSONNode) throws {
    isSingleWord = try node["single_word"]?.bool() ?? false
    stripsLeft = try node["lstrip"]?.bool() ?? false
    stripsRight = try node["rstrip"]?.bool() ?? false
  }

  func added(id: Int32) -> AddedToken {
    AddedToken(
      bytes: bytes, id: id, isNormalized: isNormalized, isSingleWord: isSingleWord, stripsLeft: stripsLeft,
      stripsRight: stripsRight, isSpecial: isSpecial)
  }
}
