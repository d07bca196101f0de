// Everything in a layer that works row by row, in one sweep over tiles of rows: attention's output map, the norms, the
// feed-forward block. Letters: R rows computed, H hidden, I intermediate, W rows of the first feed-forward map.

import CKernels
import Kernels

/// The maps behind attention, packed for products.
struct PackedMaps {
  let attentionOutput: PackedMatrix, intermediate: PackedMatrix, output: PackedMatrix
  /// The rows of gates, where they are packed apart from those that are activated.
  var gate: PackedMatrix?
}

extension TransformerEncoder {
  /// Output projection, residual and norm, then the feed-forward block with its own, tile by tile.
  func feedForward(
    _ layer: Int, residual: UnsafePointer<Float>, _ kept: LayerActivations, into out: StreamState, _ pass: EncoderPass
  ) {
    let (h, i, count, keeps) = (hiddenSize, configuration.intermediateSize, pass.rows(layer), pass.keepsActivations)
    let p = weights.layers[layer - 1]
    let dropout = dropouts(layer, pass)
    let tiles = rowTiles(count)
    let tile = tiles.largest
    let normsInputs = architecture.normsInputs
    // The state of a tile, the same packed, a stretch of the activations and of gates, the former packed, and the sum
    // before the norm.
    let (packedShare, stretch) = (PackedRows.count(tile, h, precision), precision.stretch)
    let floatShare = precision == .float32 ? PackedRows.count(tile, 1) : tile * stretch
    let floatShares = (architecture.isGated ? 2 : 1) * floatShare
    let packedStretch = precision == .float32 ? 0 : PackedRows.count(tile, 1, precision)
    let share = tile * h + packedShare + floatShares + packedStretch + (normsInputs ? tile * h : 0)
    let memory = scratch.perWorker.reserve(share * pool.threads)
    let context = kept.context.pointer
    if keeps { reserve(kept, rows: count) }
    let maps = packedForward(p)
    let numbers = pass.isFirstTokenOnly(layer) ? firstTokens.reserve(count) : nil
    pool.parallelFor(tiles) { range, _, worker in
      let at = range.lowerBound
      let state = memory + worker * share
      let sum = normsInputs ? state + share - tile * h : nil
      let tileRows = rows(range, numbers: numbers)
      product(worker, range.count, context + at * h, maps.attentionOutput, into: state)
      ck_residual_norm_forward(
        tileRows, p.attentionOutput.bias.value, norm(p.attentionOutput), dropout.attention, residual + at * h, state,
        keeps ? kept.attentionNorm.normalized.pointer + at * h : nil,
        keeps ? kept.attentionNorm.inverse.pointer + at : nil, sum)
      let left = PackedRows(m: range.count, k: h, a: state, lda: h, precision: precision, into: state + tile * h)
      let floats = state + tile * h + packedShare
      let activations = Stretch(
        output: floats, gates: floats + floatShare, packed: floats + floatShares,
        kept: keeps ? kept.intermediate.pointer + at * intermediateRows : nil)
      for start in stride(from: 0, to: i, by: stretch) {
        let part = start..<min(start + stretch, i)
        let tileRows = rows(range, width: part.count, numbers: numbers)
        let activated = activate(worker, tileRows, left, p, maps, part, dropout.activations, activations)
        multiply(
          pool, worker: worker, m: range.count, a: activated, by: maps.output.terms(part), beta: start == 0 ? 0 : 1,
          c: out.state + at * h, ldc: h)
      }
      ck_residual_norm_forward(
        tileRows, p.output.bias.value, norm(p.output), dropout.output, sum ?? state, out.state + at * h,
        keeps ? kept.outputNorm.normalized.pointer + at * h : nil,
        keeps ? kept.outputNorm.inverse.pointer + at : nil, normsInputs ? out.sum + at * h : nil)
    }
  }

  /// Where a tile's activations are made.
  private struct Stretch {
    /// A stretch of them.
    let output: UnsafeMutablePointer<Float>
    /// Where nothing is kept, their gates.
    let gates: UnsafeMutablePointer<Float>
    /// Where floats are not what the next product reads, the stretch as it reads it.
    let packed: UnsafeMutablePointer<Float>
    /// Of all of them what goes into them `[rows of the tile, W]`, where it is kept.
    let kept: UnsafeMutablePointer<Float>?
  }

  /// A stretch of the activations of a tile: few enough columns to stay in the second cache until the next product has
  /// read them.
  private func activate(
    _ worker: Int, _ rows: ck_rows, _ state: PackedRows, _ p: LayerParameters, _ maps: PackedMaps, _ part: Range<Int>,
    _ dropout: ck_dropout, _ memory: Stretch
  ) -> PackedRows {
    let (i, kernel) = (configuration.intermediateSize, configuration.activation.kernel)
    let (m, width, bias) = (Int(rows.count), Int64(part.count), p.intermediateBias.value + part.lowerBound)
    let x = memory.kept.map { $0 + part.lowerBound } ?? memory.output
    // Floats are written as the next product reads them; anything else is rounded and packed after that.
    let isWritten = precision == .float32
    let written = isWritten ? PackedRows.stride : precision.stretch
    let stride = memory.kept == nil ? written : intermediateRows
    multiply(pool, worker: worker, m: m, a: state, by: maps.intermediate.columns(part), beta: 0, c: x, ldc: stride)
    if let map = maps.gate {
      let gates = memory.kept == nil ? memory.gates : x + i
      multiply(pool, worker: worker, m: m, a: state, by: map.columns(part), beta: 0, c: gates, ldc: stride)
      let unit = ck_gated(
        kind: kernel, rows: rows, stride: Int64(stride), first: Int64(part.lowerBound), dropout: dropout)
      ck_gated_forward(unit, bias, bias + i, x, gates, memory.output, Int64(written))
    } else if memory.kept == nil {
      ck_bias_activation_in_place(kernel, rows.count, width, bias, x, Int64(stride))
    } else {
      ck_bias_activation_forward(
        kernel, rows.count, width, bias, x, Int64(stride), memory.output, Int64(written))
    }
    if isWritten { return PackedRows(written: memory.output) }
    return PackedRows(
      m: m, k: part.count, a: memory.output, lda: written, precision: precision, into: memory.packed)
  }

  /// The maps packed for products with their transposes; gates apart, since their activations go side by side.
  private func packedForward(_ p: LayerParameters) -> PackedMaps {
    let (h, i) = (hiddenSize, configuration.intermediateSize)
    func packed(_ weight: UnsafePointer<Float>, _ rows: Int, _ columns: Int, _ buffer: Int) -> PackedMatrix {
      pack(
        pool, .yes, n: rows, k: columns, b: weight, ldb: columns, precision: precision, into: scratch.packed[buffer])
    }
    return PackedMaps(
      attentionOutput: packed(p.attentionOutput.weight.value, h, h, 0),
      intermediate: packed(p.intermediate.value, i, h, 1), output: packed(p.output.weight.value, h, i, 2),
      gate: architecture.isGated ? packed(p.intermediate.value + i * h, i, h, 3) : nil)
  }

  /// The maps packed for products with themselves.
  func packedBackward(_ p: LayerParameters) -> PackedMaps {
    func packed(_ weight: Parameter, _ buffer: Int) -> PackedMatrix {
      let (rows, columns) = (weight.shape[0], weight.shape[1])
      return pack(
        pool, .no, n: columns, k: rows, b: weight.value, ldb: columns, precision: precision,
        into: scratch.packed[buffer])
    }
    return PackedMaps(
      attentionOutput: packed(p.attentionOutput.weight, 0), intermediate: packed(p.intermediate, 1),
      output: packed(p.output.weight, 2))
  }

  private func reserve(_ kept: LayerActivations, rows: Int) {
    kept.attentionNorm.reserve(rows: rows, width: hiddenSize)
    kept.outputNorm.reserve(rows: rows, width: hiddenSize)
    kept.intermediate.reserve(rows * intermediateRows)
  }
}
