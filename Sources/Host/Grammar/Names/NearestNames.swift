// "Did you mean": the known names that a mistyped one resembles. Used by every message about an unknown name.

/// The names that resemble `name` most, best first, at most three; empty where nothing is near.
package func nearestNames(to name: String, among candidates: [String]) -> [String] {
  let typed = Array(name.lowercased().utf8)
  var ranked: [(distance: Int, name: String)] = []
  for candidate in Set(candidates) where !candidate.isEmpty {
    let known = Array(candidate.lowercased().utf8)
    let distance = editDistance(typed, known)
    let isPart = typed.count >= 3 && (candidate.lowercased().contains(name.lowercased()))
    // A third of the letters may be wrong; one always may.
    if distance <= max(1, min(typed.count, known.count) / 3) || isPart {
      ranked.append((distance, candidate))
    }
  }
  return ranked.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }.prefix(3).map(\.name)
}

/// `; did you mean 'a' or 'b'?`, or nothing where there is no near name.
package func didYouMean(_ names: [String]) -> String {
  names.isEmpty ? "" : "; did you mean " + names.map { "'\($0)'" }.joined(separator: " or ") + "?"
}

/// The number of letters to insert, delete, replace or swap with their neighbour (optimal string alignment).
func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
  // Names are short; beyond this length nothing is a slip of the finger any more.
  guard a.count <= 128, b.count <= 128 else { return max(a.count, b.count) }
  var beforeLast = [Int](repeating: 0, count: b.count + 1)
  var last = Array(0...b.count)
  for (i, x) in a.enumerated() {
    var current = [i + 1]
    for (j, y) in b.enumerated() {
      var best = min(last[j + 1] + 1, current[j] + 1, last[j] + (x == y ? 0 : 1))
      if i > 0, j > 0, x == b[j - 1], a[i - 1] == y { best = min(best, beforeLast[j - 1] + 1) }
      current.append(best)
    }
    beforeLast = last
    last = current
  }
  return last[b.count]
}
