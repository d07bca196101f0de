// What a component declares before the first batch: memory, tensors, blocks of candidates, layers.

public import PluginAPI

/// Where the vectors on one side of a block come from.
public enum Source: Sendable {
  /// The first view, z1.
  case anchor
  /// The second view, z2.
  case positive
  /// The real hard negatives, z3.
  case hard
  /// This sampler's new vectors, set `k`.
  case new(Int)
  /// This sampler's state tensor `k`, used in place.
  case state(Int)
  /// This sampler's encoding `k`; not one by a guide.
  case encoding(Int)

  var code: Int32 {
    switch self {
    case .anchor: 0
    case .positive: 1
    case .hard: 2
    case .new(let k): 16 + Int32(k)
    case .state(let k): 256 + Int32(k)
    case .encoding(let k): 1024 + Int32(k)
    }
  }
}

/// How a block is compared.
public struct BlockOptions: OptionSet, Sendable {
  /// The flags of the header, `CSE_DETACH_ROWS` and so on, combined.
  public let rawValue: UInt32
  /// Flags of the header, combined.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// No gradient into the rows.
  public static let detachRows = BlockOptions(rawValue: UInt32(CSE_DETACH_ROWS))
  /// No gradient into the columns.
  public static let detachColumns = BlockOptions(rawValue: UInt32(CSE_DETACH_COLS))
  /// Dot product instead of cosine.
  public static let dot = BlockOptions(rawValue: UInt32(CSE_DOT))
  /// Row i has candidates of its own: columns are `[rows, perRow, width]`.
  public static let perRow = BlockOptions(rawValue: UInt32(CSE_PRIVATE))
  /// Holds the positives, column i for row i; replaces the group's base.
  public static let base = BlockOptions(rawValue: UInt32(CSE_BASE))
}

/// Who makes a further encoding of a view's texts. No gradient flows into it.
public enum Encoder: Sendable {
  /// The run's encoder, poolers and head. `dropout`: nil for the run's own probability, with other masks than the
  /// views'; 0 for none.
  case own(dropout: Float?)
  /// Their moving average: `average = decay * average + (1 - decay) * weights` after each step.
  case average(decay: Float, dropout: Float?)
  /// The frozen encoder number `k` of the run, from 0 (`--guide`): unit vectors of its own width.
  case guide(Int)
}

/// How a declared tensor starts.
public enum Initial: Sendable {
  case zero
  case constant(Float)
  case normal(mean: Float, deviation: Float)
  case uniform(from: Float, to: Float)
  case identity
  /// A pooler's state `[Limits.vocabulary]`: of each token id the share of the training texts that hold it.
  case documentFrequencies
}

/// What the host knows before the first batch.
public struct Limits {
  /// The host's own structure.
  public let raw: UnsafePointer<cse_limits>
  /// The largest number of rows of a batch; smaller batches are legal, down to one row.
  public var maximumRows: Int { Int(raw.pointee.max_rows) }
  /// The width of a hidden state (poolers) or of an embedding (samplers, losses).
  public var width: Int { Int(raw.pointee.dim) }
  /// The number of hidden layers, the embedding layer included.
  public var layers: Int { Int(raw.pointee.n_layers) }
  /// The number of views: 2, or 3 with real hard negatives, and those that augmenters add.
  public var views: Int { Int(raw.pointee.n_views) }
  /// The largest number of tokens of a batch.
  public var maximumTokens: Int { Int(raw.pointee.max_tokens) }
  /// Token ids are below it, for poolers; nil where the host does not say.
  public var vocabulary: Int? {
    let end = (MemoryLayout<cse_limits>.offset(of: \.vocab) ?? 0) + MemoryLayout<Int64>.size
    return Int(raw.pointee.struct_size) >= end && raw.pointee.vocab > 0 ? Int(raw.pointee.vocab) : nil
  }
  /// The largest number of sequences of a batch.
  public var maximumSequences: Int { Int(raw.pointee.max_seqs) }
  /// Of the views the last so many are made by augmenters: no hard negatives, and of no text.
  public var addedViews: Int {
    let end = (MemoryLayout<cse_limits>.offset(of: \.n_added_views) ?? 0) + MemoryLayout<UInt32>.size
    return Int(raw.pointee.struct_size) >= end ? Int(raw.pointee.n_added_views) : 0
  }
}

/// The declarations of one component, written into the host's plan.
public struct Plan {
  /// The host's own structure; its arrays have room for 64 layers, 8 blocks, 16 states and 16 weights.
  public let raw: UnsafeMutablePointer<cse_plan>
  /// Bytes of `cse_limits` that this host has: what tells how new it is.
  let limitsSize: Int

  /// Asks for `gain` and `bias` of every block.
  public func editCells() { raw.pointee.flags |= UInt32(CSE_EDIT_CELLS) }
  /// Refuses runs whose data has no score for each pair.
  public func needScores() { raw.pointee.flags |= UInt32(CSE_NEEDS_SCORES) }
  /// Refuses runs whose data has no label for each row.
  public func needClasses() { raw.pointee.flags |= UInt32(CSE_NEEDS_CLASSES) }
  /// Asks for the texts of the data (`Call.rowTexts`), and refuses runs that have none. Samplers and losses.
  public func readTexts() { raw.pointee.flags |= UInt32(CSE_NEEDS_TEXTS) }
  /// A pooler that reads only the first token of each sequence.
  public func readFirstTokenOnly() { raw.pointee.flags |= UInt32(CSE_FIRST_TOKEN) }
  /// Memory of one call, in bytes.
  public func scratch(bytes: Int) { raw.pointee.scratch_bytes = UInt64(bytes) }
  /// Memory from forward to backward and commit, in bytes.
  public func tape(bytes: Int) { raw.pointee.tape_bytes = UInt64(bytes) }
  /// The width of a pooler's vectors, where it is not the hidden width.
  public func outputWidth(_ width: Int) { raw.pointee.out_dim = Int64(width) }

  /// The views an augmenter edits, 0 = anchors; the positives alone where nothing is said.
  public func edit(views: [Int]) { raw.pointee.edited_views = views.reduce(0) { $0 | 1 << UInt32($1) } }

  /// What an augmenter makes of view `source` becomes a further view of the batch, and `source` stays as it is.
  /// - Throws: where the host adds no views.
  public func addView(from source: Int) throws {
    guard isSinceAddedViews else { throw PluginError.unsupported("this host adds no views: it needs a newer one") }
    edit(views: [source])
    raw.pointee.flags |= UInt32(CSE_ADDS_VIEW)
  }

  /// Says that an augmenter will set the dropout of sequences (`Edit.setDropout`).
  /// - Throws: where the host has one rate for all.
  public func setsDropout() throws {
    guard isSinceAddedViews else {
      throw PluginError.unsupported("this host has one dropout for all texts: it needs a newer one")
    }
  }

  /// Hosts that add views set the dropout of sequences, too.
  private var isSinceAddedViews: Bool {
    limitsSize >= (MemoryLayout<cse_limits>.offset(of: \.n_added_views) ?? 0) + MemoryLayout<UInt32>.size
  }

  /// Of n tokens of a batch an augmenter makes at most `growth * n`.
  public func grow(_ growth: Double) { raw.pointee.max_growth = growth }

  /// The layers a pooler reads: 0 = the embedding layer, -1 = the last.
  public func read(layers: [Int]) throws {
    guard let list = raw.pointee.layers, layers.count <= 64 else {
      throw PluginError.invalid("a pooler reads at most 64 layers, this one asked for \(layers.count)")
    }
    for (k, layer) in layers.enumerated() { list[k] = Int32(layer) }
    raw.pointee.n_layers = UInt32(layers.count)
  }

  /// Adds a block of candidate columns: every row vector is compared with every column vector.
  /// - Parameters:
  ///   - rows: The side the softmax runs over, one row each.
  ///   - columns: The candidates.
  ///   - options: Detached sides, dot product, columns of a row's own, base.
  ///   - group: 0 joins the host's rows; 1, 2, ... start further sets of rows, each with a base block.
  ///   - perRow: Columns for each row of the batch; with `.perRow`, the candidates of one row.
  ///   - fixed: Columns besides those. Both 0: one for each row, or all rows of a state.
  ///   - label: The name in logs.
  public func block(
    rows: Source, columns: Source, _ options: BlockOptions = [], group: Int = 0, perRow: Int = 0, fixed: Int = 0,
    label: StaticString
  ) throws {
    guard let blocks = raw.pointee.blocks, raw.pointee.n_blocks < 8 else {
      throw PluginError.invalid("a sampler declares at most 8 blocks")
    }
    blocks[Int(raw.pointee.n_blocks)] = cse_block(
      rows: rows.code, cols: columns.code, flags: options.rawValue, group: UInt32(group), per_row: Int64(perRow),
      fixed: Int64(fixed), label: text(label), reserved: 0)
    raw.pointee.n_blocks += 1
  }

  /// Asks for view `view` of every batch (0 = anchors) as another encoder sees it; `Batch.encoding` has it. Encodings
  /// are numbered in the order of their declaration.
  public func encode(view: Int, by encoder: Encoder) throws {
    let room = (MemoryLayout<cse_plan>.offset(of: \.encodings) ?? 0) + MemoryLayout<UnsafeRawPointer>.size
    guard Int(raw.pointee.struct_size) >= room, let encodings = raw.pointee.encodings else {
      throw PluginError.unsupported("this host has no further encodings")
    }
    guard raw.pointee.n_encodings < 8 else {
      throw PluginError.invalid("a component asks for at most 8 encodings")
    }
    var encoding = cse_encoding()
    encoding.view = Int32(view)
    switch encoder {
    case .own(let dropout): (encoding.by, encoding.dropout) = (UInt32(CSE_BY_ENCODER), dropout ?? -1)
    case .average(let decay, let dropout):
      (encoding.by, encoding.dropout, encoding.decay) = (UInt32(CSE_BY_AVERAGE), dropout ?? -1, decay)
    case .guide(let k): (encoding.by, encoding.guide) = (UInt32(CSE_BY_GUIDE), UInt32(k))
    }
    encodings[Int(raw.pointee.n_encodings)] = encoding
    raw.pointee.n_encodings += 1
  }

  /// Declares a state tensor: kept by the host, written in `commit` only, saved with every checkpoint.
  public func state(_ name: StaticString, shape: [Int], initial: Initial = .zero) throws {
    try add(declaration(name, shape, initial, flags: 0, rate: 0))
  }

  func add(_ state: cse_tensor_decl) throws {
    guard let states = raw.pointee.states, raw.pointee.n_states < 16 else {
      throw PluginError.invalid("a component declares at most 16 states")
    }
    states[Int(raw.pointee.n_states)] = state
    raw.pointee.n_states += 1
  }

  /// Declares a learnable tensor, optimised by the host.
  public func weight(
    _ name: StaticString, shape: [Int], initial: Initial = .zero, decays: Bool = true, rateMultiplier: Float = 1
  ) throws {
    guard let weights = raw.pointee.weights, raw.pointee.n_weights < 16 else {
      throw PluginError.invalid("a component declares at most 16 weights")
    }
    let flags = decays ? 0 : UInt32(CSE_NO_DECAY)
    weights[Int(raw.pointee.n_weights)] = try declaration(name, shape, initial, flags: flags, rate: rateMultiplier)
    raw.pointee.n_weights += 1
  }

  func declaration(
    _ name: StaticString, _ shape: [Int], _ initial: Initial = .zero, flags: UInt32 = 0, rate: Float = 0
  ) throws -> cse_tensor_decl {
    guard (1...4).contains(shape.count) else {
      throw PluginError.invalid("tensor \(name) has \(shape.count) axes; 1 to 4 are possible")
    }
    var tensor = cse_tensor_decl()
    tensor.name = text(name)
    tensor.ndim = Int32(shape.count)
    let sizes = (shape + [0, 0, 0]).map { Int64($0) }
    tensor.shape = (sizes[0], sizes[1], sizes[2], sizes[3])
    tensor.flags = flags
    tensor.lr_mult = rate
    switch initial {
    case .zero: tensor.`init` = UInt32(CSE_INIT_ZERO)
    case .constant(let value): (tensor.`init`, tensor.a) = (UInt32(CSE_INIT_CONST), value)
    case .normal(let mean, let deviation):
      (tensor.`init`, tensor.a, tensor.b) = (UInt32(CSE_INIT_NORMAL), mean, deviation)
    case .uniform(let from, let to): (tensor.`init`, tensor.a, tensor.b) = (UInt32(CSE_INIT_UNIFORM), from, to)
    case .identity: tensor.`init` = UInt32(CSE_INIT_EYE)
    case .documentFrequencies: tensor.`init` = UInt32(CSE_INIT_DOCUMENTS)
    }
    return tensor
  }

  private func text(_ string: StaticString) -> UnsafePointer<CChar>? {
    string.hasPointerRepresentation ? UnsafeRawPointer(string.utf8Start).assumingMemoryBound(to: CChar.self) : nil
  }
}
