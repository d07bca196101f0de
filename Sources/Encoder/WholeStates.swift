// The hidden states of a batch that is computed in parts: by ChunkedEncoder one after the other, by ranks side by side.

package import Kernels

/// Room for the hidden states of whole batches; grows to the largest one.
package final class WholeStates {
  private var outputs: [FloatBuffer] = []

  /// Empty; memory comes with the first batch.
  package init() {}

  /// One matrix for each requested layer, [rows, width], valid until the next call.
  /// - Parameter request: as the encoder of the parts answers it.
  package func matrices(_ batch: PackedBatch, _ request: LayerRequest, width: Int) -> [Matrix] {
    let rows = request.rows(of: 0..<batch.sequences, in: batch).count
    let count = rows * width
    for index in request.layers.indices {
      // Poolers in processes of their own read them.
      if index == outputs.count { outputs.append(FloatBuffer(count: count, .shared)) }
      if outputs[index].count < count { outputs[index] = FloatBuffer(count: count, .shared) }
    }
    return request.layers.indices.map { outputs[$0].matrix(rows: rows, columns: width) }
  }
}

extension LayerRequest {
  /// The rows of a hidden state that belong to some sequences of `batch`.
  package func rows(of sequences: Range<Int>, in batch: PackedBatch) -> Range<Int> {
    firstTokenOnly || meansAreEnough
      ? sequences : batch.offsets[sequences.lowerBound]..<batch.offsets[sequences.upperBound]
  }
}

extension Matrix {
  /// Of a hidden state the rows of some sequences.
  package func rows(of sequences: Range<Int>, in batch: PackedBatch, _ request: LayerRequest) -> Matrix {
    let range = request.rows(of: sequences, in: batch)
    return Matrix(row(range.lowerBound), rows: range.count, columns: columns, rowStride: rowStride)
  }
}
