// An augmenter with made-up sentences: what it makes of them is what is compared.

import Host
import PluginAPI

/// Sequences of one to several words between two special tokens.
final class AugmenterRig: Rig {
  private let views: [TokenView]
  private let bounds = TokenBounds(vocabularySize: 200, maximumTokens: 24, maskID: 3, padID: 0)
  private var made: [EditedView] = []

  /// Words of three letters: of token 10 to 104 in lower case, of 105 to 199 with a capital; what is no such word is
  /// two tokens that tell the cases apart.
  static let vocabulary = VocabularyTexts(
    size: 200, token: { id in word(id) },
    text: { ids in
      let words = ids.map(word)
      return words.contains(nil) ? nil : Array(words.compactMap(\.self).joined())
    },
    encode: { text in
      stride(from: 0, to: text.count, by: 3).map { place in
        let part = Array(text[place..<min(place + 3, text.count)])
        return (Int32(10)..<200).first { word($0) == part } ?? (part[0] < 97 ? 4 : 5)
      }
    })

  private static func word(_ id: Int32) -> [UInt8]? {
    guard (0..<200).contains(id) else { return nil }
    let index = UInt8((Int(id) + 85) % 95)
    return [(id < 105 ? 97 : 65) + index % 5, 97 + index / 5, 122]
  }

  override init(_ instance: PluginInstance, _ shape: RigShape, seed: UInt64, limits: PluginLimits) throws {
    try instance.prepare(limits)
    let addedView = instance.plan.addsView ? limits.viewCount : nil
    views = instance.plan.editedViews.map { view in
      // Every third token goes on with a word.
      let lengths = (0..<shape.rows).map { 1 + ($0 * 5 + view) % 9 }
      let sequences = lengths.enumerated().map { row, length in
        [1] + (0..<length).map { Int32(10 + (row * 31 + $0 * 7 + view) % 180) } + [2]
      }
      let words = lengths.map { length in [-1] + (0..<length).map { Int32($0 - $0 / 3) } + [-1] }
      return TokenView(
        view: addedView ?? view, sequences: sequences, words: words, rowIDs: (0..<shape.rows).map(Int64.init))
    }
    try super.init(instance, shape, seed: seed, limits: limits)
  }

  override func run(gradients: Bool) throws -> Double {
    made = try views.map { try instance.augment($0, within: bounds) }
    return 0
  }

  override func snapshot(_ value: Double) -> [UInt64] {
    super.snapshot(value) + made.flatMap { $0.dropout.map { UInt64($0.bitPattern) } }
      + made.flatMap(\.sequences).flatMap { [UInt64($0.count)] + $0.map { UInt64(bitPattern: Int64($0)) } }
  }
}
