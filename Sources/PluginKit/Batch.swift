// The batch as each kind of component sees it: embeddings, candidates, finished logits, token states.

public import PluginAPI

/// The embeddings of a batch, as samplers and losses on vectors see them.
public struct Batch {
  /// The host's own structure.
  public let raw: UnsafePointer<cse_batch>

  /// The number of rows N.
  public var rows: Int { Int(raw.pointee.rows) }
  /// The width of an embedding.
  public var width: Int { Int(raw.pointee.dim) }
  /// The number of views: 2, or 3 with real hard negatives.
  public var views: Int { Int(raw.pointee.n_views) }
  /// View `k` as it came from the head: `[rows, width]`. 0 = anchors, 1 = positives, 2 = hard negatives.
  public func view(_ k: Int) throws -> Matrix { try existing(raw.pointee.z, k) }
  /// View `k` with rows of length one: `[rows, width]`.
  public func unit(_ k: Int) throws -> Matrix { try existing(raw.pointee.u, k) }
  /// Where the gradient of `view(k)` is added; nil where none is wanted.
  public func viewGradient(_ k: Int) -> Matrix? { optional(raw.pointee.dz, k) }
  /// Where the gradient of `unit(k)` is added; nil where none is wanted.
  public func unitGradient(_ k: Int) -> Matrix? { optional(raw.pointee.du, k) }
  /// The row's place in the training file: `[rows]`.
  public var rowIDs: UnsafeBufferPointer<Int64> { UnsafeBufferPointer(start: raw.pointee.row_ids, count: rows) }
  /// Equal if and only if the anchors' texts are equal: `[rows]`.
  public var textIDs: UnsafeBufferPointer<Int64> { UnsafeBufferPointer(start: raw.pointee.text_ids, count: rows) }

  /// How much anchor and positive belong together, as the data says: `[rows]`.
  /// - Throws: where the data does not say; `Plan.needScores` has that refused before the run.
  public func scores() throws -> UnsafeBufferPointer<Float> {
    guard let scores = known(\.scores) else { throw PluginError.unsupported("the rows have no scores") }
    return UnsafeBufferPointer(start: scores, count: rows)
  }

  /// Equal if and only if the rows' labels are equal: `[rows]`.
  /// - Throws: where the data does not say; `Plan.needClasses` has that refused before the run.
  public func classes() throws -> UnsafeBufferPointer<Int64> {
    guard let classes = known(\.classes) else { throw PluginError.unsupported("the rows have no classes") }
    return UnsafeBufferPointer(start: classes, count: rows)
  }

  /// Encoding `k` of those that `plan` asked for: `[rows, its width]`. Not to be written.
  public func encoding(_ k: Int) throws -> Matrix {
    guard let tensor = known(\.encodings)?[k] else {
      throw PluginError.invalid("encoding \(k) was not asked for: call encode in plan")
    }
    return Matrix(tensor)
  }

  /// A pointer that hosts from before it do not have.
  private func known<T>(_ field: KeyPath<cse_batch, UnsafePointer<T>?>) -> UnsafePointer<T>? {
    let end = (MemoryLayout<cse_batch>.offset(of: field) ?? 0) + MemoryLayout<UnsafeRawPointer>.size
    return Int(raw.pointee.struct_size) >= end ? raw.pointee[keyPath: field] : nil
  }

  private func existing(_ tensors: UnsafePointer<UnsafePointer<DLTensor>?>?, _ k: Int) throws -> Matrix {
    guard k < views, let tensor = tensors?[k] else {
      throw PluginError.unsupported("view z\(k + 1) is needed and this run has \(views) views")
    }
    return Matrix(tensor)
  }

  private func optional(_ tensors: UnsafePointer<UnsafeMutablePointer<DLTensor>?>?, _ k: Int) -> Matrix? {
    k < views ? tensors.flatMap { $0[k] }.map { Matrix($0) } : nil
  }
}

/// What a sampler fills in: its new vectors, and edits of single cells of any block.
public struct Candidates {
  /// The host's own structure.
  public let raw: UnsafePointer<cse_candidates>

  /// The number of blocks so far; block 0 is the base, the sampler's own start at `firstOwn`.
  public var blockCount: Int { Int(raw.pointee.n_blocks) }
  /// The index of this sampler's first block.
  public var firstOwn: Int { Int(raw.pointee.first_own) }

  /// New vectors, set `k`, to be written in full: `[columns or N, width]`.
  public func vectors(_ k: Int) throws -> Matrix {
    guard k < Int(raw.pointee.n_vectors), let tensor = raw.pointee.vectors[k] else {
      throw PluginError.invalid("new vectors \(k) belong to no declared block")
    }
    return Matrix(tensor)
  }

  /// The new vectors of one row, set `k`, where a row has candidates of its own: `[perRow, width]`.
  public func vectors(_ k: Int, of row: Int) throws -> Matrix {
    guard k < Int(raw.pointee.n_vectors), let tensor = raw.pointee.vectors[k], tensor.pointee.ndim == 3 else {
      throw PluginError.invalid("new vectors \(k) belong to no declared block with columns of each row's own")
    }
    return Matrix(tensor, slab: row)
  }

  /// Whether the candidates of block `b` are the data's own hard negatives.
  public func holdsHardNegatives(_ b: Int) -> Bool {
    raw.pointee.blocks[b].map { $0.pointee.cols >= Int32(CSE_HARD) && $0.pointee.cols < 16 } ?? false
  }

  /// The number of columns of block `b` in this batch.
  public func columns(_ b: Int) -> Int { Int(raw.pointee.n_cols[b]) }
  /// Lowers the number of columns of an own block: a queue that is filling.
  public func setColumns(_ b: Int, _ count: Int) { raw.pointee.n_cols[b] = Int64(count) }

  /// The factors on the similarities of block `b`, 1 at first: `[N, columns]`. Needs `Plan.editCells`.
  public func gain(_ b: Int) throws -> Matrix { try edited(raw.pointee.gain, b) }
  /// The addends to the logits of block `b`, 0 at first; -infinity excludes a cell: `[N, columns]`.
  public func bias(_ b: Int) throws -> Matrix { try edited(raw.pointee.bias, b) }

  /// The cosines of block `b` where they are known before the loss, those of the views: `[N, columns]`. Not to be
  /// written.
  public func similarities(_ b: Int) throws -> Matrix {
    guard let tensor = raw.pointee.sim?[b] else {
      throw PluginError.unsupported("the similarities of block \(b) are not known yet")
    }
    return Matrix(tensor)
  }

  private func edited(_ tensors: UnsafePointer<UnsafeMutablePointer<DLTensor>?>?, _ b: Int) throws -> Matrix {
    guard let tensor = tensors?[b] else {
      throw PluginError.invalid("cells of block \(b) were not offered: call editCells in plan")
    }
    return Matrix(tensor)
  }
}

/// Token states, packed without padding, as a pooler sees them.
public struct Tokens {
  /// The host's own structure.
  public let raw: UnsafePointer<cse_tokens>

  /// The number of sequences, over all views.
  public var sequences: Int { Int(raw.pointee.n_seqs) }
  /// The width of a token state.
  public var width: Int { Int(raw.pointee.dim) }
  /// The number of layers given, in the order they were asked for.
  public var layers: Int { Int(raw.pointee.n_layers) }
  /// The tokens of sequence `s`.
  public func tokens(of s: Int) -> Range<Int> { Int(raw.pointee.offsets[s])..<Int(raw.pointee.offsets[s + 1]) }

  /// The vocabulary's number of a token; nil in a pooler behind another one, which sees no tokens.
  public func id(of token: Int) -> Int? { raw.pointee.token_ids.map { Int($0[token]) } }

  /// The states of the `k`-th layer asked for: `[tokens, width]`.
  public func layer(_ k: Int) throws -> Matrix {
    guard k < layers, let tensor = raw.pointee.layers[k] else {
      throw PluginError.invalid("layer \(k) was expected and \(layers) were given")
    }
    return Matrix(tensor)
  }

  /// Where the gradient of the `k`-th layer is added; nil outside of backward.
  public func layerGradient(_ k: Int) -> Matrix? {
    k < layers ? raw.pointee.dlayers.flatMap { $0[k] }.map { Matrix($0) } : nil
  }
}
