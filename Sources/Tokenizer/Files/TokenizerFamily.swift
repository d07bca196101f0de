// The two kinds of vocabulary and the special tokens each of them has. Used by the readers beside it.

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
