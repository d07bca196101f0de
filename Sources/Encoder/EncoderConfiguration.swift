// What an encoder is: its family, sizes and constants, wherever they were written down. ModelFiles reads it from
// config.json; TransformerEncoder and MaskedLanguageHead compute by it.

/// The shape and constants of a BERT or RoBERTa encoder.
package struct EncoderConfiguration: Sendable, Equatable {
  /// The architecture: how positions are counted and what tensors are called.
  package enum Family: String, Sendable, CaseIterable { case bert, roberta }

  /// The function between the two feed-forward maps.
  package enum Activation: Sendable, Equatable {
    /// x * Phi(x), by the error function.
    case gelu
    /// The tanh approximation of GELU.
    case geluTanh
    /// max(0, x).
    case relu
  }

  /// The architecture, by `model_type`.
  package var family: Family
  /// Rows of `embeddings.word_embeddings.weight`: token ids are 0 to this less one.
  package var vocabularySize: Int
  /// Width of a hidden state; a multiple of `headCount`.
  package var hiddenSize: Int
  /// Transformer layers, without the embedding layer.
  package var layerCount: Int
  /// Attention heads of a layer.
  package var headCount: Int
  /// Width between the two feed-forward maps.
  package var intermediateSize: Int
  /// Tokens a sequence may have: the rows of the position table less `positionOffset`.
  package var maximumPositions: Int
  /// Rows of `embeddings.token_type_embeddings.weight`; row 0 is used.
  package var typeVocabularySize: Int
  /// What LayerNorm adds to a variance; above 0.
  package var layerNormEpsilon: Float
  /// Probability in [0, 1) that training leaves out a number of a hidden state.
  package var hiddenDropout: Float
  /// Probability in [0, 1) that training leaves out an attention weight.
  package var attentionDropout: Float
  /// The id that fills up sequences elsewhere; here it decides where RoBERTa's positions start.
  package var padTokenID: Int
  /// The row of the position table that the first token uses: 0 for BERT, `padTokenID + 1` for RoBERTa.
  package var positionOffset: Int
  /// The function between the two feed-forward maps.
  package var activation: Activation

  /// Whether a token has the padding token's row of positions, and the next one's position is not moved by it: in
  /// RoBERTa a padding token, also where a text holds it literally.
  func isUncounted(_ token: Int32) -> Bool { positionOffset > 0 && Int(token) == padTokenID }

  /// Rows of `embeddings.position_embeddings.weight`.
  package var positionRows: Int { maximumPositions + positionOffset }

  /// A configuration by its values; what has a default is as in `BertConfig` of transformers.
  package init(
    family: Family, vocabularySize: Int, hiddenSize: Int, layerCount: Int, headCount: Int, intermediateSize: Int,
    maximumPositions: Int, typeVocabularySize: Int, layerNormEpsilon: Float = 1e-12, hiddenDropout: Float = 0.1,
    attentionDropout: Float = 0.1, padTokenID: Int = 0, positionOffset: Int = 0, activation: Activation = .gelu
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
  }
}
