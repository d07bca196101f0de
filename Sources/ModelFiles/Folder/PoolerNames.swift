// The names of poolers for what a sentence-transformers folder asks for: the one table of the host that knows poolers
// by name, because a folder is opened before any plugin is loaded. Called by SentenceTransformersModules.

/// What `--pooler` would be typed for a pooling of sentence-transformers.
enum PoolerNames {
  /// The pooler of that name and setting, or nil where none is known.
  /// - Parameter layerWeights: of all layers, embedding layer first; nil for the last layer alone.
  static func pooler(_ tokens: ExportPooling.Tokens, layerWeights: [Float]?) -> String? {
    switch (tokens, layerWeights) {
    case (.cls, nil): "cls"
    case (.mean, nil): "avg"
    case (.max, nil): "max"
    case (.mean, let weights?): mean(of: weights)
    default: nil
    }
  }

  private static func mean(of layerWeights: [Float]) -> String? {
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
