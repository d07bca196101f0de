// What an encoder is: its family, sizes and constants, wherever they were written down. ModelFiles reads it from
// config.json; TransformerEncoder and MaskedLanguageHead compute by it.

/// The shape and constants of an encoder.
package struct EncoderConfiguration: Sendable, Equatable {
  /// The function between the two feed-forward maps.
  package enum Activation: Sendable, Equatable {
    /// x * Phi(x), by the error function.
    case gelu
    /// The tanh approximation of GELU.
    case geluTanh
    /// max(0, x).
    case relu
  }

  /// Places as turns of queries and keys, by angles that fall from one pair of numbers to the next: that of pair i of D
  /// numbers is `place / base^(2i/D)`.
  package struct Rotation: Sendable, Equatable {
    /// The base in layers whose tokens see all others; above 0.
    package var globalBase: Float
    /// The base in layers of `LocalAttention`; above 0.
    package var localBase: Float

    /// Both bases.
    package init(globalBase: Float, localBase: Float) { (self.globalBase, self.localBase) = (globalBase, localBase) }
  }

  /// Layers in which a token sees only those near it.
  package struct LocalAttention: Sendable, Equatable {
    /// These layers, counted from 0.
    package var layers: Set<Int>
    /// How many tokens are seen on either side; 0 or more.
    package var reach: Int

    /// Layers and their reach.
    package init(layers: Set<Int>, reach: Int) { (self.layers, self.reach) = (layers, reach) }
  }

  /// What has biases.
  package struct Biases: Sendable, Equatable {
    /// The maps to queries, keys and values, and that of attention's result.
    package var attention = true
    /// Both feed-forward maps.
    package var feedForward = true
    /// The norms, that of the head for masked words among them.
    package var norms = true
    /// The map of the head for masked words.
    package var head = true
    /// The scores of words.
    package var words = true

    /// All of them.
    package init() {}
  }

  /// The architecture, by `model_type`.
  package var family: Family
  /// Rows of `embeddings.word_embeddings.weight`: token ids are 0 to this less one.
  package var vocabularySize: Int
  /// Width of a hidden state; a multiple of `headCount`.
  package var hiddenSize: Int
  /// Width of an embedding before it is mapped to a hidden state.
  package var embeddingSize: Int
  /// Transformer layers, without the embedding layer.
  package var layerCount: Int
  /// Attention heads of a layer.
  package var headCount: Int
  /// Width between the two feed-forward maps.
  package var intermediateSize: Int
  /// Tokens a sequence may have: where there is a position table, its rows less `positionOffset`.
  package var maximumPositions: Int
  /// Rows of `embeddings.token_type_embeddings.weight`, of which row 0 is used; 0: there is no such table.
  package var typeVocabularySize: Int
  /// Rows of `embeddings.task_type_embeddings.weight`, of which row 0 is used; 0: there is no such table.
  package var taskTypes: Int
  /// Rows of the table of what attention adds for the distance of two tokens; 0: it adds nothing.
  package var distanceBuckets: Int
  /// How many weights the layers share, one after the other in stretches of the same length; nil: each has its own.
  package var layerGroups: Int?
  /// What LayerNorm adds to a variance; above 0.
  package var layerNormEpsilon: Float
  /// Probability in [0, 1) that training leaves out a number of a hidden state.
  package var hiddenDropout: Float
  /// Probability in [0, 1) that training leaves out an attention weight.
  package var attentionDropout: Float
  /// The id that fills up sequences elsewhere; here it decides where RoBERTa's positions start.
  package var padTokenID: Int
  /// The row of the position table that the first token uses: 0 for BERT, `padTokenID + 1` for RoBERTa and MPNet.
  package var positionOffset: Int
  /// The function between the two feed-forward maps.
  package var activation: Activation
  /// The function of the head for masked words where it is not that of the layers, or the architecture's.
  package var headActivation: Activation?
  /// nil: places are rows of a table.
  package var rotation: Rotation?
  /// nil: each token sees all others in every layer.
  package var localAttention: LocalAttention?
  /// What has biases.
  package var biases = Biases()

  /// Rows of the first feed-forward map: those of gates stand behind the others.
  var intermediateRows: Int { architecture.isGated ? 2 * intermediateSize : intermediateSize }

  /// How many tokens one sees on either side in a layer (from 0); nil: all.
  func reach(layer: Int) -> Int? {
    guard let localAttention, localAttention.layers.contains(layer) else { return nil }
    return localAttention.reach
  }

  /// Whether a token has the padding token's row of positions, and the next one's position is not moved by it: in
  /// RoBERTa a padding token, also where a text holds it literally.
  func isUncounted(_ token: Int32) -> Bool { positionOffset > 0 && Int(token) == padTokenID }

  /// Rows of `embeddings.position_embeddings.weight`; 0: there is no such table.
  package var positionRows: Int { rotation == nil ? maximumPositions + positionOffset : 0 }

  /// Whether a map makes hidden states of embeddings.
  package var projectsEmbeddings: Bool { architecture.alwaysProjects || embeddingSize != hiddenSize }

  /// How many layers' weights there are.
  var layerSets: Int { layerGroups ?? layerCount }

  /// Which of them a layer (from 0) has.
  func layerSet(_ layer: Int) -> Int {
    // In floating-point numbers, as transformers counts.
    layerGroups.map { Int(Double(layer) / (Double(layerCount) / Double($0))) } ?? layer
  }

  /// A configuration by its values; what has a default is as in `BertConfig` of transformers.
  package init(
    family: Family, vocabularySize: Int, hiddenSize: Int, layerCount: Int, headCount: Int, intermediateSize: Int,
    maximumPositions: Int, typeVocabularySize: Int, layerNormEpsilon: Float = 1e-12, hiddenDropout: Float = 0.1,
    attentionDropout: Float = 0.1, padTokenID: Int = 0, positionOffset: Int = 0, activation: Activation = .gelu,
    embeddingSize: Int? = nil, taskTypes: Int = 0, distanceBuckets: Int = 0, layerGroups: Int? = nil
  ) {
    self.family = family
    self.vocabularySize = vocabularySize
    self.hiddenSize = hiddenSize
    self.layerCount = layerCount
    self.headCount = headCount
    self.intermediateSize = intermediateSize
    self.maximumPositions = maximumPositions
    self.typeVocabularySize = typeVocabularySize
    self.layerNormEpsilon = layerNormEpsilon
    self.hiddenDropout = hiddenDropout
    self.attentionDropout = attentionDropout
    self.padTokenID = padTokenID
    self.positionOffset = positionOffset
    self.activation = activation
    self.embeddingSize = embeddingSize ?? hiddenSize
    self.taskTypes = taskTypes
    self.distanceBuckets = distanceBuckets
    self.layerGroups = layerGroups
  }
}
