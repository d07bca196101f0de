// Further encodings of the batch that samplers and losses asked for: by the encoder without dropout, by its moving
// average, by a guide. Owned by ContrastiveModel, shared by its objectives; filled before a step by who has encoders.

package import Host
package import Kernels

/// Vectors of the batch's rows by what makes them, [rows, width] each.
package final class BatchEncodings {
  private var entries: [PlannedEncoding: Entry] = [:]
  private var rows = 0

  private final class Entry {
    let width: Int
    var buffer: GuardedBuffer
    /// All numbers of the vectors.
    let whole: Tensor
    /// What plugins see: the first so many numbers of each vector, by how many.
    var tensors: [Int: Tensor]
    /// Whether the vectors of this batch are there.
    var isFilled = false

    init(width: Int, maxRows: Int) {
      self.width = width
      buffer = Self.room(width, maxRows)
      whole = Tensor(shape: [0, width], rowStride: alignedStride(width))
      tensors = [width: whole]
      point(whole, rows: 0)
    }

    static func room(_ width: Int, _ rows: Int) -> GuardedBuffer {
      GuardedBuffer(byteCount: rows * alignedStride(width) * 4, label: "an encoding", .shown)
    }

    func point(_ tensor: Tensor, rows: Int) {
      tensor.setRows(rows)
      tensor.point(to: buffer.floats)
    }
  }

  /// Makes room for `encoding` in batches as large as the limits say, and returns what a plugin sees of it.
  ///
  /// - Parameter limits: those of an objective; one on fewer dimensions sees that many numbers of the embeddings.
  ///   Guides are seen in full.
  func tensor(_ encoding: PlannedEncoding, limits: PluginLimits, wholeWidth: Int) -> Tensor {
    var whole = limits
    whole.width = wholeWidth
    let width = encoding.width(whole)
    let entry = entries[encoding] ?? Entry(width: width, maxRows: limits.maxRows)
    entries[encoding] = entry
    if entry.buffer.byteCount < limits.maxRows * alignedStride(width) * 4 {
      entry.buffer = Entry.room(width, limits.maxRows)
      entry.isFilled = false
      for tensor in entry.tensors.values { entry.point(tensor, rows: rows) }
    }
    let seen = encoding.width(limits)
    let tensor = entry.tensors[seen] ?? Tensor(shape: [0, seen], rowStride: alignedStride(width))
    entry.tensors[seen] = tensor
    entry.point(tensor, rows: rows)
    return tensor
  }

  /// The memory of `encoding`, for checks of what plugins write.
  func guarded(_ encoding: PlannedEncoding) -> GuardedBuffer? { entries[encoding]?.buffer }

  /// Starts a batch: nothing is there yet.
  func begin(rows: Int) {
    self.rows = rows
    for entry in entries.values {
      entry.isFilled = false
      for tensor in entry.tensors.values { tensor.setRows(rows) }
    }
  }

  /// Puts the vectors of this batch there.
  /// - Parameter vectors: [rows, width].
  /// - Throws: `ObjectiveError.shape`, `.notFinite`.
  package func set(_ encoding: PlannedEncoding, _ vectors: Matrix) throws {
    guard let entry = entries[encoding] else { return }
    guard vectors.rows == rows, vectors.columns == entry.width else {
      throw ObjectiveError.shape(
        what: "\(encoding)", expected: "[\(rows), \(entry.width)]", found: "[\(vectors.rows), \(vectors.columns)]")
    }
    copy(vectors, to: entry.whole.matrix)
    if let flat = entry.whole.firstNonFinite {
      throw ObjectiveError.notFinite(what: "\(encoding)", row: flat / entry.width)
    }
    entry.isFilled = true
  }

  /// - Throws: `ObjectiveError.encodingMissing` where the vectors of this batch are not there.
  func check(_ encodings: [PlannedEncoding], for instance: String) throws {
    for encoding in encodings where entries[encoding]?.isFilled != true {
      throw ObjectiveError.encodingMissing(component: instance, encoding: "\(encoding)")
    }
  }
}
