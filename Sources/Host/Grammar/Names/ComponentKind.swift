// The kinds of components a strategy is put together from. Their numbers in descriptors are known to PluginLoading.

/// What a component is for.
package enum ComponentKind: String, Sendable, CaseIterable {
  /// Edits the tokens of a view.
  case augmenter
  /// Makes one vector of the hidden states of a sentence.
  case pooler
  /// Says what embeddings are compared with.
  case sampler
  /// Scores the comparison.
  case loss
  /// Computes hidden states and their gradients, on a device of its own.
  case encoder
  /// Something this host does not run in training: functions to be called by name, schedules.
  case other
}
