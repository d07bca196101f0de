// What sets one architecture apart from another, as a description: what its tensors are called, where it has dropout,
// what its head for masked words looks like. Sizes, and which tables there are, stand in EncoderConfiguration. Read by
// EncoderParameters, by the passes of TransformerEncoder and by MaskedLanguageHead.
// Source: the modelling files of transformers 5.24, for instance models/mpnet/modeling_mpnet.py.

extension EncoderConfiguration {
  /// The architecture; the raw value is `model_type` of config.json.
  package enum Family: String, Sendable, CaseIterable {
    case bert, roberta
    case xlmRoberta = "xlm-roberta"
    case camembert, distilbert, mpnet, electra, ernie, albert, modernbert
  }

  /// How near its tensors and passes are to those of BERT, for encoders that compute elsewhere.
  package enum Likeness {
    /// They are BERT's, or RoBERTa's.
    case bert, roberta
    /// Layers are BERT's but for what `embeddingSize`, `taskTypes`, `distanceBuckets`, `layerGroups` and
    /// `hasDropout` say.
    case similar
    /// Norms are of inputs, units gated, queries and keys turned: what `rotation`, `localAttention` and `biases` say.
    case modern
  }

  /// How near it is to BERT.
  package var likeness: Likeness {
    switch family {
    case .bert: .bert
    case .roberta, .xlmRoberta, .camembert: .roberta
    case .electra where !projectsEmbeddings: .bert
    case .ernie where taskTypes == 0: .bert
    case .distilbert, .mpnet, .electra, .ernie, .albert: .similar
    case .modernbert: .modern
    }
  }

  /// Whether training drops hidden states behind the attention block, and behind the feed-forward block.
  package var hasDropout: (attentionOutput: Bool, feedForward: Bool) {
    (architecture.attentionOutputDropout != .none, architecture.outputDropout != .none)
  }

  var architecture: Architecture {
    switch family {
    case .bert, .ernie: .bert
    case .roberta, .xlmRoberta, .camembert: .roberta
    case .distilbert: .distilbert
    case .mpnet: .mpnet
    case .electra: .electra
    case .albert: .albert
    case .modernbert: .modernbert
    }
  }
}

/// The description of an architecture.
struct Architecture: Sendable {
  /// What the maps and norms of a layer are called, behind the layer's own name and before `.weight` and `.bias`.
  struct Layer {
    /// The one map of queries, keys and values, in place of the three.
    var joined: String?
    /// What it is called among BERT's names, where there is no such map.
    static let plainJoined = "attention.self.query_key_value"
    var query = "attention.self.query", key = "attention.self.key", value = "attention.self.value"
    var attentionOutput = "attention.output.dense", attentionNorm = "attention.output.LayerNorm"
    var intermediate = "intermediate.dense"
    var output = "output.dense", outputNorm = "output.LayerNorm"
  }

  /// What the head for masked words is made of.
  struct Head {
    var dense = "cls.predictions.transform.dense", norm = "cls.predictions.transform.LayerNorm"
    var bias = "cls.predictions.bias"
    /// What stands before these names where a model that learns calls another head by them.
    var prefix = ""
    /// Its activation; nil: that of the layers.
    var activation: EncoderConfiguration.Activation?
  }

  /// What decides how much dropout drops.
  enum DropoutRate {
    case none
    /// That of hidden states.
    case hidden
    /// That of attention weights.
    case attention
  }

  /// The table of words and the norm of embeddings.
  var embeddings = (word: "embeddings.word_embeddings", norm: "embeddings.LayerNorm")
  /// What stands before and behind the number of a layer.
  var layers = (before: "encoder.layer.", behind: ".")
  var layer = Layer()
  /// The map from the embeddings' width to that of hidden states.
  var projection = "embeddings_project"
  /// Whether that map is there where both widths are the same.
  var alwaysProjects = false
  /// What attention adds for the distance of two tokens.
  var distances = "encoder.relative_attention_bias"
  /// Whether a block's input is normed and not its sum with what the block adds to it. The norm behind a sum is then
  /// the one before the next block: `attentionNorm` that before the feed-forward block, `outputNorm` that before the
  /// next layer's attention, which has its number; behind the last layer it is `finalNorm`. The first layer has none.
  var normsInputs = false
  var finalNorm = ""
  /// Whether what goes into the second feed-forward map is the product of two halves, one of them activated.
  var isGated = false
  /// Dropout behind attention's output map.
  var attentionOutputDropout = DropoutRate.hidden
  /// Dropout before the second feed-forward map.
  var activationDropout = DropoutRate.none
  /// Dropout behind the feed-forward block.
  var outputDropout = DropoutRate.hidden
  var head = Head()

  static let bert = Architecture()

  static let roberta = Architecture(
    head: Head(dense: "lm_head.dense", norm: "lm_head.layer_norm", bias: "lm_head.bias", activation: .gelu))

  /// Source: Sanh et al., "DistilBERT, a distilled version of BERT", 2019.
  static let distilbert = Architecture(
    layers: ("transformer.layer.", "."),
    layer: Layer(
      query: "attention.q_lin", key: "attention.k_lin", value: "attention.v_lin", attentionOutput: "attention.out_lin",
      attentionNorm: "sa_layer_norm", intermediate: "ffn.lin1", output: "ffn.lin2", outputNorm: "output_layer_norm"),
    attentionOutputDropout: .none,
    head: Head(dense: "vocab_transform", norm: "vocab_layer_norm", bias: "vocab_projector.bias"))

  /// Source: Song et al., "MPNet: Masked and Permuted Pre-training for Language Understanding", 2020.
  static let mpnet = Architecture(
    layer: Layer(
      query: "attention.attn.q", key: "attention.attn.k", value: "attention.attn.v",
      attentionOutput: "attention.attn.o", attentionNorm: "attention.LayerNorm"),
    head: roberta.head)

  /// Source: Clark et al., "ELECTRA: Pre-training Text Encoders as Discriminators Rather Than Generators", 2020.
  static let electra = Architecture(
    head: Head(
      dense: "generator_predictions.dense", norm: "generator_predictions.LayerNorm", bias: "generator_lm_head.bias",
      activation: .gelu))

  /// Source: Lan et al., "ALBERT: A Lite BERT for Self-supervised Learning of Language Representations", 2020.
  static let albert = Architecture(
    layers: ("encoder.albert_layer_groups.", ".albert_layers.0."),
    layer: Layer(
      query: "attention.query", key: "attention.key", value: "attention.value", attentionOutput: "attention.dense",
      attentionNorm: "attention.LayerNorm", intermediate: "ffn", output: "ffn_output",
      outputNorm: "full_layer_layer_norm"),
    projection: "encoder.embedding_hidden_mapping_in", alwaysProjects: true, outputDropout: .none,
    head: Head(dense: "predictions.dense", norm: "predictions.LayerNorm", bias: "predictions.bias"))

  /// Source: Warner et al., "Smarter, Better, Faster, Longer: A Modern Bidirectional Encoder for Fast, Memory
  /// Efficient, and Long Context Finetuning and Inference", 2024.
  static let modernbert = Architecture(
    embeddings: ("embeddings.tok_embeddings", "embeddings.norm"), layers: ("layers.", "."),
    layer: Layer(
      joined: "attn.Wqkv", attentionOutput: "attn.Wo", attentionNorm: "mlp_norm", intermediate: "mlp.Wi",
      output: "mlp.Wo", outputNorm: "attn_norm"),
    normsInputs: true, finalNorm: "final_norm", isGated: true, attentionOutputDropout: .attention,
    activationDropout: .hidden, outputDropout: .none,
    head: Head(dense: "head.dense", norm: "head.norm", bias: "decoder.bias", prefix: "masked_words."))
}
