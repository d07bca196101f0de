// An augmenter with made-up sentences: what it makes of them is what is compared.

import Host
import PluginAPI

/// Sequences of one to several words between two special tokens.
final class AugmenterRig: Rig {
  private let views: [TokenView]
  private let bounds = TokenBounds(vocabularySize: 200, maximumTokens: 24, maskID: 3, padID: 0)
  private var made: [[Int32]] = []

  override init(_ instance: PluginInstance, _ shape: RigShape, seed: UInt64, limits: PluginLimits) throws {
    try instance.prepare(limits)
    views = instance.plan.editedViews.map { view in
      // Every third token goes on with a word.
      let lengths = (0..<shape.rows).map { 1 + ($0 * 5 + view) % 9 }
      let sequences = lengths.enumerated().map { row, length in
        [1] + (0..<length).map { Int32(10 + (row * 31 + $0 * 7 + view) % 180) } + [2]
      }
      let words = lengths.map { length in [-1] + (0..<length).map { Int32($0 - $0 / 3) } + [-1] }
      return TokenView(view: view, sequences: sequences, words: words, rowIDs: (0..<shape.rows).map(Int64.init))
    }
    try super.init(instance, shape, seed: seed, limits: limits)
  }

  override func run(gradients: Bool) throws -> Double {
    made = try views.flatMap { try instance.augment($0, within: bounds) }
    return 0
  }

  override func snapshot(_ value: Double) -> [UInt64] {
    super.snapshot(value) + made.flatMap { [UInt64($0.count)] + $0.map { UInt64(bitPattern: Int64($0)) } }
  }
}
