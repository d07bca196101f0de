// The prediction head of masked language modelling on top of the encoder, forward and backward in one call.
// Used by training with --mlm; the exported model does not hold it.

import CKernels
import Glibc
package import Kernels

/// Guesses masked tokens from hidden states: dense, activation, LayerNorm, then a product with the word embeddings.
///
/// Source: Devlin et al., "BERT", 2019, section 3.1; tensor names as in the classes `...ForMaskedLM` of transformers.
/// The decoder shares the word embeddings' weights, as in all of them.
package final class MaskedLanguageHead {
  /// Dense weight and bias, LayerNorm weight and bias, the bias of every token, as far as the architecture has them.
  package var parameters: [Parameter] { tensors.parameters }
  /// Whether the checkpoint had the head; otherwise it starts from normal(0, 0.02).
  package var isPretrained: Bool { tensors.isPretrained }
  private let tensors: MaskedHeadParameters
  private let encoder: TransformerEncoder
  private var dense: Parameter { tensors.all[0] }
  private var denseBias: Parameter { tensors.all[1] }
  private var gamma: Parameter { tensors.all[2] }
  private var beta: Parameter { tensors.all[3] }
  private var tokenBias: Parameter { tensors.all[4] }
  /// Of the M masked positions: hidden states `[M, H]`; the dense map before and after the activation, normalised rows
  /// `[M, E]`, E the width of embeddings.
  private let states = ScratchBuffer(), before = ScratchBuffer(), after = ScratchBuffer()
  private let normalized = ScratchBuffer(), inverse = ScratchBuffer(), output = ScratchBuffer()
  private let gradient = ScratchBuffer()
  /// `[M, vocabulary]`: logits, then their gradient.
  private let logits = ScratchBuffer()

  /// The head of `encoder`; taken from `table` where all its tensors are there.
  /// - Throws: the table's error where a tensor of the head has another shape or type.
  package init(_ encoder: TransformerEncoder, weights table: (any WeightSource)?, seed: UInt64) throws {
    self.encoder = encoder
    tensors = try MaskedHeadParameters(encoder.configuration, weights: table, seed: seed)
  }

  /// The function behind the dense map.
  private var activation: ck_activation { encoder.configuration.maskedActivation.kernel }

  /// The mean cross-entropy of the tokens at `positions`; `scale` times its gradients are added to the parameters'
  /// (the word embeddings' among them) and written to `dHidden`.
  /// - Parameters:
  ///   - hidden: the last layer's states of all tokens, `[tokens, H]`; `dHidden`: like it, overwritten.
  ///   - positions: which tokens were masked; `labels`: what they were. At least one.
  package func train(
    hidden: Matrix, positions: [Int], labels: [Int32], scale: Double, dHidden: Matrix
  ) -> Double {
    precondition(!positions.isEmpty && labels.count == positions.count, "each masked position needs its label")
    for row in 0..<dHidden.rows { dHidden.row(row).update(repeating: 0, count: dHidden.columns) }
    encoder.weights.word.touched?.markAll()
    var sum = 0.0
    for start in stride(from: 0, to: positions.count, by: Self.positionsAtOnce) {
      let part = start..<min(start + Self.positionsAtOnce, positions.count)
      sum += train(
        hidden, Array(positions[part]), Array(labels[part]), factor: Float(scale / Double(positions.count)), dHidden)
    }
    return sum / Double(positions.count)
  }

  /// Positions whose scores of all words are there at a time.
  private static let positionsAtOnce = 512

  /// The same for some of the positions, with the gradients of `factor` times their summed loss.
  /// - Returns: the sum of their losses.
  private func train(
    _ hidden: Matrix, _ positions: [Int], _ labels: [Int32], factor: Float, _ dHidden: Matrix
  ) -> Double {
    let (count, h, words) = (positions.count, encoder.hiddenSize, encoder.configuration.vocabularySize)
    let (pool, e) = (encoder.pool, encoder.configuration.embeddingSize)
    forward(hidden, positions, count, h, e)
    let scores = logits.reserve(count * words)
    let word = encoder.weights.word
    gemm(
      pool, .no, .yes, m: count, n: words, k: e, alpha: 1, a: output.pointer, lda: e, b: word.value, ldb: e, beta: 0,
      c: scores, ldc: words, precision: encoder.precision)
    let loss = crossEntropy(scores, labels, words, factor: factor)
    let d = gradient.reserve(count * e)
    gemm(
      pool, .no, .no, m: count, n: e, k: words, alpha: 1, a: scores, lda: words, b: word.value, ldb: e, beta: 0, c: d,
      ldc: e, precision: encoder.precision)
    gemm(
      pool, .yes, .no, m: words, n: e, k: count, alpha: 1, a: scores, lda: words, b: output.pointer, ldb: e, beta: 1,
      c: word.gradient, ldc: e, precision: encoder.precision)
    ck_column_sums(Int64(count), Int64(words), scores, Int64(words), tokenBias.gradient)
    let dStates = backward(d, count, h, e)
    for (index, position) in positions.enumerated() { ck_add(Int64(h), dStates + index * h, dHidden.row(position)) }
    return loss
  }

  /// From the masked positions' states to the vectors that are compared with the word embeddings.
  private func forward(_ hidden: Matrix, _ positions: [Int], _ count: Int, _ h: Int, _ e: Int) {
    let states = states.reserve(count * h)
    for (index, position) in positions.enumerated() {
      (states + index * h).update(from: hidden.row(position), count: h)
    }
    let (before, after) = (before.reserve(count * e), after.reserve(count * e))
    gemm(
      encoder.pool, .no, .yes, m: count, n: e, k: h, alpha: 1, a: states, lda: h, b: dense.value, ldb: h, beta: 0,
      c: before, ldc: e, precision: encoder.precision)
    ck_bias_activation_forward(
      activation, Int64(count), Int64(e), denseBias.value, before, Int64(e), after, Int64(e))
    // The kernel normalises residual + out + bias: here the residual is all there is.
    let output = output.reserve(count * e)
    output.update(repeating: 0, count: count * e)
    let zeros = gradient.reserve(count * e)
    zeros.update(repeating: 0, count: e)
    ck_residual_norm_forward(
      rows(count, e), zeros, norm, noDropout, after, output, normalized.reserve(count * e), inverse.reserve(count),
      nil)
  }

  /// From the gradient of the compared vectors, which is overwritten, to that of the masked positions' states.
  private func backward(_ d: UnsafeMutablePointer<Float>, _ count: Int, _ h: Int, _ e: Int)
    -> UnsafeMutablePointer<Float>
  {
    ck_norm_backward(
      rows(count, e), gamma.value, noDropout, normalized.pointer, inverse.pointer, d, nil, nil, gamma.gradient,
      beta.gradient, nil)
    ck_activation_backward(
      activation, Int64(count), Int64(e), before.pointer, after.pointer, d, denseBias.gradient)
    gemm(
      encoder.pool, .yes, .no, m: e, n: h, k: count, alpha: 1, a: d, lda: e, b: states.pointer, ldb: h, beta: 1,
      c: dense.gradient, ldc: h, precision: encoder.precision)
    // The states are used up: their place takes their gradient.
    gemm(
      encoder.pool, .no, .no, m: count, n: h, k: e, alpha: 1, a: d, lda: e, b: dense.value, ldb: h, beta: 0,
      c: states.pointer, ldc: h, precision: encoder.precision)
    return states.pointer
  }

  /// Adds the bias to the logits, turns them into `factor` times the gradient of the summed loss.
  /// - Returns: the summed loss.
  private func crossEntropy(
    _ scores: UnsafeMutablePointer<Float>, _ labels: [Int32], _ words: Int, factor: Float
  ) -> Double {
    let bias = tokenBias.value
    let losses = FloatBuffer(count: labels.count)
    defer { withExtendedLifetime(losses) {} }
    encoder.pool.parallelFor(labels.count, grain: 8) { range, _ in
      for index in range {
        let row = scores + index * words
        ck_add(Int64(words), bias, row)
        let label = Int(labels[index])
        let score = row[label]
        var peak = -Float.infinity
        for word in 0..<words { peak = max(peak, row[word]) }
        ck_softmax_forward(1, Int64(words), row, Int64(words))
        // 1 - p of the label is the other words' sum: as a difference from 1 it would lose its digits where p is
        // close to 1. Elsewhere -log p = log sum exp(s - peak) - (s - peak), and the peak's p is 1 / that sum.
        var (others, largest) = (0.0, Float(0))
        for word in 0..<words {
          largest = max(largest, row[word])
          if word != label { others += Double(row[word]) }
        }
        losses.pointer[index] = others < 0.5 ? Float(-log1p(-others)) : peak - score - logf(largest)
        for word in 0..<words { row[word] *= factor }
        row[label] = -factor * Float(others)
      }
    }
    return (0..<labels.count).reduce(0.0) { $0 + Double(losses.pointer[$1]) }
  }

  private var norm: ck_norm {
    ck_norm(gamma: gamma.value, beta: beta.value, epsilon: encoder.configuration.layerNormEpsilon)
  }

  private var noDropout: ck_dropout { ck_dropout(key: 0, step: 0, rate: ck_rate(0), rates: nil, first: 0) }

  private func rows(_ count: Int, _ width: Int) -> ck_rows {
    ck_rows(first: 0, count: Int64(count), width: Int64(width), numbers: nil)
  }
}
