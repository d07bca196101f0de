// Seeded inputs, central differences in double, and error measures for the kernel tests.

import Kernels

/// Reproducible numbers in [-scale, scale).
func randomValues(_ count: Int, seed: UInt64, scale: Float = 1) -> [Float] {
  [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
    RandomStream(seed: seed, name: "tests").uniform(step: 0, offset: 0, into: .init(rebasing: buffer[0..<count]))
    for i in 0..<count { buffer[i] = (buffer[i] * 2 - 1) * scale }
    initialized = count
  }
}

func doubles(_ values: [Float]) -> [Double] { values.map(Double.init) }

/// The largest difference, relative to the largest expected magnitude (at least `floor`).
func relativeError(_ found: [Float], _ expected: [Double], floor: Double = 1e-6) -> Double {
  precondition(found.count == expected.count)
  let scale = max(expected.reduce(0) { max($0, abs($1)) }, floor)
  return zip(found, expected).reduce(0) { max($0, abs(Double($1.0) - $1.1)) } / scale
}

/// d f / d x by central differences in double.
func centralDifferences(_ x: [Double], step: Double = 1e-5, _ f: ([Double]) -> Double) -> [Double] {
  var x = x
  return x.indices.map { i in
    let before = x[i]
    x[i] = before + step
    let high = f(x)
    x[i] = before - step
    let low = f(x)
    x[i] = before
    return (high - low) / (2 * step)
  }
}

/// The sum of products.
func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
