// Cells of a block: from similarity to logit and back, with the factors and offsets that samplers set.

import CKernels
import Host
import Kernels

extension SimilarityBlock {
  /// The cells of a row, in stretches with the same pointers to factors and offsets; nil where these are 1 and 0.
  private func forEachStretch(
    _ row: Int, _ body: (_ cells: Range<Int>, _ gain: UnsafePointer<Float>?, _ bias: UnsafePointer<Float>?) -> Void
  ) {
    guard count > 0 else { return }
    guard let edits else { return body(0..<count, nil, nil) }
    let gains = edits.gain.floats + row * edits.gain.rowStride
    let biases = edits.bias.floats + row * edits.bias.rowStride
    edits.forEachStretch(row, upTo: count) { cells, isEdited in
      let (gain, bias) = (UnsafePointer(gains + cells.lowerBound), UnsafePointer(biases + cells.lowerBound))
      body(cells, isEdited ? gain : nil, isEdited ? bias : nil)
    }
  }

  /// Writes the logits of one row; `target` is the row's start in the group's matrix.
  func writeLogits(row: Int, factor: Float, into target: UnsafeMutablePointer<Float>) {
    let source = similarity.floats + row * similarity.rowStride
    forEachStretch(row) { cells, gain, bias in
      ck_cells_logits(
        Int64(cells.count), factor, source + cells.lowerBound, gain, bias, target + start + cells.lowerBound)
    }
  }

  /// Adds the logits of one row to `sums`, positives apart; `logits` is the row's start in the group's matrix.
  func addLogits(row: Int, isFirst: Bool, logits: UnsafePointer<Float>, to sums: inout BlockSums) {
    var total = ck_cells_total()
    forEachStretch(row) { cells, gain, bias in
      ck_cells_add(Int64(cells.count), logits + start + cells.lowerBound, gain, bias, &total)
    }
    if isFirst, row < count {
      let positive = Double(logits[start + row])
      sums.positiveCount += 1
      sums.positiveLogits += positive
      if state(row: row, column: row) == .compared {
        total.sum -= positive
        total.count -= 1
      }
    }
    sums.count += Int(total.count)
    sums.logits += total.sum
  }

  /// Takes one row of a loss's gradients; all pointers are to the row's start in the group's matrices.
  /// - Parameter dSimilarity: nil where the loss wrote none.
  func takeGradients(
    row: Int, _ take: ck_cells_take, dLogits: UnsafePointer<Float>, dSimilarity: UnsafePointer<Float>?,
    into gradient: UnsafeMutablePointer<Float>
  ) {
    forEachStretch(row) { cells, gain, bias in
      let first = start + cells.lowerBound
      ck_cells_gradient(
        Int64(cells.count), take, dLogits + first, dSimilarity.map { $0 + first }, gain, bias, gradient + first)
    }
  }

  /// The sum of factor * dlogits * gain * similarity over one row.
  func slope(
    row: Int, factor: Float, dLogits: UnsafePointer<Float>, similarity: UnsafePointer<Float>
  ) -> Double {
    var sum = 0.0
    forEachStretch(row) { cells, gain, bias in
      let first = start + cells.lowerBound
      sum += ck_cells_slope(Int64(cells.count), factor, dLogits + first, similarity + first, gain, bias)
    }
    return sum
  }

  /// Masked: multiplied by 0, so that the logit is the bias. Excluded: with a bias of -infinity, out of everything.
  enum CellState { case compared, masked, excluded }

  /// How a cell takes part.
  func state(row: Int, column: Int) -> CellState {
    guard let edits else { return .compared }
    if edits.bias.floats[row * edits.bias.rowStride + column] == -.infinity { return .excluded }
    return edits.gain.floats[row * edits.gain.rowStride + column] == 0 ? .masked : .compared
  }

  /// What is wrong with the edits, or nil: gains are finite, offsets finite or -infinity, positives not excluded.
  func editProblem(rows n: Int, label: String, _ pool: ThreadPool) -> String? {
    guard let edits else { return nil }
    if let row = edits.review(pool) {
      return "it left a gain or bias of block \(label), row \(row), that is not a number (bias may be -infinity)"
    }
    guard planned.isBase, let row = (0..<n).first(where: { state(row: $0, column: $0) == .excluded }) else {
      return nil
    }
    return "it excluded the positive of row \(row) in block \(label); a row needs its positive"
  }
}
