// The kinds of tokenizers and the special tokens each of them has. Used by the readers beside it.

/// How a model cuts text into tokens.
enum TokenizerAlgorithm: String {
  case wordPiece = "WordPiece"
  case bytePair = "BPE"
  case unigram = "Unigram"

  /// A class of transformers that is made of it.
  var example: String {
    switch self {
    case .wordPiece: "BertTokenizer"
    case .bytePair: "RobertaTokenizer"
    case .unigram: "XLMRobertaTokenizer"
    }
  }
}

/// A kind of tokenizer, with the names and defaults that transformers gives it.
enum TokenizerFamily: Equatable {
  case wordPiece
  case mpnet
  case byteLevel
  /// A Unigram vocabulary as tokenizer.json describes it.
  case unigram
  case xlmRoberta
  case camembert
  case albert
  case debertaV2

  var algorithm: TokenizerAlgorithm {
    switch self {
    case .wordPiece, .mpnet: .wordPiece
    case .byteLevel: .bytePair
    case .unigram, .xlmRoberta, .camembert, .albert, .debertaV2: .unigram
    }
  }

  /// The name of a special token where no file gives one.
  func defaultName(_ role: SpecialRole) -> String {
    switch (self, role) {
    case (.albert, .padding): "<pad>"
    case (.albert, .unknown): "<unk>"
    case (.mpnet, .unknown): "[UNK]"
    case (.wordPiece, _), (.albert, _), (.debertaV2, _): role.bertName
    default: role.robertaName
    }
  }

  /// The keys of the tokens before and behind a text.
  var ends: (start: String, end: String) {
    switch self {
    case .xlmRoberta, .camembert: ("bos_token", "eos_token")
    default: (SpecialRole.start.rawValue, SpecialRole.end.rawValue)
    }
  }

  /// Whether a mask that is named by its text alone takes the white space before it along.
  var maskStripsLeft: Bool { self == .camembert || self == .mpnet }

  /// Tokens that are added where no file lists further ones.
  var furtherTokens: [String] { self == .camembert ? ["<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"] : [] }

  /// SentencePiece's file, for families that have one.
  var sentencePieceFile: String? {
    switch self {
    case .xlmRoberta, .camembert: "sentencepiece.bpe.model"
    case .albert: "spiece.model"
    case .debertaV2: "spm.model"
    default: nil
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

  fileprivate var bertName: String {
    switch self {
    case .start: "[CLS]"
    case .end: "[SEP]"
    case .padding: "[PAD]"
    case .mask: "[MASK]"
    case .unknown: "[UNK]"
    }
  }

  fileprivate var robertaName: String {
    switch self {
    case .start: "<s>"
    case .end: "</s>"
    case .padding: "<pad>"
    case .mask: "<mask>"
    case .unknown: "<unk>"
    }
  }

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
