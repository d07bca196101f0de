// The backward pass, layer by layer from the top: first everything that works row by row, tile by tile, then the
// weight gradients over all rows, then attention. Letters: T tokens, R rows computed, H hidden, I intermediate.
//
// A layer is, with f dropout factors:  u = LN1(x + f1 (c Wo^T + bo)),  out = LN2(u + f2 (g(u W1^T + b1) W2^T + b2)).
// Linear maps y = x W^T + b give  dx = dy W,  dW = dy^T x,  db = column sums of dy;  a residual adds its gradient.

import CKernels
package import Kernels

extension TransformerEncoder {
  /// Adds to the parameters' gradients what those of the last training pass's hidden states cause.
  /// - Parameter gradients: one for each layer of that pass's request, in its order and shape; read only.
  package func backward(_ gradients: [Matrix]) throws {
    guard let pass else { preconditionFailure("backward needs a forward in training mode, once for each") }
    precondition(gradients.count == pass.request.layers.count, "one gradient for each requested layer")
    self.pass = nil  // the activations are used up
    guard pass.sequences > 0 else { return }
    var d = scratch.gradient[pass.top % 2].reserve(pass.tokens * hiddenSize)
    d.update(repeating: 0, count: (pass.top == 0 ? pass.tokens : pass.rows(pass.top)) * hiddenSize)
    add(gradients, layer: pass.top, to: d, pass)
    distances?.startGradient()
    for layer in stride(from: pass.top, through: 1, by: -1) {
      d = backwardLayer(layer, d, pass)
      add(gradients, layer: layer - 1, to: d, pass)
    }
    distances?.finishGradient()
    pool.profile.measure("encoder backward/embeddings") { embedBackward(d, pass) }
  }

  /// Adds the caller's gradients of hidden state `layer`.
  private func add(_ gradients: [Matrix], layer: Int, to d: UnsafeMutablePointer<Float>, _ pass: EncoderPass) {
    let h = hiddenSize
    let isGathered = pass.request.firstTokenOnly && !(layer > 0 && pass.isFirstTokenOnly(layer))
    for (gradient, wanted) in zip(gradients, pass.request.layers) where wanted == layer {
      for row in 0..<gradient.rows {
        ck_add(Int64(h), gradient.row(row), d + (isGathered ? pass.offsets[row] : row) * h)
      }
    }
  }

  /// Turns the gradient of a layer's output `[R, H]` (overwritten) into that of its input `[T, H]`.
  private func backwardLayer(_ layer: Int, _ d: UnsafeMutablePointer<Float>, _ pass: EncoderPass)
    -> UnsafeMutablePointer<Float>
  {
    let kept = activations[layer - 1]
    let profile = pool.profile
    let p = weights.layers[layer - 1]
    let count = pass.rows(layer)
    let state = PackedMatrix(n: hiddenSize, k: count, precision: precision, in: scratch.packedState)
    let activated = PackedMatrix(
      n: configuration.intermediateSize, k: count, precision: precision, in: scratch.packedActivation)
    profile.measure("encoder backward/output and feed-forward") {
      rowsBackward(layer, d, kept, state: state, activated: activated, pass)
    }
    profile.measure("encoder backward/weight gradients") {
      addWeightGradient(p.output.weight, d: scratch.outputBranch, x: activated)
      addWeightGradient(p.intermediate, d: scratch.intermediateGradient, x: state)
      let context = pack(
        pool, .no, n: hiddenSize, k: count, b: kept.context.pointer, ldb: hiddenSize, precision: precision,
        into: scratch.packedState)
      addWeightGradient(p.attentionOutput.weight, d: scratch.attentionBranch, x: context)
    }
    if pass.isFirstTokenOnly(layer) { return firstTokensBackward(layer, d, kept, pass) }
    profile.measure("encoder backward/attention") { attentionBackward(layer, kept, pass) }
    profile.measure("encoder backward/query, key, value") {
      projectionBackward(layer, d, pass)
    }
    return d
  }

  /// Everything between the layer's output and attention's context. Leaves the gradient of the residual x in `d`, both
  /// branches' gradients and that of the feed-forward input in their buffers, u in `state` and the activations' output
  /// in `activated`.
  private func rowsBackward(
    _ layer: Int, _ d: UnsafeMutablePointer<Float>, _ kept: LayerActivations, state: PackedMatrix,
    activated: PackedMatrix, _ pass: EncoderPass
  ) {
    let (h, i, count) = (hiddenSize, configuration.intermediateSize, pass.rows(layer))
    let buffers = RowGradients(self, rows: count)
    let p = weights.layers[layer - 1]
    let (attentionDropout, outputDropout) = dropouts(layer, pass)
    let none = RandomStream(seed: 0, name: "").dropout(rate: 0, step: 0)
    let tiles = rowTiles(count)
    let sums = PartialSums(self, tiles: tiles.count)
    let numbers = pass.isFirstTokenOnly(layer) ? firstTokens.reserve(count) : nil
    let maps = packed(p, .no)
    // One share per thread: u of a tile, and a few rows of the activations' output.
    let share = tiles.largest * h + Self.activationRows * i
    let memory = scratch.perWorker.reserve(share * pool.threads)
    pool.parallelFor(tiles) { range, tile, worker in
      let (at, wide) = (range.lowerBound * h, range.lowerBound * i)
      let tileRows = rows(range, numbers: numbers)
      let sum = sums.start(tile: tile)
      normBackward(
        tileRows, p.output, outputDropout, kept.outputNorm, d + at, branch: buffers.outputBranch + at, sum)
      product(worker, range.count, buffers.outputBranch + at, maps.output, into: buffers.intermediate + wide)
      let restored = memory + worker * share
      activationBackward(
        range, kept, buffers.intermediate, sum + 6 * h, restored + tiles.largest * h, activated: activated)
      product(worker, range.count, buffers.intermediate + wide, maps.intermediate, beta: 1, into: d + at)
      normBackward(
        tileRows, p.attentionOutput, attentionDropout, kept.attentionNorm, d + at,
        branch: buffers.attentionBranch + at, sum + 3 * h)
      product(worker, range.count, buffers.attentionBranch + at, maps.attentionOutput, into: buffers.context + at)
      ck_affine_rows(
        tileRows, norm(p.attentionOutput), none, kept.attentionNorm.normalized.pointer + at, restored)
      state.store(range, from: restored)
    }
    sums.add(to: p)
  }

  /// As many rows of the activations' output are made before they are packed.
  private static let activationRows = 8

  /// Backward of the activation for a tile: `d` `[R, I]` becomes its input's gradient, whose column sums go to `sum`.
  private func activationBackward(
    _ range: Range<Int>, _ kept: LayerActivations, _ d: UnsafeMutablePointer<Float>, _ sum: UnsafeMutablePointer<Float>,
    _ rows: UnsafeMutablePointer<Float>, activated: PackedMatrix
  ) {
    let (i, kernel) = (configuration.intermediateSize, configuration.activation.kernel)
    for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.activationRows) {
      let part = start..<min(start + Self.activationRows, range.upperBound)
      ck_activation_backward(
        kernel, Int64(part.count), Int64(i), kept.intermediate.pointer + start * i, rows, d + start * i, sum)
      activated.store(part, from: rows)
    }
  }

  /// Backward of norm, residual and dropout for a tile: `d` becomes the residual's gradient.
  private func normBackward(
    _ rows: ck_rows, _ p: LayerParameters.LinearNorm, _ dropout: ck_dropout, _ kept: NormActivations,
    _ d: UnsafeMutablePointer<Float>, branch: UnsafeMutablePointer<Float>, _ sum: UnsafeMutablePointer<Float>
  ) {
    let h = hiddenSize
    ck_norm_backward(
      rows, p.gamma.value, dropout, kept.normalized.pointer + Int(rows.first) * h,
      kept.inverse.pointer + Int(rows.first), d, branch, sum, sum + h, sum + 2 * h)
  }

  /// dW += dy^T x over all rows.
  func addWeightGradient(_ weight: Parameter, d: ScratchBuffer, x: PackedMatrix) {
    addWeightGradient(weight.gradient, d: d.pointer, width: weight.shape[0], x: x)
  }

  /// The same for a gradient `[width, n]` and dy `[k, width]`.
  func addWeightGradient(
    _ gradient: UnsafeMutablePointer<Float>, d: UnsafePointer<Float>, width: Int, x: PackedMatrix
  ) {
    multiply(pool, .yes, m: width, a: d, lda: width, by: x, beta: 1, c: gradient, ldc: x.n)
  }
}

/// The buffers `rowsBackward` fills.
private struct RowGradients {
  let outputBranch: UnsafeMutablePointer<Float>
  let attentionBranch: UnsafeMutablePointer<Float>
  let intermediate: UnsafeMutablePointer<Float>
  let context: UnsafeMutablePointer<Float>

  init(_ encoder: TransformerEncoder, rows: Int) {
    let (h, i) = (encoder.hiddenSize, encoder.configuration.intermediateSize)
    outputBranch = encoder.scratch.outputBranch.reserve(rows * h)
    attentionBranch = encoder.scratch.attentionBranch.reserve(rows * h)
    intermediate = encoder.scratch.intermediateGradient.reserve(rows * i)
    context = encoder.scratch.contextGradient.reserve(rows * h)
  }
}

/// Column sums, one line per tile of rows, added up in the order of the tiles whoever computed them.
private struct PartialSums {
  private let lines: UnsafeMutablePointer<Float>
  private let width: Int
  private let tiles: Int

  init(_ encoder: TransformerEncoder, tiles: Int) {
    width = 6 * encoder.hiddenSize + encoder.configuration.intermediateSize
    self.tiles = tiles
    lines = encoder.scratch.partial.reserve(tiles * width)
  }

  /// The line of a tile, set to zero.
  func start(tile: Int) -> UnsafeMutablePointer<Float> {
    (lines + tile * width).update(repeating: 0, count: width)
    return lines + tile * width
  }

  /// Adds the lines to the gradients of the norms and biases, which share a line in this order.
  func add(to p: LayerParameters) {
    for tile in 0..<tiles {
      var at = lines + tile * width
      func add(_ parameter: Parameter) {
        ck_add(Int64(parameter.count), at, parameter.gradient)
        at += parameter.count
      }
      func add(_ map: LayerParameters.LinearNorm) {
        add(map.gamma)
        add(map.beta)
        add(map.bias)
      }
      add(p.output)
      add(p.attentionOutput)
      add(p.intermediateBias)
    }
  }
}
