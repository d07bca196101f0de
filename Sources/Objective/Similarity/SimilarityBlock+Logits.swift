// Cells of a block: from similarity to logit and back, with the factors and offsets that samplers set.

import Host

extension SimilarityBlock {
  /// Writes the logits of one row; `target` is the row's start in the group's matrix.
  func writeLogits(row: Int, factor: Float, into target: UnsafeMutablePointer<Float>) {
    guard count > 0 else { return }
    let source = similarity.floats + row * similarity.rowStride
    let logits = target + start
    guard let gain, let bias else {
      for column in 0..<count { logits[column] = source[column] * factor }
      return
    }
    let gains = gain.floats + row * gain.rowStride
    let biases = bias.floats + row * bias.rowStride
    for column in 0..<count { logits[column] = gains[column] * source[column] * factor + biases[column] }
  }

  /// Adds one row of a loss's gradients; all pointers are to the row's start in the group's matrices.
  /// - Returns: the sum of dlogits * gain * similarity, times weight / temperature.
  func takeGradients(
    row: Int, weight: Float, factor: Float, dLogits: UnsafeMutablePointer<Float>,
    dSimilarity: UnsafeMutablePointer<Float>, similarity: UnsafeMutablePointer<Float>,
    into gradient: UnsafeMutablePointer<Float>
  ) -> Double {
    var sum = 0.0
    guard let gain, let bias else {
      for column in start..<(start + count) {
        let scaled = factor * dLogits[column]
        sum += Double(scaled) * Double(similarity[column])
        gradient[column] += scaled + weight * dSimilarity[column]
      }
      return sum
    }
    let gains = gain.floats + row * gain.rowStride
    let biases = bias.floats + row * bias.rowStride
    for index in 0..<count {
      let column = start + index
      // An excluded cell takes part in nothing, whatever a loss writes there.
      if biases[index] == -.infinity { continue }
      let scaled = factor * dLogits[column] * gains[index]
      sum += Double(scaled) * Double(similarity[column])
      gradient[column] += scaled + weight * dSimilarity[column]
    }
    return sum
  }

  /// Masked: multiplied by 0, so that the logit is the bias. Excluded: with a bias of -infinity, out of everything.
  enum CellState { case compared, masked, excluded }

  /// How a cell takes part.
  func state(row: Int, column: Int) -> CellState {
    guard let gain, let bias else { return .compared }
    if bias.floats[row * bias.rowStride + column] == -.infinity { return .excluded }
    return gain.floats[row * gain.rowStride + column] == 0 ? .masked : .compared
  }

  /// What is wrong with the edits, or nil: gains are finite, offsets finite or -infinity, positives not excluded.
  func editProblem(rows n: Int, label: String) -> String? {
    guard let gain, let bias else { return nil }
    for row in 0..<n {
      let gains = gain.floats + row * gain.rowStride
      let biases = bias.floats + row * bias.rowStride
      var isBad = false
      for column in 0..<fullCount {
        if !gains[column].isFinite { isBad = true }
        if !(biases[column] < .infinity) { isBad = true }
      }
      if isBad {
        return "it left a gain or bias of block \(label), row \(row), that is not a number (bias may be -infinity)"
      }
      if planned.isBase, biases[row] == -.infinity {
        return "it excluded the positive of row \(row) in block \(label); a row needs its positive"
      }
    }
    return nil
  }
}
