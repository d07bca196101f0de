// Reads the normalizers of a tokenizer.json and the pre-tokenizers that a Unigram vocabulary goes with. A part or an
// option that is not built is an error that names it. Called by TokenizerJSON.

/// Reads the key `normalizer`.
enum NormalizerReader {
  private static let names =
    "one of Sequence, Precompiled, Replace, Prepend, Strip, Lowercase, NFC, NFD, NFKC, NFKD, StripAccents, "
    + "BertNormalizer"

  /// The steps in their order; none where there is no normalizer.
  static func steps(_ node: JSONNode?) throws -> [TextNormalizer.Step] {
    guard let node else { return [] }
    let type = try node.required("type")
    switch try type.string() {
    case "Sequence": return try node.required("normalizers").array().flatMap { try steps($0) }
    case "Precompiled": return [.precompiled(try charsmap(node.required("precompiled_charsmap")))]
    case "Replace": return [.replace(try replacement(node))]
    case "Prepend": return [.prepend(try node.required("prepend").bytes())]
    case "Strip":
      return [.strip(left: try node.required("strip_left").bool(), right: try node.required("strip_right").bool())]
    case "Lowercase": return [.lowercase]
    case "NFC": return [.form(NormalizationForm(composes: true, compatible: false))]
    case "NFD": return [.form(NormalizationForm(composes: false, compatible: false))]
    case "NFKC": return [.form(NormalizationForm(composes: true, compatible: true))]
    case "NFKD": return [.form(NormalizationForm(composes: false, compatible: true))]
    case "StripAccents": return [.stripAccents]
    case "BertNormalizer": return [.bert(BertNormalizer(try bertOptions(node)))]
    default: throw type.unsupported(names)
    }
  }

  /// The options of a `BertNormalizer`.
  static func bertOptions(_ node: JSONNode) throws -> BertNormalizerOptions {
    BertNormalizerOptions(
      cleansText: try node["clean_text"]?.bool() ?? true,
      separatesIdeographs: try node["handle_chinese_chars"]?.bool() ?? true,
      stripsAccents: try node["strip_accents"]?.bool(),
      lowercases: try node["lowercase"]?.bool() ?? true)
  }

  /// A compiled map of characters, written in base 64.
  static func charsmap(_ node: JSONNode) throws -> PrecompiledCharsmap {
    guard let bytes = Base64.decode(Array(try node.string().utf8)) else { throw node.expected("base 64") }
    return try charsmap(bytes, file: node.file, at: node.path)
  }

  /// A compiled map of characters.
  static func charsmap(_ bytes: [UInt8], file: String, at place: String) throws -> PrecompiledCharsmap {
    do {
      return try PrecompiledCharsmap(bytes)
    } catch {
      throw TokenizerError.invalid(
        file: file, at: place, expected: "a compiled map of characters with " + error.expected, found: error.found)
    }
  }

  private static func replacement(_ node: JSONNode) throws -> Replacement {
    let pattern = try node.required("pattern")
    let content = try node.required("content").bytes()
    if let literal = pattern["String"] {
      guard try !literal.bytes().isEmpty else { throw literal.unsupported("a text that is not empty") }
      return Replacement(pattern: .literal(try literal.bytes()), content: content)
    }
    let regex = try pattern.required("Regex")
    let text = try regex.string()
    guard let known = Replacement.expressions.first(where: { $0.text.utf8.elementsEqual(text.utf8) }) else {
      throw regex.unsupported("one of " + Replacement.expressions.map { "\"\($0.text)\"" }.joined(separator: ", "))
    }
    return Replacement(pattern: known.pattern, content: content)
  }
}

/// Reads the key `pre_tokenizer`.
enum PreTokenizerReader {
  private static let names = "one of Sequence, WhitespaceSplit, Metaspace, Punctuation, BertPreTokenizer"

  /// The pre-tokenizers in their order.
  static func parts(_ node: JSONNode?) throws -> [PreTokenizer] {
    guard let node else { return [] }
    let parts = try flat(node)
    var isMarked = false
    for (index, (node, part)) in parts.enumerated() {
      guard case .metaspace(let metaspace) = part else { continue }
      if isMarked { throw node.unsupported("one Metaspace at most", found: "a second one") }
      isMarked = true
      // Where a piece began before the text was split and normalized would have to be known.
      if metaspace.prepending == .first, index > 0, let scheme = node["prepend_scheme"] {
        throw scheme.unsupported("\"always\" or \"never\" behind another pre-tokenizer")
      }
    }
    return parts.map(\.part)
  }

  private static func flat(_ node: JSONNode) throws -> [(node: JSONNode, part: PreTokenizer)] {
    let type = try node.required("type")
    switch try type.string() {
    case "Sequence": return try node.required("pretokenizers").array().flatMap { try flat($0) }
    case "WhitespaceSplit": return [(node, .whitespaceSplit)]
    case "BertPreTokenizer": return [(node, .bertWords)]
    case "Punctuation":
      if let behavior = node["behavior"], try behavior.string() != "Isolated" {
        throw behavior.unsupported("\"Isolated\"")
      }
      return [(node, .punctuation)]
    case "Metaspace": return [(node, .metaspace(try metaspace(node)))]
    default: throw type.unsupported(names)
    }
  }

  private static func metaspace(_ node: JSONNode) throws -> Metaspace {
    let mark = try node.required("replacement")
    guard try mark.string().unicodeScalars.count == 1 else { throw mark.expected("one character") }
    guard let scheme = node["prepend_scheme"] else {
      // What versions before 0.15 wrote; others refuse false without a scheme.
      if let prepends = node["add_prefix_space"], try !prepends.bool() {
        throw prepends.unsupported("true, or \"prepend_scheme\": \"never\" beside it")
      }
      return Metaspace(mark: try mark.bytes(), prepending: .always, splits: try node["split"]?.bool() ?? true)
    }
    guard let prepending = Metaspace.Prepending(rawValue: try scheme.string()) else {
      throw scheme.expected("\"always\", \"first\" or \"never\"")
    }
    if let prepends = node["add_prefix_space"], try !prepends.bool(), prepending != .never {
      throw prepends.expected("true beside \"prepend_scheme\": \"\(prepending)\"")
    }
    return Metaspace(mark: try mark.bytes(), prepending: prepending, splits: try node["split"]?.bool() ?? true)
  }
}

/// Base 64 with padding.
/// Source: RFC 4648, section 4.
enum Base64 {
  /// The bytes, or nil where the text is anything else.
  static func decode(_ text: [UInt8]) -> [UInt8]? {
    guard text.count % 4 == 0 else { return nil }
    let padding = text.suffix(2).count { $0 == UInt8(ascii: "=") }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 4 * 3)
    var bits: UInt32 = 0
    for (index, character) in text.dropLast(padding).enumerated() {
      guard let value = value(character) else { return nil }
      bits = bits << 6 | value
      if index % 4 > 0 { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(6 - 2 * (index % 4)))) }
    }
    return bytes
  }

  private static func value(_ character: UInt8) -> UInt32? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character) - 65
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character) - 71
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character) + 4
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
