// The architectures that config.json may name, one description each: under which keys its sizes stand, what
// transformers takes where a key is not there, and what every other key may hold. An architecture that is not in
// `all` is refused by its name. Read by EncoderConfiguration's reader and by exports.
// Source: the configuration classes of transformers 5.24, for instance models/bert/configuration_bert.py.

import Encoder
import Files

/// How an architecture writes its configuration down.
struct ArchitectureFormat: Sendable {
  /// A key of config.json and its value where it is not there.
  struct Key<Value: Sendable>: Sendable {
    let name: String
    let standard: Value
    /// Another name of the key, which transformers takes as well (`attribute_map`).
    let alias: String?

    init(_ name: String, _ standard: Value, alias: String? = nil) {
      (self.name, self.standard, self.alias) = (name, standard, alias)
    }
  }

  /// By `model_type`.
  let family: EncoderConfiguration.Family
  /// The class of transformers whose weights an export holds.
  let modelClass: String
  var vocabularySize = Key("vocab_size", 30_522)
  var hiddenSize = Key("hidden_size", 768)
  var layerCount = Key("num_hidden_layers", 12)
  var headCount = Key("num_attention_heads", 12)
  var intermediateSize = Key("intermediate_size", 3072)
  var positionRows = Key("max_position_embeddings", 512)
  /// nil: there is no table of token types.
  var typeVocabularySize: Key<Int>? = Key("type_vocab_size", 2)
  /// nil: 1e-12, whatever the file says.
  var layerNormEpsilon: Key<Double>? = Key("layer_norm_eps", 1e-12)
  var hiddenDropout = Key("hidden_dropout_prob", 0.1)
  var attentionDropout = Key("attention_probs_dropout_prob", 0.1)
  var activation = Key("hidden_act", "gelu")
  var padTokenID = Key("pad_token_id", 0)
  /// Whether the padding token is the default one, whatever the file says.
  var hasFixedPadding = false
  /// Whether positions are counted from the row behind the padding token's, so that this token must have an id.
  var countsBehindPadding = false
  /// Width of the embeddings; nil: that of hidden states.
  var embeddingSize: Key<Int>?
  /// Whether there is a table of task types, and its rows.
  var taskTypes: (isUsed: Key<Bool>, rows: Key<Int>)?
  /// Rows of the table of what attention adds for distances.
  var distanceBuckets: Key<Int>?
  /// How many layers' weights there are; nil: each layer has its own.
  var layerGroups: Key<Int>?
  /// The keys of layers as ModernBERT has them.
  var modernLayers: ModernLayerKeys?
  /// Rules for keys that no other architecture has.
  var ownRules: [String: SettingRules.Rule] = [:]

  static let bert = ArchitectureFormat(family: .bert, modelClass: "BertModel")
  static let roberta = ArchitectureFormat(
    family: .roberta, modelClass: "RobertaModel", vocabularySize: Key("vocab_size", 50_265),
    padTokenID: Key("pad_token_id", 1), countsBehindPadding: true)
  static let xlmRoberta = ArchitectureFormat(
    family: .xlmRoberta, modelClass: "XLMRobertaModel", padTokenID: Key("pad_token_id", 1), countsBehindPadding: true)
  static let camembert = ArchitectureFormat(
    family: .camembert, modelClass: "CamembertModel", padTokenID: Key("pad_token_id", 1), countsBehindPadding: true)
  static let distilbert = ArchitectureFormat(
    family: .distilbert, modelClass: "DistilBertModel", hiddenSize: Key("dim", 768, alias: "hidden_size"),
    layerCount: Key("n_layers", 6, alias: "num_hidden_layers"),
    headCount: Key("n_heads", 12, alias: "num_attention_heads"), intermediateSize: Key("hidden_dim", 3072),
    typeVocabularySize: nil, layerNormEpsilon: nil, hiddenDropout: Key("dropout", 0.1),
    attentionDropout: Key("attention_dropout", 0.1), activation: Key("activation", "gelu"),
    // How the table of positions began: it is among the weights, and learns.
    ownRules: ["sinusoidal_pos_embds": .harmless, "qa_dropout": .harmless, "seq_classif_dropout": .harmless])
  static let mpnet = ArchitectureFormat(
    family: .mpnet, modelClass: "MPNetModel", vocabularySize: Key("vocab_size", 30_527), typeVocabularySize: nil,
    padTokenID: Key("pad_token_id", 1), hasFixedPadding: true, countsBehindPadding: true,
    distanceBuckets: Key("relative_attention_num_buckets", 32), ownRules: ["pad_token_id": .harmless])
  static let electra = ArchitectureFormat(
    family: .electra, modelClass: "ElectraModel", hiddenSize: Key("hidden_size", 256),
    headCount: Key("num_attention_heads", 4), intermediateSize: Key("intermediate_size", 1024),
    embeddingSize: Key("embedding_size", 128))
  static let ernie = ArchitectureFormat(
    family: .ernie, modelClass: "ErnieModel",
    taskTypes: (Key("use_task_id", false), Key("task_type_vocab_size", 3)))
  static let albert = ArchitectureFormat(
    family: .albert, modelClass: "AlbertModel", vocabularySize: Key("vocab_size", 30_000),
    hiddenSize: Key("hidden_size", 4096), headCount: Key("num_attention_heads", 64),
    intermediateSize: Key("intermediate_size", 16_384), hiddenDropout: Key("hidden_dropout_prob", 0),
    attentionDropout: Key("attention_probs_dropout_prob", 0), activation: Key("hidden_act", "gelu_new"),
    embeddingSize: Key("embedding_size", 128), layerGroups: Key("num_hidden_groups", 1),
    ownRules: ["inner_group_num": .only([.integer(1)])])

  static let modernbert = ArchitectureFormat(
    family: .modernbert, modelClass: "ModernBertModel", vocabularySize: Key("vocab_size", 50_368),
    layerCount: Key("num_hidden_layers", 22), intermediateSize: Key("intermediate_size", 1152),
    positionRows: Key("max_position_embeddings", 8192), typeVocabularySize: nil,
    layerNormEpsilon: Key("norm_eps", 1e-5), hiddenDropout: Key("embedding_dropout", 0),
    attentionDropout: Key("attention_dropout", 0), activation: Key("hidden_activation", "gelu"),
    padTokenID: Key("pad_token_id", 50_283), modernLayers: ModernLayerKeys(), ownRules: ModernLayerKeys.rules)

  /// All that are built.
  static let all = EncoderConfiguration.Family.allCases.map(of)

  /// The description of a family.
  static func of(_ family: EncoderConfiguration.Family) -> ArchitectureFormat {
    switch family {
    case .bert: bert
    case .roberta: roberta
    case .xlmRoberta: xlmRoberta
    case .camembert: camembert
    case .distilbert: distilbert
    case .mpnet: mpnet
    case .electra: electra
    case .ernie: ernie
    case .albert: albert
    case .modernbert: modernbert
    }
  }

  /// What the file may say. Keys that are in no table are those that transformers' class does not know either: they
  /// are handed on, and nothing is computed by them.
  var rules: SettingRules {
    let numbers = [
      vocabularySize, hiddenSize, layerCount, headCount, intermediateSize, positionRows, padTokenID,
      typeVocabularySize, embeddingSize, taskTypes?.rows, distanceBuckets, layerGroups,
    ].compactMap { $0 }
    let others = ["model_type", hiddenDropout.name, attentionDropout.name, activation.name]
    let read =
      numbers.map(\.name) + numbers.compactMap(\.alias) + others
      + [layerNormEpsilon?.name, taskTypes?.isUsed.name].compactMap { $0 }
    return SettingRules(Self.common, others: .harmless)
      .adding(Dictionary(uniqueKeysWithValues: read.map { ($0, .read) })).adding(ownRules)
  }

  private static let common: [String: SettingRules.Rule] = [
    // Each of these changes what a layer computes.
    "position_embedding_type": .only([.string("absolute")]),
    "is_decoder": .only([.bool(false)]),
    "is_encoder_decoder": .only([.bool(false)]),
    "add_cross_attention": .only([.bool(false)]),
    "cross_attention_hidden_size": .only([]),
    "pruned_heads": .only([.object(JSONObject())]),
    "quantization_config": .only([]),
    "auto_map": .noted(
      "of config.json names code that comes with the model; it is not run: the model is read as what model_type says,"
        + " as transformers does without trust_remote_code"),
    // Of training, of other heads, of how the same numbers are computed, and of what is handed out.
    "architectures": .harmless, "attn_implementation": .harmless, "bos_token_id": .harmless,
    "chunk_size_feed_forward": .harmless, "classifier_dropout": .harmless, "directionality": .harmless,
    "dtype": .harmless, "eos_token_id": .harmless, "gradient_checkpointing": .harmless, "id2label": .harmless,
    "initializer_range": .harmless, "label2id": .harmless, "output_attentions": .harmless,
    "output_hidden_states": .harmless, "problem_type": .harmless, "return_dict": .harmless,
    "tie_word_embeddings": .harmless, "tokenizer_class": .harmless, "torch_dtype": .harmless,
    "transformers_version": .harmless, "use_cache": .harmless,
  ]
}
