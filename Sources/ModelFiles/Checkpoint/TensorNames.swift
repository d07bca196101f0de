// The one table that turns checkpoint names into ours: Hugging Face's names without a model prefix. Called by
// WeightTable.

/// Canonical tensor names.
enum TensorNames {
  /// Prefixes that wrap the whole encoder; removed from the front as often as they occur.
  static let prefixes = [
    "module.", "_orig_mod.", "0.auto_model.", "0.model.", "auto_model.", "model.", "bert.", "roberta.",
    "distilbert.", "mpnet.", "electra.", "ernie.", "albert.",
  ]

  /// Ends that older checkpoints spell differently.
  static let endings = [
    ("LayerNorm.gamma", "LayerNorm.weight"),
    ("LayerNorm.beta", "LayerNorm.bias"),
  ]

  /// Our name for a tensor of a checkpoint: `bert.encoder.layer.0.output.LayerNorm.gamma` becomes
  /// `encoder.layer.0.output.LayerNorm.weight`.
  static func canonical(_ name: String) -> String {
    var rest = Substring(name)
    while let prefix = prefixes.first(where: { rest.hasPrefix($0) }) { rest = rest.dropFirst(prefix.count) }
    for (old, new) in endings where rest.hasSuffix(old) { return rest.dropLast(old.count) + new }
    return String(rest)
  }
}
