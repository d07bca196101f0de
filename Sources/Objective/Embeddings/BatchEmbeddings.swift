// The embeddings of a batch by view (anchor, positive, hard negative): raw, normalised, and their gradients.
// Owned by ContrastiveObjective; the model writes z and reads dz, samplers and embedding losses see cse_batch.

import Host
import Kernels
import PluginAPI

/// Vectors of all views one below the other, [views * rows, width], with a tensor for each view.
final class VectorStack {
  let buffer: GuardedBuffer
  let tensors: [Tensor]
  let list: TensorList
  let width: Int
  let stride: Int
  private(set) var rows = 0

  init(views: Int, maxRows: Int, width: Int, label: String, _ visibility: Visibility) {
    self.width = width
    stride = alignedStride(width)
    buffer = GuardedBuffer(byteCount: views * maxRows * stride * 4, label: label, visibility)
    let stride = stride
    tensors = (0..<views).map { _ in Tensor(shape: [0, width], rowStride: stride) }
    list = TensorList(tensors)
    setRows(maxRows)
  }

  /// Views lie close together, whatever the number of rows.
  func setRows(_ rows: Int) {
    self.rows = rows
    for (view, tensor) in tensors.enumerated() {
      tensor.setRows(rows)
      tensor.point(to: buffer.floats + view * rows * stride)
    }
  }

  /// All views as one matrix.
  var matrix: Matrix { Matrix(buffer.floats, rows: tensors.count * rows, columns: width, rowStride: stride) }

  /// View `index` as a matrix.
  func matrix(_ index: Int) -> Matrix { tensors[index].matrix }

  func clear() { buffer.floats.update(repeating: 0, count: tensors.count * rows * stride) }
}

/// A batch's embeddings with their gradients.
final class BatchEmbeddings {
  let count: Int
  let maxRows: Int
  let width: Int
  let z, u, dz, du: VectorStack
  /// Where embedding losses write, before the host weighs it.
  let lossDz, lossDu: VectorStack?
  let inverse: FloatBuffer
  /// What is known of the rows of this batch.
  private(set) var supervision: Supervision = []
  /// The batch as each component sees it.
  private var shown: [ShownBatch] = []
  /// [maxRows] each: row ids, text ids, classes.
  private let identifiers: UnsafeMutablePointer<Int64>
  private let scores: UnsafeMutablePointer<Float>

  init(count: Int, maxRows: Int, width: Int, scoresEmbeddings: Bool) {
    self.count = count
    self.maxRows = maxRows
    self.width = width
    z = VectorStack(views: count, maxRows: maxRows, width: width, label: "z", .shown)
    u = VectorStack(views: count, maxRows: maxRows, width: width, label: "u", .shown)
    dz = VectorStack(views: count, maxRows: maxRows, width: width, label: "dz", .shared)
    du = VectorStack(views: count, maxRows: maxRows, width: width, label: "du", .shared)
    lossDz = scoresEmbeddings ? VectorStack(views: count, maxRows: maxRows, width: width, label: "dz", .shared) : nil
    lossDu = scoresEmbeddings ? VectorStack(views: count, maxRows: maxRows, width: width, label: "du", .shared) : nil
    inverse = FloatBuffer(count: count * maxRows)
    identifiers = .visible(.shown, capacity: 3 * maxRows, repeating: 0)
    scores = .visible(.shown, capacity: maxRows, repeating: 0)
  }

  deinit {
    identifiers.freeVisible()
    scores.freeVisible()
  }

  var rows: Int { z.rows }

  /// Everything a plugin may write to here; calls check the ends.
  var guarded: [GuardedBuffer] {
    [z.buffer, u.buffer, dz.buffer, du.buffer] + [lossDz, lossDu].compactMap { $0?.buffer }
  }

  /// Sets the number of rows of this batch, what its rows are called, and what is known of them.
  func begin(rows: Int, rowIDs: [Int64]?, textIDs: [Int64]?, labels: RowLabels) {
    precondition(rows >= 1 && rows <= maxRows)
    for stack in [z, u, dz, du, lossDz, lossDu] { stack?.setRows(rows) }
    for row in 0..<rows {
      identifiers[row] = rowIDs?[row] ?? Int64(row)
      identifiers[maxRows + row] = textIDs?[row] ?? Int64(row)
      identifiers[2 * maxRows + row] = labels.classes?[row] ?? 0
      scores[row] = labels.scores?[row] ?? 0
    }
    supervision = labels.supervision
    for batch in shown { describe(batch) }
  }

  /// The batch for a component that asked for `encodings`; it lives as long as these embeddings. `size`: what
  /// struct_size says.
  func show(encodings: TensorList, size: UInt32) -> ShownBatch {
    let batch = ShownBatch(encodings, size: size)
    shown.append(batch)
    describe(batch)
    return batch
  }

  private func describe(_ shown: ShownBatch) {
    var batch = cse_batch()
    batch.struct_size = shown.size
    batch.rows = Int64(rows)
    batch.n_views = UInt32(count)
    batch.dim = Int64(width)
    batch.z = z.list.reading
    batch.u = u.list.reading
    batch.row_ids = UnsafePointer(identifiers)
    batch.text_ids = UnsafePointer(identifiers + maxRows)
    // What the data does not have is NULL to plugins.
    batch.scores = supervision.contains(.scores) ? UnsafePointer(scores) : nil
    batch.classes = supervision.contains(.classes) ? UnsafePointer(identifiers + 2 * maxRows) : nil
    batch.encodings = shown.encodings.tensors.isEmpty ? nil : shown.encodings.reading
    shown.reading.pointee = batch
    batch.dz = UnsafePointer(dz.list.pointer)
    batch.du = UnsafePointer(du.list.pointer)
    shown.writing.pointee = batch
    batch.dz = lossDz.map { UnsafePointer($0.list.pointer) }
    batch.du = lossDu.map { UnsafePointer($0.list.pointer) }
    shown.scoring.pointee = batch
  }

  /// Takes over the batch of `other`: its rows, what they are called, and its z, of which only the first dimensions
  /// where there are fewer here.
  func follow(_ other: BatchEmbeddings) {
    for kind in 0..<3 {
      (identifiers + kind * maxRows).update(from: other.identifiers + kind * other.maxRows, count: rows)
    }
    scores.update(from: other.scores, count: rows)
    supervision = other.supervision
    for batch in shown { describe(batch) }
    copy(other.z.matrix.firstColumns(width), to: z.matrix)
  }

  /// Makes u from z and clears the gradients.
  func normalise(_ pool: ThreadPool) {
    Objective.normalise(pool, z.matrix, into: u.matrix, inverse: inverse.pointer)
    dz.clear()
    du.clear()
  }

  /// Moves the gradient that arrived at u on to z; afterwards dz is complete.
  func propagate(_ pool: ThreadPool) {
    normaliseBackward(pool, unit: u.matrix, dUnit: du.matrix, inverse: inverse.pointer, dRaw: dz.matrix)
    du.clear()
  }
}

/// A batch as one component sees it: at addresses that stay, with the encodings that it asked for.
final class ShownBatch {
  /// In `sample` and `commit`, and beside logits: no gradients wanted.
  let reading: UnsafeMutablePointer<cse_batch>
  /// In `sample_backward`.
  let writing: UnsafeMutablePointer<cse_batch>
  /// In `on_embeds` when gradients are wanted.
  let scoring: UnsafeMutablePointer<cse_batch>
  let encodings: TensorList
  let size: UInt32

  init(_ encodings: TensorList, size: UInt32) {
    (self.encodings, self.size) = (encodings, size)
    reading = .visible(.shown, capacity: 3, repeating: cse_batch())
    writing = reading + 1
    scoring = reading + 2
  }

  deinit { reading.freeVisible() }
}
