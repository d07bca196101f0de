// The backward pass, layer by layer from the top: first everything that works row by row, tile by tile, then the
// weight gradients over all rows, then attention. Letters: T tokens, R rows computed, H hidden, I intermediate, W rows
// of the first feed-forward map.
//
// A layer is, with f dropout factors:  u = LN1(x + f1 (c Wo^T + bo)),  out = LN2(u + f2 (g(u W1^T + b1) W2^T + b2)).
// Linear maps y = x W^T + b give  dx = dy W,  dW = dy^T x,  db = column sums of dy;  a residual adds its gradient.
// Where norms are of inputs, the sums s = x + f1 (...) and s + f2 (...) are what residuals add to, and u and out go
// into maps only: the gradient of a sum is that through its norm and that of the next sum.

import CKernels
package import Kernels

extension TransformerEncoder {
  /// Adds to the parameters' gradients what those of the last training pass's hidden states cause.
  /// - Parameter gradients: one for each layer of that pass's request, in its order and shape; read only.
  package func backward(_ gradients: [Matrix]) throws { try backward(gradients, whenFinished: nil) }

  /// The same.
  /// - Parameter whenFinished: called with the number of a set of layers' weights once nothing more will be added to
  ///   its gradients, nor to those of the sets behind it.
  package func backward(_ gradients: [Matrix], whenFinished: ((_ set: Int) -> Void)?) throws {
    guard let pass else { preconditionFailure("backward needs a forward in training mode, once for each") }
    precondition(gradients.count == pass.request.layers.count, "one gradient for each requested layer")
    self.pass = nil  // the activations are used up
    guard pass.sequences > 0 else { return }
    var d = emptyGradient(pass)
    add(gradients, layer: pass.top, to: showsSums(pass.top) ? d.residual : d.state, pass)
    distances?.startGradient()
    for layer in stride(from: pass.top, through: 1, by: -1) {
      d = backwardLayer(layer, d, pass)
      add(gradients, layer: layer - 1, to: d.residual, pass)
      let set = configuration.layerSet(layer - 1)
      if layer == 1 || configuration.layerSet(layer - 2) != set { whenFinished?(set) }
    }
    distances?.finishGradient()
    pool.profile.measure("encoder backward/embeddings") { embedBackward(d.state, pass) }
  }

  /// Zeros for the highest hidden state. That of the embeddings is one memory, whatever becomes of them.
  private func emptyGradient(_ pass: EncoderPass) -> StreamGradient {
    func zeros(_ buffers: [ScratchBuffer]) -> UnsafeMutablePointer<Float> {
      let d = buffers[pass.top % 2].reserve(pass.tokens * hiddenSize)
      d.update(repeating: 0, count: (pass.top == 0 ? pass.tokens : pass.rows(pass.top)) * hiddenSize)
      return d
    }
    let hasSums = architecture.normsInputs && pass.top > 0
    return StreamGradient(state: zeros(scratch.gradient), sum: hasSums ? zeros(scratch.sumGradient) : nil)
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
  private func backwardLayer(_ layer: Int, _ d: StreamGradient, _ pass: EncoderPass) -> StreamGradient {
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
    if pass.isFirstTokenOnly(layer), rotary == nil {
      return StreamGradient(state: firstTokensBackward(layer, d.state, kept, pass))
    }
    profile.measure("encoder backward/attention") { attentionBackward(layer, kept, pass) }
    return profile.measure("encoder backward/query, key, value") {
      guard d.sum != nil else {
        projectionBackward(layer, d.state, pass)
        return d
      }
      return inputGradient(layer, d, pass)
    }
  }

  /// The gradients of a layer's input `[T, H]` where norms are of inputs, from those behind attention: that of the sum
  /// is there, of the rows that were computed.
  private func inputGradient(_ layer: Int, _ d: StreamGradient, _ pass: EncoderPass) -> StreamGradient {
    var d = d
    if pass.isFirstTokenOnly(layer) {
      let sum = scratch.sumGradient[(layer - 1) % 2].reserve(pass.tokens * hiddenSize)
      sum.update(repeating: 0, count: pass.tokens * hiddenSize)
      for sequence in 0..<pass.sequences {
        ck_add(Int64(hiddenSize), d.residual + sequence * hiddenSize, sum + pass.offsets[sequence] * hiddenSize)
      }
      d.sum = sum
    }
    // Below the first layer stand the embeddings, whose norm is before it and is no other.
    if layer == 1 { d = StreamGradient(state: d.residual) }
    projectionBackward(layer, d.state, adds: layer == 1, pass)
    return d
  }

  /// Everything between the layer's output and attention's context. Leaves that of the residual x in `d.residual`, both
  /// branches' gradients and that of the feed-forward input in their buffers, u in `state` and the activations' output
  /// in `activated`.
  private func rowsBackward(
    _ layer: Int, _ d: StreamGradient, _ kept: LayerActivations, state: PackedMatrix, activated: PackedMatrix,
    _ pass: EncoderPass
  ) {
    let (h, i, count) = (hiddenSize, configuration.intermediateSize, pass.rows(layer))
    let w = intermediateRows
    let buffers = RowGradients(self, rows: count)
    let p = weights.layers[layer - 1]
    let dropout = dropouts(layer, pass)
    let none = RandomStream(seed: 0, name: "").dropout(rate: 0, step: 0)
    let tiles = rowTiles(count)
    let sums = PartialSums(self, tiles: tiles.count)
    let numbers = pass.isFirstTokenOnly(layer) ? firstTokens.reserve(count) : nil
    let maps = packedBackward(p)
    // One share per thread: u of a tile, and a few rows of the activations' output.
    let share = tiles.largest * h + Self.activationRows * i
    let memory = scratch.perWorker.reserve(share * pool.threads)
    pool.parallelFor(tiles) { range, tile, worker in
      let (at, wide) = (range.lowerBound * h, range.lowerBound * w)
      let tileRows = rows(range, numbers: numbers)
      let (sum, upper, lower) = (sums.start(tile: tile), d.state + at, d.residual + at)
      normBackward(
        tileRows, p.output, dropout.output, kept.outputNorm, upper, carried: d.sum.map { $0 + at },
        branch: buffers.outputBranch + at, sum)
      multiply(
        pool, worker: worker, .no, m: range.count, a: buffers.outputBranch + at, lda: h, by: maps.output, beta: 0,
        c: buffers.intermediate + wide, ldc: w)
      let restored = memory + worker * share
      activationBackward(
        range, numbers, kept, dropout.activations, buffers.intermediate, sum + 6 * h, restored + tiles.largest * h,
        activated: activated)
      product(
        worker, range.count, buffers.intermediate + wide, maps.intermediate, beta: d.sum == nil ? 1 : 0, into: lower)
      normBackward(
        tileRows, p.attentionOutput, dropout.attention, kept.attentionNorm, lower, carried: d.sum.map { _ in upper },
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

  /// Backward of the activation for a tile: `d` `[R, W]` becomes its input's gradient, whose column sums go to `sum`.
  private func activationBackward(
    _ range: Range<Int>, _ numbers: UnsafeMutablePointer<Int32>?, _ kept: LayerActivations, _ dropout: ck_dropout,
    _ d: UnsafeMutablePointer<Float>, _ sum: UnsafeMutablePointer<Float>, _ output: UnsafeMutablePointer<Float>,
    activated: PackedMatrix
  ) {
    let (i, w, kernel) = (configuration.intermediateSize, intermediateRows, configuration.activation.kernel)
    for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.activationRows) {
      let part = start..<min(start + Self.activationRows, range.upperBound)
      let (x, d) = (kept.intermediate.pointer + start * w, d + start * w)
      if architecture.isGated {
        let unit = ck_gated(
          kind: kernel, rows: rows(part, width: i, numbers: numbers), stride: Int64(w), first: 0, dropout: dropout)
        ck_gated_backward(unit, x, x + i, output, d, d + i, Int64(w), sum, sum + i)
      } else {
        ck_activation_backward(kernel, Int64(part.count), Int64(i), x, output, d, sum)
      }
      activated.store(part, from: output)
    }
  }

  /// Backward of norm, residual and dropout for a tile: `d` becomes the residual's gradient, that of the sum itself,
  /// `carried`, among it.
  private func normBackward(
    _ rows: ck_rows, _ p: LayerParameters.LinearNorm, _ dropout: ck_dropout, _ kept: NormActivations,
    _ d: UnsafeMutablePointer<Float>, carried: UnsafeMutablePointer<Float>?, branch: UnsafeMutablePointer<Float>,
    _ sum: UnsafeMutablePointer<Float>
  ) {
    let h = hiddenSize
    ck_norm_backward(
      rows, p.gamma.value, dropout, kept.normalized.pointer + Int(rows.first) * h,
      kept.inverse.pointer + Int(rows.first), d, carried, branch, sum, sum + h, sum + 2 * h)
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
    let (h, w) = (encoder.hiddenSize, encoder.intermediateRows)
    outputBranch = encoder.scratch.outputBranch.reserve(rows * h)
    attentionBranch = encoder.scratch.attentionBranch.reserve(rows * h)
    intermediate = encoder.scratch.intermediateGradient.reserve(rows * w)
    context = encoder.scratch.contextGradient.reserve(rows * h)
  }
}

/// Column sums, one line per tile of rows, added up in the order of the tiles whoever computed them.
private struct PartialSums {
  private let lines: UnsafeMutablePointer<Float>
  private let width: Int
  private let tiles: Int

  init(_ encoder: TransformerEncoder, tiles: Int) {
    width = 6 * encoder.hiddenSize + encoder.intermediateRows
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
