// Which of a folder's files decides how text is cleaned and split: the class of the tokenizer says. Called by
// TokenizerSettings. Follows AutoTokenizer and the tokenizers' classes of transformers 5.

import Files

/// How the class that transformers takes for a folder makes its tokenizer.
enum TokenizerClass: Equatable {
  /// From the vocabulary and the options of tokenizer_config.json, those that are not written there at their defaults;
  /// tokenizer.json gives the vocabulary, the merges and the added tokens, and no more.
  case built(TokenizerFamily)
  /// As tokenizer.json says, whatever the options are.
  case written
  /// In a way that is not done here.
  case other(String)

  /// The class that tokenizer_config.json names, else config.json, else the one that goes with the type of the model;
  /// nil where nobody says any of them.
  init?(tokenizer: JSONNode?, model: JSONNode?) throws {
    if let node = tokenizer?["tokenizer_class"] ?? model?["tokenizer_class"] {
      let name = try node.string()
      self.init(name: name.hasSuffix("Fast") ? String(name.dropLast(4)) : name)
    } else if let type = try model?["model_type"]?.string() {
      guard let family = Self.familiesByModel[type] else { return nil }
      self = .built(family)
    } else {
      return nil
    }
  }

  private init(name: String) {
    if let family = Self.families[name] {
      self = .built(family)
    } else if Self.others.contains(name) {
      self = .other(name)
    } else {
      // Names that transformers does not know are read as tokenizer.json says, like its classes without options.
      self = .written
    }
  }

  private static let families: [String: TokenizerFamily] = [
    "BertTokenizer": .wordPiece, "DistilBertTokenizer": .wordPiece, "ElectraTokenizer": .wordPiece,
    "ConvBertTokenizer": .wordPiece, "LayoutLMTokenizer": .wordPiece, "LxmertTokenizer": .wordPiece,
    "MobileBertTokenizer": .wordPiece, "SqueezeBertTokenizer": .wordPiece,
    "RobertaTokenizer": .byteLevel, "BartTokenizer": .byteLevel, "LEDTokenizer": .byteLevel,
    "LongformerTokenizer": .byteLevel, "MvpTokenizer": .byteLevel,
  ]

  private static let familiesByModel: [String: TokenizerFamily] = [
    "bert": .wordPiece, "distilbert": .wordPiece, "electra": .wordPiece, "convbert": .wordPiece, "ernie": .wordPiece,
    "megatron-bert": .wordPiece, "nomic_bert": .wordPiece, "layoutlm": .wordPiece, "squeezebert": .wordPiece,
    "roberta": .byteLevel, "bart": .byteLevel, "longformer": .byteLevel, "ibert": .byteLevel,
    "roberta-prelayernorm": .byteLevel, "data2vec-text": .byteLevel,
  ]

  /// Classes of BERT's and RoBERTa's relatives whose vocabulary looks like one of theirs and is cut in another way.
  private static let others: Set<String> = [
    "BertJapaneseTokenizer", "BertweetTokenizer", "PhobertTokenizer", "MPNetTokenizer", "FunnelTokenizer",
    "SplinterTokenizer", "HerbertTokenizer", "RoCBertTokenizer", "FlaubertTokenizer", "DebertaTokenizer",
    "LayoutLMv2Tokenizer", "LayoutLMv3Tokenizer", "CLIPTokenizer", "BlenderbotTokenizer", "OpenAIGPTTokenizer",
  ]
}
