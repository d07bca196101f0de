// Poolers and the head behind them: whether a pooler wants one where nobody says so, and how its vector before the head
// is written. Asked by the flags of training and scoring, and where a folder's own pooler.dense is looked for.

package import Host

extension Pooler {
  /// Whether this is one pooler, not taken before its head, that asks for Linear and tanh behind it (`cls`).
  package var wantsHead: Bool { uses.count == 1 && !skipsHead && uses[0].component.pooling?.wantsHead == true }
}

extension PoolerSpec {
  /// Whether `text` alone means something else, since only the first-token pooler has a name for its vector before
  /// the head.
  package var needsBeforeHead: Bool { skipsHead && !text.hasPrefix("cls_before_pooler") }

  /// The pooler in words, for tables and records: `avg`, `cls_before_pooler`, `avg (before the head)`.
  package var label: String { text + (needsBeforeHead ? " (before the head)" : "") }
}
