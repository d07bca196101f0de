// The widths a run trains its embeddings at, `384,256,128` or `384,256,128:1,0.5,0.5`: the value of --dims. Read by the
// description of a run, carried out by NestedDimensions.

/// What is wrong with a text of widths.
package struct DimensionProblem: Error, Equatable {
  /// What the text must be.
  package let expected: String
  /// What stands there.
  package let found: String
}

extension InstanceFactory {
  /// The part of a name that instances on fewer dimensions have before it.
  static func prefix(dimension: Int) -> String { "dims\(dimension)." }
}

/// The name of the instance on all dimensions that one on fewer is a copy of, `mixcse` of `dims128.mixcse`; nil for one
/// that is no copy.
package func wholeInstance(ofCopy name: String) -> String? {
  name.wholeMatch(of: /dims[0-9]+\.(.*)/).map { String($0.output.1) }
}

/// Widths with the weights of their losses; the first is the whole embedding.
package struct DimensionShares: Sendable, Equatable {
  /// The first so many numbers of an embedding, and the factor of the loss on them.
  package struct Share: Sendable, Equatable {
    /// At least 1.
    package let dimension: Int
    /// At least 0.
    package let weight: Double
  }

  /// From the widest to the narrowest; at least two.
  package let shares: [Share]

  /// Reads `384,256,128[:weight,weight,weight]`; without weights each loss counts once.
  package init(parsing text: String) throws(DimensionProblem) {
    let form = "two or more widths from the whole to the narrowest, 384,256,128, and a weight for each, :1,0.5,0.5"
    let sides = text.split(separator: ":", omittingEmptySubsequences: false)
    let widths = sides[0].split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    let weights =
      sides.count > 1 ? sides[1].split(separator: ",", omittingEmptySubsequences: false).map(Self.weight) : []
    let isFalling = zip(widths, widths.dropFirst()).allSatisfy { $0 > $1 }
    guard sides.count < 3, widths.count > 1, isFalling, widths.allSatisfy({ (1...1 << 20).contains($0) }),
      sides.count == 1 || weights.count == widths.count && weights.allSatisfy({ $0 >= 0 })
    else { throw DimensionProblem(expected: form, found: "'\(text)'") }
    guard weights.isEmpty || weights.contains(where: { $0 > 0 }) else {
      throw DimensionProblem(expected: "a weight above 0 for one of the widths", found: "'\(text)'")
    }
    shares = widths.enumerated().map { Share(dimension: $1, weight: weights.isEmpty ? 1 : weights[$0]) }
  }

  /// Negative where it is no finite number.
  private static func weight(_ text: Substring) -> Double {
    Double(text).flatMap { $0.isFinite ? $0 : nil } ?? -1
  }
}
