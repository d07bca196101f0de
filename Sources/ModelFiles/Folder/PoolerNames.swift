// The names of poolers for what a sentence-transformers folder asks for: the one table of the host that knows poolers
// by name, because a folder is opened before any plugin is loaded. Called by SentenceTransformersModules.

/// What `--pooler` would be typed for a pooling of sentence-transformers.
enum PoolerNames {
  /// Of each pooling mode its pooler, and its name among the summaries of `concat`.
  private static let modes: [String: (pooler: String, summary: String)] = [
    "cls": ("cls", "first"), "max": ("max", "max"), "mean": ("avg", "mean"),
    "mean_sqrt_len_tokens": ("sqrt_len", "sqrt"), "weightedmean": ("ramp", "ramp"),
    "lasttoken": ("last", "last"),
  ]

  /// The pooler for modes side by side, or nil where none is known.
  /// - Parameter layerWeights: of all layers, embedding layer first; nil for the last layer alone.
  static func pooler(_ names: [String], layerWeights: [Float]?) -> String? {
    let known = names.compactMap { modes[$0] }
    guard known.count == names.count, let first = known.first else { return nil }
    if let layerWeights { return names == ["mean"] ? mean(of: layerWeights) : nil }
    return known.count == 1
      ? first.pooler : "concat:layers=-1,of=" + known.map(\.summary).joined(separator: "/")
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
