// The logits that a loss scores, and where it puts their gradients.

import Glibc
import PluginAPI

/// One group of rows with everything each is compared with, as a loss sees it.
public struct Logits {
  /// The host's own structure.
  public let raw: UnsafePointer<cse_logits>

  /// The number of rows.
  public var rows: Int { Int(raw.pointee.rows) }
  /// The number of candidates of a row, over all blocks.
  public var columns: Int { Int(raw.pointee.cols) }
  /// The temperature the logits were divided by.
  public var temperature: Double { raw.pointee.temperature }
  /// gain * similarity / temperature + bias; excluded cells are -infinity: `[rows, columns]`.
  public var values: Matrix { Matrix(raw.pointee.logits) }
  /// The plain similarities: `[rows, columns]`.
  public var similarities: Matrix { Matrix(raw.pointee.sim) }
  /// The column of the row's positive.
  public func target(_ row: Int) -> Int { Int(raw.pointee.target[row]) }
  /// The rows' batch: ids, scores and classes, and their embeddings without gradients.
  /// - Throws: where the host is older than this field.
  public func batch() throws -> Batch {
    guard raw.pointee.struct_size >= MemoryLayout<cse_logits>.size, let batch = raw.pointee.batch else {
      throw PluginError.unsupported("this host does not show the batch to losses on logits")
    }
    return Batch(raw: batch)
  }

  /// For each column the row of the batch whose text it stands for: of anchors and positives; nil for hard negatives
  /// and for what samplers made or kept.
  public var rowsOfColumns: [Int?] {
    (0..<Int(raw.pointee.n_blocks)).flatMap { b -> [Int?] in
      let columns = Int(raw.pointee.block_start[b])..<Int(raw.pointee.block_start[b + 1])
      let isText = raw.pointee.blocks[b].map { $0.pointee.cols < Int32(CSE_HARD) } ?? false
      return columns.map { isText ? $0 - columns.lowerBound : nil }
    }
  }

  /// Where the gradient with respect to the logits is added; nil where none is wanted.
  public var gradient: Matrix? { raw.pointee.dlogits.map { Matrix($0) } }
  /// Where the gradient with respect to the similarities is added; nil where none is wanted.
  public var similarityGradient: Matrix? { raw.pointee.dsim.map { Matrix($0) } }

  /// Adds to the gradient with respect to the temperature what the logits' gradient does not say: of margins that are
  /// divided by it, of gradients that go to the similarities. A loss that calls it has to do so for all of that.
  public func addTemperatureGradient(_ value: Double) {
    let end = MemoryLayout<cse_logits>.offset(of: \.batch) ?? 0
    guard Int(raw.pointee.struct_size) >= end, let slope = raw.pointee.dtemperature else { return }
    slope.pointee = (slope.pointee.isNaN ? 0 : slope.pointee) + value
  }

  /// Reports the loss of one row, for a loss that is a mean over rows.
  public func report(row: Int, loss: Double) {
    raw.pointee.row_loss?[row] = loss
  }

  // MARK: Row by row

  /// The mean of a loss over the rows, each reported; rows may be scored by several threads at once.
  /// - Parameter body: the loss of a row; it adds its gradient times `weight` to what it is given, and writes nowhere
  ///   else but to the row's own.
  public func meanOverRows(
    _ call: Call, _ body: (_ row: Int, _ weight: Double, _ gradient: Vector?) -> Double
  ) throws -> Double {
    try sumsOverRows(call) { row, weight, gradient in SIMD4(body(row, weight, gradient), 0, 0, 0) }[0]
  }

  /// The same for a loss that adds up more than its value: the first number is the loss, whose mean comes back, the
  /// others come back as sums.
  public func sumsOverRows(
    _ call: Call, _ body: (_ row: Int, _ weight: Double, _ gradient: Vector?) -> SIMD4<Double>
  ) throws -> SIMD4<Double> {
    let (rows, gradient, weight) = (self.rows, self.gradient, 1 / Double(self.rows))
    // Parts of fixed size, added in order: the same bits for every number of threads.
    let grain = max(8, (rows + Self.mostParts - 1) / Self.mostParts)
    var total = try withUnsafeTemporaryAllocation(of: SIMD4<Double>.self, capacity: Self.mostParts) { parts in
      nonisolated(unsafe) let parts = parts
      parts.initialize(repeating: .zero)
      try call.parallelFor(rows, grain: grain) { range in
        for row in range {
          let score = body(row, weight, gradient?[row])
          report(row: row, loss: score[0])
          parts[range.lowerBound / grain] += score
        }
      }
      return parts.reduce(SIMD4<Double>.zero, +)
    }
    total[0] *= weight
    return total
  }

  private static let mostParts = 32

  /// `logsumexp_j l_j - l_t` of a row, `t` its positive: softmax cross-entropy. Adds `weight` times its gradient.
  ///
  /// `p_t - 1`, the positive's gradient, is formed as `-(sum of the others' exp) / total`, and the loss as `log1p` of
  /// that sum where the positive is the largest: neither is a small difference of numbers close to 1, so both keep
  /// their digits however small the loss gets.
  public func crossEntropy(row index: Int, _ gradient: Vector?, weight: Double) -> Double {
    let (row, target) = (values[index], target(index))
    let (before, after) = (0..<target, target + 1..<row.count)
    let peak = row.largest
    let rest = row.sumOfExponentials(before, less: peak) + row.sumOfExponentials(after, less: peak)
    let positive = exp(Double(row[target]) - Double(peak))
    let factor = weight / (rest + positive)
    if let gradient {
      gradient.addExponentials(of: row, before, less: peak, times: Float(factor))
      gradient.addExponentials(of: row, after, less: peak, times: Float(factor))
      gradient[target] -= Float(factor * rest)
    }
    return row[target] == peak ? log1p(rest) : log(rest + positive) + Double(peak) - Double(row[target])
  }
}
