// A pooler in the words of sentence-transformers: which tokens, which layers with which weights. Made by whoever
// exports a model, read by ModelExport.

import Encoder

/// What an export says about pooling.
package struct ExportPooling: Sendable, Equatable {
  /// What sentence-transformers' Pooling module can do with the tokens of one layer.
  package enum Tokens: Sendable { case cls, mean, max }

  /// The pooler as typed on the command line; it goes into mixcse.json.
  package var text: String
  /// nil where sentence-transformers has no such pooling: the export then has no modules.json.
  package var tokens: Tokens?
  /// Weights of all layers, embedding layer first, with sum 1; nil for the last layer alone.
  package var layerWeights: [Float]?

  /// A pooling in sentence-transformers' terms. `layerWeights` go with `.mean` only.
  package init(text: String, tokens: Tokens?, layerWeights: [Float]? = nil) {
    self.text = text
    self.tokens = layerWeights != nil && tokens != .mean ? nil : tokens
    self.layerWeights = layerWeights
  }

  /// The pooling of a pooler by name, for an encoder of `layerCount` transformer layers.
  ///
  /// `first` is the layer that avg_first_last and weighted begin with (0: the embedding layer); `mixture` are the
  /// shares (softmax of the weights) of `weighted` over the layers from `first` on. Any other pooler, a chain
  /// included, is kept as text only.
  package init(pooler text: String, layerCount: Int, first: Int = 0, mixture: [Float] = []) {
    var weights = [Float](repeating: 0, count: layerCount + 1)
    let name = text.prefix { $0 != ":" }
    switch name {
    case "cls", "cls_before_pooler": self.init(text: text, tokens: .cls)
    case "max": self.init(text: text, tokens: .max)
    case "avg": self.init(text: text, tokens: .mean)
    case "avg_top2" where layerCount >= 1:
      weights[layerCount - 1] = 0.5
      weights[layerCount] = 0.5
      self.init(text: text, tokens: .mean, layerWeights: weights)
    case "avg_first_last" where (0..<layerCount).contains(first):
      weights[first] = 0.5
      weights[layerCount] = 0.5
      self.init(text: text, tokens: .mean, layerWeights: weights)
    case "weighted" where first >= 0 && first + mixture.count == layerCount + 1:
      weights.replaceSubrange(first..., with: mixture)
      self.init(text: text, tokens: .mean, layerWeights: weights)
    default: self.init(text: text, tokens: nil)
    }
    if text.contains("+") { tokens = nil }
  }

  /// The name of the mean pooler with these layer weights, or nil.
  static func meanPooler(layerWeights: [Float]) -> String? {
    let used = layerWeights.indices.filter { layerWeights[$0] != 0 }
    let last = layerWeights.count - 1
    guard used.last == last, used.allSatisfy({ layerWeights[$0] == layerWeights[last] }) else { return nil }
    switch used {
    case [last]: return "avg"
    case [0, last]: return "avg_first_last"
    case [last - 1, last]: return "avg_top2"
    case [1, last]: return "avg_first_last:first=layer1"
    default: return nil
    }
  }
}
