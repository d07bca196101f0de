// A batch of vectors turned round, so that each dimension's numbers lie side by side, in double precision; products
// over pairs of dimensions, and the gradient back. Used by the losses on correlations of dimensions.

import PluginKit

/// `[width, rows]`: dimension `k` of every row in turn.
struct DimensionMajor: @unchecked Sendable {
  let rows: Int
  let width: Int
  private let memory: UnsafeMutablePointer<Double>

  /// Memory that `free` gives back.
  init(rows: Int, width: Int) {
    (self.rows, self.width) = (rows, width)
    memory = .allocate(capacity: max(1, rows * width))
    memory.initialize(repeating: 0, count: max(1, rows * width))
  }

  func free() { memory.deallocate() }

  /// Dimension `k`.
  subscript(k: Int) -> UnsafeMutableBufferPointer<Double> {
    UnsafeMutableBufferPointer(start: memory + k * rows, count: rows)
  }

  /// Fills it with `z` less the mean of each dimension.
  func setCentred(_ z: Matrix) {
    for k in 0..<width {
      var mean = 0.0
      for row in 0..<rows { mean += Double(z[row, k]) }
      mean /= Double(rows)
      for row in 0..<rows { self[k][row] = Double(z[row, k]) - mean }
    }
  }

  /// Fills it with `(z - mean) / sqrt(variance + 0.00001)` of each dimension, mean and variance (n) over the batch.
  /// - Returns: what each dimension was multiplied by.
  func setStandardised(_ z: Matrix) -> [Double] {
    setCentred(z)
    return (0..<width).map { k in
      let scale = 1 / (dot(k, self, k) / Double(rows) + 1e-5).squareRoot()
      for row in 0..<rows { self[k][row] *= scale }
      return scale
    }
  }

  /// Adds the gradient with respect to `z`, given that with respect to what `setStandardised` made of it.
  func addGradient(_ dy: DimensionMajor, scales: [Double], to gradient: Matrix) {
    let count = Double(rows)
    for k in 0..<width {
      let mean = dy[k].reduce(0, +) / count
      let slope = dy.dot(k, self, k) / count
      for row in 0..<rows { gradient[row, k] += Float((dy[k][row] - mean - self[k][row] * slope) * scales[k]) }
    }
  }

  /// The sum over rows of the product of dimension `k` and dimension `l` of another batch.
  func dot(_ k: Int, _ other: DimensionMajor, _ l: Int) -> Double {
    let (first, second) = (memory + k * rows, other.memory + l * rows)
    var lanes = SIMD8<Double>.zero
    var row = 0
    while row + 8 <= rows {
      let a = UnsafeRawPointer(first + row).loadUnaligned(as: SIMD8<Double>.self)
      let b = UnsafeRawPointer(second + row).loadUnaligned(as: SIMD8<Double>.self)
      lanes += a * b
      row += 8
    }
    var sum = lanes.sum()
    while row < rows {
      sum += first[row] * second[row]
      row += 1
    }
    return sum
  }

  /// Adds `factor` times dimension `l` of another batch to dimension `k`.
  func add(to k: Int, _ other: DimensionMajor, _ l: Int, times factor: Double) {
    let (target, source) = (self[k], other[l])
    for row in 0..<rows { target[row] += factor * source[row] }
  }
}

extension Batch {
  /// The sum over dimensions `k` of a loss on `C_kl`, `l` running, `C = y1^T y2 / N` the correlations of the views'
  /// dimensions over the batch, `y` standardised; adds its gradient to those of the views.
  ///
  /// - Parameter body: the loss of row `k`; it gets `C_kl` and leaves the gradient at `C_kl` in its place. Called on
  ///   several threads.
  func sumOverCorrelations(
    _ call: Call, _ body: (_ k: Int, _ row: UnsafeMutableBufferPointer<Double>) -> Double
  ) throws -> Double {
    // Both views standardised, and the gradients with respect to that.
    let memory = (0..<4).map { _ in DimensionMajor(rows: rows, width: width) }
    let losses = DimensionMajor(rows: 1, width: width)
    let slopes = DimensionMajor(rows: width, width: width)
    defer { for one in memory + [losses, slopes] { one.free() } }
    let scales = try (0...1).map { memory[$0].setStandardised(try view($0)) }
    let (first, second, count) = (memory[0], memory[1], Double(rows))
    let wantsGradient = viewGradient(0) != nil
    try call.parallelFor(width, grain: 8) { range in
      for k in range {
        let row = slopes[k]
        for l in 0..<width { row[l] = first.dot(k, second, l) / count }
        losses[k][0] = body(k, row)
        if wantsGradient { for l in 0..<width { memory[2].add(to: k, second, l, times: row[l] / count) } }
      }
    }
    if wantsGradient {
      try call.parallelFor(width, grain: 8) { range in
        for l in range { for k in 0..<width { memory[3].add(to: l, first, k, times: slopes[k][l] / count) } }
      }
      for index in 0...1 {
        guard let gradient = viewGradient(index) else { continue }
        memory[index].addGradient(memory[2 + index], scales: scales[index], to: gradient)
      }
    }
    return (0..<width).reduce(0) { $0 + losses[$1][0] }
  }
}
