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

    init(_ name: String, _ standard: Value) {
      (self.name, self.standard) = (name, standard)
    }
  }

  /// By `model_type`.
  let family: EncoderConfiguration.Family
  /// The class of transformers whose weights an export holds.
  let modelClass: String
  var vocabularySize = Key("vocab_size", 30_522)
  let hiddenSize = Key("hidden_size", 768)
  let layerCount = Key("num_hidden_layers", 12)
  let headCount = Key("num_attention_heads", 12)
  let intermediateSize = Key("intermediate_size", 3072)
  let positionRows = Key("max_position_embeddings", 512)
  let typeVocabularySize = Key("type_vocab_size", 2)
  let layerNormEpsilon = Key("layer_norm_eps", 1e-12)
  let hiddenDropout = Key("hidden_dropout_prob", 0.1)
  let attentionDropout = Key("attention_probs_dropout_prob", 0.1)
  let activation = Key("hidden_act", "gelu")
  var padTokenID = Key("pad_token_id", 0)
  /// Whether positions are counted from the row behind the padding token's, so that this token must have an id.
  var countsBehindPadding = false

  static let bert = ArchitectureFormat(family: .bert, modelClass: "BertModel")
  static let roberta = ArchitectureFormat(
    family: .roberta, modelClass: "RobertaModel", vocabularySize: Key("vocab_size", 50_265),
    padTokenID: Key("pad_token_id", 1), countsBehindPadding: true)

  /// All that are built.
  static let all = [bert, roberta]

  /// The description of a family.
  static func of(_ family: EncoderConfiguration.Family) -> ArchitectureFormat {
    switch family {
    case .bert: bert
    case .roberta: roberta
    }
  }

  /// What the file may say. Keys that are in no table are those that transformers' class does not know either: they
  /// are handed on, and nothing is computed by them.
  var rules: SettingRules {
    let read = [
      "model_type", vocabularySize.name, hiddenSize.name, layerCount.name, headCount.name, intermediateSize.name,
      positionRows.name, typeVocabularySize.name, layerNormEpsilon.name, hiddenDropout.name, attentionDropout.name,
      activation.name, padTokenID.name,
    ]
    return SettingRules(Self.common, others: .harmless)
      .adding(Dictionary(uniqueKeysWithValues: read.map { ($0, .read) }))
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
