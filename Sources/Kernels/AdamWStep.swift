// The AdamW update and the gradient norm, split over the pool at fixed borders.
// Called by the training loop once per step and parameter.

import CKernels

/// Elements per chunk: fixed, so that sums are added in the same order for every thread count.
private let grain = GradientChunks.size
/// Rows per chunk of a table whose rows are marked.
private let rowGrain = 64

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
  let settings = ck_adamw(
    parameter, learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay,
    step: step, gradientScale: gradientScale)
  // A value that decays moves without a gradient, too.
  let movesAll = parameter.decays && weightDecay != 0
  let isSparse = parameter.touched != nil
  parameter.forEachPart(pool, all: movesAll) { at, count in
    if isSparse {
      ck_claim(m + at, count * MemoryLayout<Float>.stride)
      ck_claim(v + at, count * MemoryLayout<Float>.stride)
    }
    ck_adamw_step(Int64(count), settings, parameter.value + at, parameter.gradient + at, m + at, v + at)
  }
}

/// The same for some elements of a parameter: whole chunks of it (`GradientChunks`). `m` and `v` begin with the first
/// of them.
package func adamwStep(
  _ pool: ThreadPool, _ parameter: Parameter, part: Range<Int>, m: UnsafeMutablePointer<Float>,
  v: UnsafeMutablePointer<Float>, learningRate: Float, weightDecay: Float, step: Int, gradientScale: Float
) {
  let settings = ck_adamw(
    parameter, learningRate: learningRate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: weightDecay,
    step: step, gradientScale: gradientScale)
  pool.parallelFor(part.count, grain: grain) { range, _ in
    let at = part.lowerBound + range.lowerBound
    ck_adamw_step(
      Int64(range.count), settings, parameter.value + at, parameter.gradient + at, m + range.lowerBound,
      v + range.lowerBound)
  }
}

extension ck_adamw {
  fileprivate init(
    _ parameter: Parameter, learningRate: Float, beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float,
    step: Int, gradientScale: Float
  ) {
    precondition(step >= 1, "AdamW counts steps from 1, not \(step)")
    let rate = Double(learningRate) * Double(parameter.learningRateMultiplier)
    self.init(
      learning_rate: Float(rate / (1 - power(Double(beta1), step))),
      decay: parameter.decays ? Float(1 - rate * Double(weightDecay)) : 1,
      beta1: beta1, beta2: beta2, epsilon: epsilon,
      inverse_root_bias2: Float(1 / (1 - power(Double(beta2), step)).squareRoot()), gradient_scale: gradientScale)
  }
}

/// How a tensor is cut where its gradient is added up and moved: the same for every number of threads and ranks.
package enum GradientChunks {
  /// Elements of a chunk; the last of a tensor may have fewer.
  package static let size = 1 << 15

  /// The chunks of a tensor with `count` elements, in order.
  package static func ranges(_ count: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
  }
}

/// The sum of squares of each chunk of `count` values; those of all chunks, added in order, are `squaredNorm`.
/// - Returns: how many chunks there are.
package func squaredNorms(
  _ pool: ThreadPool, _ values: UnsafePointer<Float>, _ count: Int, into sums: UnsafeMutablePointer<Double>
) -> Int {
  let chunks = (count + grain - 1) / grain
  pool.parallelFor(chunks, grain: 1) { range, _ in
    for chunk in range { sums[chunk] = squaredNorm(ofChunk: chunk, values, count) }
  }
  return chunks
}

private func squaredNorm(ofChunk chunk: Int, _ values: UnsafePointer<Float>, _ count: Int) -> Double {
  ck_squared_norm(Int64(min(grain, count - chunk * grain)), values + chunk * grain)
}

/// The sum of squares of `count` values, added in double in an order that depends on `count` only.
package func squaredNorm(_ pool: ThreadPool, _ values: UnsafePointer<Float>, _ count: Int) -> Double {
  sum(pool, chunks: (count + grain - 1) / grain) { squaredNorm(ofChunk: $0, values, count) }
}

/// The sum of squares of a parameter's gradient. Rows that were never touched add exactly nothing, so that it does not
/// depend on which are marked.
package func squaredGradientNorm(_ pool: ThreadPool, _ parameter: Parameter) -> Double {
  guard let touched = parameter.touched else { return squaredNorm(pool, parameter.gradient, parameter.count) }
  return sum(pool, chunks: (touched.rows + rowGrain - 1) / rowGrain) { chunk in
    var sum = 0.0
    touched.forEachRun(in: chunk * rowGrain..<min((chunk + 1) * rowGrain, touched.rows)) { rows in
      for row in rows { sum += ck_squared_norm(Int64(touched.width), parameter.gradient + row * touched.width) }
    }
    return sum
  }
}

/// The sum of what each chunk adds up to, in the order of the chunks.
private func sum(_ pool: ThreadPool, chunks: Int, _ part: (_ chunk: Int) -> Double) -> Double {
  var result = 0.0
  pool.withPackingBuffer { buffer in
    let sums = UnsafeMutableRawPointer(buffer.reserve(2 * chunks)).bindMemory(to: Double.self, capacity: chunks)
    pool.parallelFor(chunks, grain: 1) { range, _ in
      for chunk in range { sums[chunk] = part(chunk) }
    }
    for chunk in 0..<chunks { result += sums[chunk] }
  }
  return result
}

extension Parameter {
  /// Calls `body` with the start and length of parts that cover the tensor, spread over the pool: all of it, or without
  /// the rows that never had a gradient.
  func forEachPart(_ pool: ThreadPool, all: Bool, _ body: (_ at: Int, _ count: Int) -> Void) {
    guard let touched, !all else {
      return pool.parallelFor(count, grain: grain) { range, _ in body(range.lowerBound, range.count) }
    }
    pool.parallelFor(touched.rows, grain: rowGrain) { range, _ in
      touched.forEachRun(in: range) { body($0.lowerBound * touched.width, $0.count * touched.width) }
    }
  }

  /// Sets the gradient to zero; rows that were never touched are.
  package func clearGradient(_ pool: ThreadPool) {
    forEachPart(pool, all: false) { at, count in (gradient + at).update(repeating: 0, count: count) }
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
