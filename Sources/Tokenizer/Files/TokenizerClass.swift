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
  /// In a way that is not done here: a class that is in no list.
  case other(String)

  /// The class that tokenizer_config.json names, else config.json, else the one that goes with the type of the model;
  /// nil where nobody says any of them. Beside some types of models a name counts for nothing.
  init?(tokenizer: JSONNode?, model: JSONNode?) throws {
    if let type = model?["model_type"], Self.writtenByModel.contains(try type.string()) {
      self = .written
    } else if let node = tokenizer?["tokenizer_class"] ?? model?["tokenizer_class"] {
      let name = try node.string()
      self.init(name: name.hasSuffix("Fast") ? String(name.dropLast(4)) : name)
    } else if let type = try model?["model_type"]?.string() {
      self = Self.familiesByModel[type].map { .built($0) } ?? .other("the one of model_type \"\(type)\"")
    } else {
      return nil
    }
  }

  private init(name: String) {
    if let family = Self.families[name] {
      self = .built(family)
    } else {
      self = Self.writtenClasses.contains(name) ? .written : .other(name)
    }
  }

  /// The classes that are built, for errors.
  static var names: String { (families.keys.sorted() + writtenClasses.sorted()).joined(separator: ", ") }

  private static let families: [String: TokenizerFamily] = [
    "BertTokenizer": .wordPiece, "DistilBertTokenizer": .wordPiece, "ElectraTokenizer": .wordPiece,
    "LayoutLMTokenizer": .wordPiece, "LxmertTokenizer": .wordPiece,
    "MobileBertTokenizer": .wordPiece, "SqueezeBertTokenizer": .wordPiece,
    "RobertaTokenizer": .byteLevel, "BartTokenizer": .byteLevel, "LEDTokenizer": .byteLevel,
    "LongformerTokenizer": .byteLevel, "MvpTokenizer": .byteLevel, "MPNetTokenizer": .mpnet,
    "XLMRobertaTokenizer": .xlmRoberta, "CamembertTokenizer": .camembert, "AlbertTokenizer": .albert,
    "DebertaV2Tokenizer": .debertaV2,
  ]

  private static let familiesByModel: [String: TokenizerFamily] = [
    "bert": .wordPiece, "distilbert": .wordPiece, "electra": .wordPiece, "ernie": .wordPiece,
    "megatron-bert": .wordPiece, "nomic_bert": .wordPiece, "layoutlm": .wordPiece, "squeezebert": .wordPiece,
    "roberta": .byteLevel, "bart": .byteLevel, "longformer": .byteLevel, "ibert": .byteLevel,
    "roberta-prelayernorm": .byteLevel, "data2vec-text": .byteLevel, "mpnet": .mpnet,
    "xlm-roberta": .xlmRoberta, "xmod": .xlmRoberta, "camembert": .camembert, "albert": .albert, "yoso": .albert,
    "deberta-v2": .debertaV2,
  ]

  /// Classes without options of their own; the last ones transformers no longer has, and reads as these.
  private static let writtenClasses: Set<String> = [
    "PreTrainedTokenizer", "TokenizersBackend", "PythonBackend", "ErnieTokenizer", "NezhaTokenizer",
    "RetriBertTokenizer",
  ]

  private static let writtenByModel: Set<String> = ["modernbert", "nystromformer", "xlm-roberta-xl"]
}
