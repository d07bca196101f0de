// The AdamW update, the gradient norm and the finite check, split over the pool at fixed borders.
// Called by the training loop once per step and parameter.

import CKernels

/// Elements per chunk: fixed, so that sums are added in the same order for every thread count.
private let grain = 1 << 15

/// Moves `parameter` by one AdamW step in place.
///
/// With g the gradient times `gradientScale` and lr the `learningRate` times the parameter's multiplier:
/// value *= 1 - lr * weightDecay (only where the parameter decays); m = beta1 m + (1 - beta1) g;
/// v = beta2 v + (1 - beta2) g^2; value -= lr / (1 - beta1^step) * m / (sqrt(v / (1 - beta2^step)) + epsilon).
/// `m` and `v` hold `parameter.count` elements; `step` counts from 1.
/// Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, algorithm 2.
package func adamwStep(
  _ pool: ThreadPool, _ parameter: Parameter, m: UnsafeMutablePointer<Float>, v: UnsafeMutablePointer<Float>,
  learningRate: Float, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, weightDecay: Float = 0,
  step: Int, gradientScale: Float = 1
) {
  precondition(step >= 1, "AdamW counts steps from 1, not \(step)")
  let rate = Double(learningRate) * Double(parameter.learningRateMultiplier)
  let settings = ck_adamw(
    learning_rate: Float(rate / (1 - power(Double(beta1), step))),
    decay: parameter.decays ? Float(1 - rate * Double(weightDecay)) : 1,
    beta1: beta1, beta2: beta2, epsilon: epsilon,
    inverse_root_bias2: Float(1 / (1 - power(Double(beta2), step)).squareRoot()), gradient_scale: gradientScale)
  pool.parallelFor(parameter.count, grain: grain) { range, _ in
    let at = range.lowerBound
    ck_adamw_step(Int64(range.count), settings, parameter.value + at, parameter.gradient + at, m + at, v + at)
  }
}

/// The sum of squares of `count` values, added in double in an order that depends on `count` only.
package func squaredNorm(_ pool: ThreadPool, _ values: UnsafePointer<Float>, _ count: Int) -> Double {
  let chunks = (count + grain - 1) / grain
  return withUnsafeTemporaryAllocation(of: Double.self, capacity: max(chunks, 1)) { sums in
    sums.initialize(repeating: 0)
    nonisolated(unsafe) let sums = sums
    pool.parallelFor(count, grain: grain) { range, _ in
      sums[range.lowerBound / grain] = ck_squared_norm(Int64(range.count), values + range.lowerBound)
    }
    return sums.reduce(0, +)
  }
}

/// Whether none of `count` values is infinite or NaN.
package func allFinite(_ pool: ThreadPool, _ values: UnsafePointer<Float>, _ count: Int) -> Bool {
  let chunks = (count + grain - 1) / grain
  return withUnsafeTemporaryAllocation(of: Bool.self, capacity: max(chunks, 1)) { flags in
    flags.initialize(repeating: true)
    pool.parallelFor(count, grain: grain) { range, _ in
      flags[range.lowerBound / grain] = ck_all_finite(Int64(range.count), values + range.lowerBound) == 1
    }
    return flags.allSatisfy { $0 }
  }
}

private func power(_ base: Double, _ exponent: Int) -> Double {
  var result = 1.0
  var square = base
  var rest = exponent
  while rest > 0 {
    if rest & 1 == 1 { result *= square }
    square *= square
    rest >>= 1
  }
  return result
}
