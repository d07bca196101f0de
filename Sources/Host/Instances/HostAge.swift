// Which host a plugin meets: that of today, one of tomorrow, or one of yesterday. `plugins check` shows plugins a newer
// one, tests show them older ones: only what struct_size says and which services there are differs.

import PluginAPI

/// The host as plugins see it.
package enum HostAge: Sendable, CaseIterable {
  /// Before scores, classes and `dtemperature`.
  case first
  /// Before further encodings, augmenters and services.
  case supervision
  /// Before texts, the vocabulary, added views and dropout of single sequences.
  case encodings
  case today
  /// Structs are bigger and the minor version higher than plugins of today know.
  case newer

  /// The services it has, by their ids.
  var services: [String] {
    switch self {
    case .first, .supervision: []
    case .encodings: [CSE_SCORE_1]
    case .today, .newer: [CSE_SCORE_1, CSE_ROWS_1, CSE_VOCABULARY_1]
    }
  }

  /// Bytes of a struct that it has: what `struct_size` says.
  package func size<T>(of type: T.Type) -> UInt32 {
    let whole = MemoryLayout<T>.size
    switch self {
    case .today: return UInt32(whole)
    case .newer: return UInt32(MemoryLayout<TailedStruct<T>>.size)
    case .first, .supervision, .encodings:
      return UInt32(Self.grown.first { $0.type == ObjectIdentifier(type) }?.size(self) ?? whole)
    }
  }

  /// Structs that were smaller (Tests/Fixtures/abi/headers).
  private static let grown: [(type: ObjectIdentifier, size: @Sendable (HostAge) -> Int)] = [
    (ObjectIdentifier(cse_limits.self), { $0 == .encodings ? 88 : 64 }),
    (ObjectIdentifier(cse_plan.self), { $0 == .encodings ? 104 : 80 }),
    (ObjectIdentifier(cse_batch.self), { $0 == .first ? 72 : $0 == .supervision ? 88 : 96 }),
    (ObjectIdentifier(cse_logits.self), { $0 == .first ? 104 : 120 }),
    (ObjectIdentifier(cse_edit.self), { _ in 112 }),
  ]
}
