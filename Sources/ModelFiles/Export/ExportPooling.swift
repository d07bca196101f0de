// A pooler in the words of sentence-transformers: which tokens, which layers with which weights. Made from what poolers
// say of themselves by whoever exports a model, read by ModelExport.

/// What an export says about pooling.
package struct ExportPooling: Sendable, Equatable {
  /// What sentence-transformers' Pooling module can do with the tokens of one layer.
  package enum Tokens: Sendable {
    /// The first token.
    case cls
    /// The mean over all tokens, special ones among them.
    case mean
    /// The largest value of each feature.
    case max
  }

  /// The pooler as typed on the command line; it goes into mixcse.json.
  package let text: String
  /// nil where sentence-transformers has no such pooling: the export then has no modules.json.
  package let tokens: Tokens?
  /// Weights of all layers, embedding layer first, with sum 1; nil for the last layer alone.
  package let layerWeights: [Float]?
  /// Why there are no `tokens`, to be said after the pooler's name; nil where there are.
  package let obstacle: String?

  /// A pooling in sentence-transformers' terms.
  /// - Parameters:
  ///   - layerWeights: of all layers, embedding layer first, with a sum above 0. Several layers go with `.mean` only,
  ///     since sentence-transformers takes the first token before it mixes layers.
  package init(text: String, tokens: Tokens, layerWeights: [Float]) {
    self.text = text
    let isLastAlone = layerWeights.dropLast().allSatisfy { $0 == 0 }
    if isLastAlone || tokens == .mean {
      let sum = layerWeights.reduce(0, +)
      (self.tokens, obstacle) = (tokens, nil)
      self.layerWeights = isLastAlone ? nil : sum == 1 ? layerWeights : layerWeights.map { $0 / sum }
    } else {
      (self.tokens, self.layerWeights) = (nil, nil)
      obstacle = "mixes layers, and sentence-transformers does that for mean pooling only"
    }
  }

  /// A pooling that is kept as text only. `obstacle` says why, after the pooler's name: "is a chain".
  package init(text: String, obstacle: String) {
    (self.text, self.obstacle) = (text, obstacle)
    (tokens, layerWeights) = (nil, nil)
  }
}
