// MixCSE written down plainly in double precision, with the mixtures as separate arguments: what is held fixed by the
// stop-gradient is fixed here, so central differences of this function are the gradients to expect.

import Glibc

/// The objective of `objectives.md`, section "MixCSE as the released code computes it", with its variants.
struct NaiveMixCSE {
  var temperature = 0.5
  var lambda = 0.2
  var hardWeight = 0.0
  var excludes = false
  var anchorOnly = false
  var normalizes = false
  var ownOnly = false

  typealias Vectors = [[Double]]

  static func unit(_ x: [Double]) -> [Double] {
    let norm = max(x.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-8)
    return x.map { $0 / norm }
  }

  func mixtures(_ z: Vectors) -> Vectors {
    let source = normalizes ? z.map(Self.unit) : z
    return source.indices.map { i in
      zip(source[i], source[(i + 1) % source.count]).map { lambda * $0 + (1 - lambda) * $1 }
    }
  }

  func loss(_ z1: Vectors, _ z2: Vectors, mixedPositives m: Vectors, mixedAnchors n: Vectors) -> Double {
    let count = z1.count
    func logit(_ a: [Double], _ b: [Double]) -> Double {
      zip(Self.unit(a), Self.unit(b)).reduce(0) { $0 + $1.0 * $1.1 } / temperature
    }
    func masked(_ value: Double, _ isMasked: Bool, _ isOwn: Bool) -> Double {
      let base = isMasked ? (excludes ? -Double.infinity : 0) : value
      return base + (isOwn ? hardWeight : 0)
    }
    var total = 0.0
    for i in 0..<count {
      var row = z2.map { logit(z1[i], $0) }
      for j in m.indices where !ownOnly || i == j {
        row.append(masked(logit(z1[i], m[j]), j == (i + count - 1) % count, i == j))
      }
      if !anchorOnly && !ownOnly {
        for j in n.indices { row.append(masked(logit(n[i], z2[j]), j == (i + 1) % count, i == j)) }
      }
      // log sum_j exp(s_j - s_i): the positive's own 1 stays out of the sum, so that small losses keep their digits.
      total += log1p(row.indices.filter { $0 != i }.reduce(0) { $0 + exp(row[$1] - row[i]) })
    }
    return total / Double(count)
  }

  /// Central differences with the mixtures held fixed.
  func gradients(_ z1: Vectors, _ z2: Vectors) -> (Vectors, Vectors) {
    gradients(z1, z2, mixedPositives: mixtures(z2), mixedAnchors: mixtures(z1))
  }

  /// The same without mixtures: InfoNCE.
  func plainGradients(_ z1: Vectors, _ z2: Vectors) -> (Vectors, Vectors) {
    gradients(z1, z2, mixedPositives: [], mixedAnchors: [])
  }

  private func gradients(
    _ z1: Vectors, _ z2: Vectors, mixedPositives m: Vectors, mixedAnchors n: Vectors
  ) -> (Vectors, Vectors) {
    func differences(_ z: Vectors, _ value: (Vectors) -> Double) -> Vectors {
      z.indices.map { i in
        z[i].indices.map { k in
          var (above, below) = (z, z)
          above[i][k] += 1e-6
          below[i][k] -= 1e-6
          return (value(above) - value(below)) / 2e-6
        }
      }
    }
    return (
      differences(z1) { loss($0, z2, mixedPositives: m, mixedAnchors: n) },
      differences(z2) { loss(z1, $0, mixedPositives: m, mixedAnchors: n) }
    )
  }
}
