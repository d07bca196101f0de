// What a forward pass writes and a backward pass reads. All of it grows to the largest batch and stays.
// Letters: T tokens, R rows computed (T, or one per sequence in the last layer), H hidden, I intermediate, W the rows
// of the first feed-forward map (I, or 2I where units are gated).

import CKernels
import Kernels

/// What one transformer layer keeps for backward. A pass that keeps nothing uses those of the first layer for all.
final class LayerActivations {
  /// Queries, keys, values side by side `[T, 3H]`; after attention those that stand for places are turned.
  let projected = ScratchBuffer()
  // Where only first tokens are computed, instead: their queries `[R, H]`; with A heads, what each asks the input's
  // rows and finds there `[R, A, H]`, and the sums of its probabilities `[R, A]`.
  let queries = ScratchBuffer()
  let asked = ScratchBuffer()
  let found = ScratchBuffer()
  let sums = ScratchBuffer()
  /// Attention's result before its output projection `[R, H]`.
  let context = ScratchBuffer()
  let attentionNorm = NormActivations()
  /// The input of the activation function, behind it that of the gates `[R, W]`.
  let intermediate = ScratchBuffer()
  let outputNorm = NormActivations()
}

/// What LayerNorm keeps: normalised rows `[R, H]` and 1 / deviation `[R]`.
final class NormActivations {
  let normalized = ScratchBuffer()
  let inverse = ScratchBuffer()

  func reserve(rows: Int, width: Int) {
    normalized.reserve(rows * width)
    inverse.reserve(rows)
  }
}

/// Buffers that every layer uses in turn.
final class EncoderScratch {
  /// The hidden states on their way up, two in turn `[T, H]`.
  let stream = [ScratchBuffer(), ScratchBuffer()]
  /// Where norms are of inputs, the sums that residual connections add to, two in turn `[T, H]`.
  let sums = [ScratchBuffer(), ScratchBuffer()]
  /// Embeddings, where tokens share them, one row for each that is computed.
  let embedded = ScratchBuffer()
  /// Embeddings of another width than hidden states, and later their gradients.
  let narrow = ScratchBuffer()
  /// What every token's embedding has added, where that is not one row of one table.
  let commonRow = ScratchBuffer()
  /// The first rows of a layer's input `[R, H]`.
  let firstRows = ScratchBuffer()
  /// One share per thread.
  let perWorker = ScratchBuffer()
  /// Weights of the layer at hand, packed for products: of attention's output, of both feed-forward maps, of gates.
  let packed = [ScratchBuffer(), ScratchBuffer(), ScratchBuffer(), ScratchBuffer()]
  let attention = ScratchBuffer()
  /// Hidden states handed to the caller.
  var outputs: [ScratchBuffer] = []

  // Backward: gradients of the stream (two in turn), of both branches, of attention, of the feed-forward input.
  let gradient = [ScratchBuffer(), ScratchBuffer()]
  /// That of the sums, where norms are of inputs, two in turn.
  let sumGradient = [ScratchBuffer(), ScratchBuffer()]
  let outputBranch = ScratchBuffer()
  let attentionBranch = ScratchBuffer()
  let intermediateGradient = ScratchBuffer()
  let contextGradient = ScratchBuffer()
  let projectedGradient = ScratchBuffer()
  let queryGradient = ScratchBuffer()
  let askedGradient = ScratchBuffer()
  let foundGradient = ScratchBuffer()
  let sumsGradient = ScratchBuffer()
  /// The input of a layer of which only first tokens are computed, made again from its normalised rows.
  let layerInput = ScratchBuffer()
  /// What weight gradients are products with, packed: inputs of maps in turn, and the activations' output.
  let packedState = ScratchBuffer()
  let packedActivation = ScratchBuffer()
  /// Column sums of each tile of rows.
  let partial = ScratchBuffer()
}

/// A hidden state on its way up `[T, H]`, or `[R, H]`.
struct StreamState {
  /// What the next layer's maps read.
  var state: UnsafeMutablePointer<Float>
  /// What the next residual connection adds to: the same memory but where norms are of inputs.
  var sum: UnsafeMutablePointer<Float>
}

/// Its gradient on the way down.
struct StreamGradient {
  var state: UnsafeMutablePointer<Float>
  /// That of the sum, where it is not the same memory.
  var sum: UnsafeMutablePointer<Float>?

  /// Where what comes through the residual connection goes.
  var residual: UnsafeMutablePointer<Float> { sum ?? state }
}

/// The batch of a pass, where its rows lie, and which masks it uses.
struct EncoderPass {
  var offsets: [Int]
  var request: LayerRequest
  var keepsActivations: Bool
  var step: UInt64
  var hiddenDropout: Float
  var attentionDropout: Float
  /// Where sequences have rates of their own.
  var rates: SequenceRates?
  /// What masks count the tokens of this pass from.
  let firstToken: UInt32
  /// How many embeddings are computed.
  var embedded = 0

  var sequences: Int { offsets.count - 1 }
  var tokens: Int { offsets.last ?? 0 }
  /// The highest hidden state that is read.
  var top: Int { request.layers.max() ?? 0 }
  /// The longest sequence.
  var longest: Int { zip(offsets, offsets.dropFirst()).reduce(0) { max($0, $1.1 - $1.0) } }

  init(_ batch: PackedBatch, _ request: LayerRequest, _ mode: EncoderMode) {
    offsets = batch.offsets
    firstToken = UInt32(truncatingIfNeeded: batch.firstToken)
    self.request = request
    switch mode {
    case .inference:
      (keepsActivations, step, hiddenDropout, attentionDropout) = (false, 0, 0, 0)
    case .training(let step, let hiddenDropout, let attentionDropout):
      keepsActivations = true
      (self.step, self.hiddenDropout, self.attentionDropout) = (step, hiddenDropout, attentionDropout)
    case .reading(let step, let hiddenDropout, let attentionDropout):
      keepsActivations = false
      (self.step, self.hiddenDropout, self.attentionDropout) = (step, hiddenDropout, attentionDropout)
    }
    guard case .inference = mode else {
      rates = batch.dropout.map {
        SequenceRates($0, offsets: batch.offsets, hidden: hiddenDropout, attention: attentionDropout)
      }
      return
    }
  }

  /// Whether any element is dropped.
  var drops: Bool { hiddenDropout > 0 || attentionDropout > 0 || rates != nil }

  /// Whether the same token at the same place of several sequences is embedded once: without dropout it is the same,
  /// and so are the queries, keys and values that the first layer makes of it.
  var sharesEmbeddings: Bool { !keepsActivations && !drops && sequences > 1 && top > 0 && !isFirstTokenOnly(1) }

  /// Whether transformer layer `layer` (from 1) has one row of queries, keys and values for each embedding, not each
  /// token.
  func sharesProjections(_ layer: Int) -> Bool { layer == 1 && sharesEmbeddings }

  /// Whether transformer layer `layer` (from 1) is computed for first tokens only.
  func isFirstTokenOnly(_ layer: Int) -> Bool { request.firstTokenOnly && layer == top }

  /// The rows that layer computes.
  func rows(_ layer: Int) -> Int { isFirstTokenOnly(layer) ? sequences : tokens }
}
