// What the rest of the program asks of a model, whoever computes it: sizes and probabilities of dropout. Said by an
// EncoderConfiguration, or by a ForeignModel.

/// The sizes of an encoder.
package struct EncoderShape: Sendable, Equatable {
  /// Rows of the word matrix: token ids are 0 to this less one.
  package var vocabularySize: Int
  /// Width of a hidden state.
  package var hiddenSize: Int
  /// Transformer layers, without the embedding layer.
  package var layerCount: Int
  /// Tokens a sequence may have.
  package var maximumPositions: Int
  /// Probability in [0, 1) that training leaves out a number of a hidden state.
  package var hiddenDropout: Float
  /// Probability in [0, 1) that training leaves out an attention weight.
  package var attentionDropout: Float

  /// A shape by its sizes.
  package init(
    vocabularySize: Int, hiddenSize: Int, layerCount: Int, maximumPositions: Int, hiddenDropout: Float,
    attentionDropout: Float
  ) {
    (self.vocabularySize, self.hiddenSize, self.layerCount) = (vocabularySize, hiddenSize, layerCount)
    self.maximumPositions = maximumPositions
    (self.hiddenDropout, self.attentionDropout) = (hiddenDropout, attentionDropout)
  }
}

extension EncoderConfiguration {
  /// Its sizes.
  package var shape: EncoderShape {
    EncoderShape(
      vocabularySize: vocabularySize, hiddenSize: hiddenSize, layerCount: layerCount,
      maximumPositions: maximumPositions, hiddenDropout: hiddenDropout, attentionDropout: attentionDropout)
  }
}

/// A model that is read and computed by somebody else, of an architecture that this program need not know.
package protocol ForeignModel: AnyObject, Sendable {
  /// Its sizes.
  var shape: EncoderShape { get }
}
