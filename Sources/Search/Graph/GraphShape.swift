// How a graph of near neighbours is made. Given by the flags of `mixcse index`, recorded in the graph's file.
// Source: Malkov and Yashunin (2016): M and efConstruction.

/// The numbers that decide a graph beside its rows.
package struct GraphShape: Sendable, Equatable {
  /// What `links` may be.
  package static let linkRange = 2...256
  /// What `buildWidth` may be, and the width of a search.
  package static let widthRange = 1...65_536

  /// Links of a row on each level but the lowest, which has twice as many (M).
  package var links: Int
  /// How many of the nearest are looked at for each new row (efConstruction); at least `links`.
  package var buildWidth: Int

  /// Numbers that suit most embeddings.
  package static let usual = GraphShape(links: 16, buildWidth: 200)
  /// How many rows a search looks at where nobody says (ef).
  package static let usualWidth = 64

  /// A shape by its numbers.
  package init(links: Int, buildWidth: Int) { (self.links, self.buildWidth) = (links, buildWidth) }

  /// What is wrong with it: which number, and what it may be; nil where nothing is.
  package var problem: (isLinks: Bool, expected: String)? {
    guard Self.linkRange.contains(links) else {
      return (true, "\(Self.linkRange.lowerBound) to \(Self.linkRange.upperBound)")
    }
    guard buildWidth >= links, Self.widthRange.contains(buildWidth) else {
      return (false, "the number of links (\(links)) to \(Self.widthRange.upperBound)")
    }
    return nil
  }
}
