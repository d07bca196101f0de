// What `plan` declared, checked in full: nothing unknown, nothing that points at what does not exist.

import Glibc
import PluginAPI

/// What training data says of its rows beside their texts.
package struct Supervision: OptionSet, Sendable, Hashable {
  /// A combination of the two below.
  package let rawValue: UInt8
  /// By its bits.
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// How much anchor and positive belong together: `cse_batch.scores`.
  package static let scores = Supervision(rawValue: 1)
  /// Which rows have the same label: `cse_batch.classes`.
  package static let classes = Supervision(rawValue: 2)
}

/// What the host tells a plugin before it plans; all maxima of the run.
package struct PluginLimits: Sendable, Equatable {
  /// Rows of a batch.
  package var maxRows: Int
  /// Width of a hidden state for poolers, of an embedding for the others.
  package var width: Int
  /// Tokens of a batch, over all views.
  package var maxTokens: Int
  /// Sequences of a batch: rows times views.
  package var maxSequences: Int
  /// Hidden states there are, the embedding layer included.
  package var layerCount: Int
  /// Views of each row: 2, or 3 with hard negatives.
  package var viewCount: Int
  /// What is known of each row.
  package var supervision: Supervision
  /// Of each frozen encoder of the run the width of its vectors.
  package var guideWidths: [Int]
  /// Of the views the last so many that augmenters add: no hard negatives, of no text.
  package var addedViews = 0
  /// The texts of the training data, for samplers and losses that ask for them; nil: there are none.
  package var texts: RowTexts?
  /// The tokenizer, for augmenters; nil: there is none.
  package var vocabulary: VocabularyTexts?
  /// For poolers: token ids are below it; 0 where it is not known.
  package var vocabularySize = 0
  /// For poolers: where document frequencies come from.
  package var documents = DocumentSource.none

  /// Limits by their parts.
  package init(
    maxRows: Int, width: Int, maxTokens: Int, maxSequences: Int, layerCount: Int, viewCount: Int,
    supervision: Supervision = [], guideWidths: [Int] = []
  ) {
    self.maxRows = maxRows
    self.width = width
    self.maxTokens = maxTokens
    self.maxSequences = maxSequences
    self.layerCount = layerCount
    self.viewCount = viewCount
    self.supervision = supervision
    self.guideWidths = guideWidths
  }
}

/// A set of vectors a sampler writes, CSE_NEW(k), as its blocks need it.
package struct PlannedVectors: Sendable, Equatable {
  /// How many vectors there are.
  package enum Count: Sendable, Equatable {
    /// `perRow * N + fixed`.
    case shared(perRow: Int, fixed: Int)
    /// [N, perRow, width].
    case perRow(Int)
  }
  /// How many there are.
  package let count: Count
  /// Whether some block sends a gradient here.
  package var isLive: Bool

  /// Vectors by their parts.
  package init(count: Count, isLive: Bool) { (self.count, self.isLive) = (count, isLive) }
}

/// A checked `cse_plan`.
package struct PluginPlan: Sendable {
  /// Memory that holds nothing between calls.
  package var scratchBytes = 0
  /// Memory that holds what forward leaves for backward.
  package var tapeBytes = 0
  /// Pooler: width of its vectors.
  package var outputWidth: Int
  /// Pooler: the layers it reads, 0 = embeddings, resolved.
  package var layers: [Int]
  /// Pooler: reads only the first token of each sequence.
  package var firstTokenOnly = false
  /// Sampler: changes single logits.
  package var editsCells = false
  /// Loss: scores the first group of rows only.
  package var firstGroupOnly = false
  /// Sampler, loss: what it cannot do without.
  package var needs: Supervision = []
  /// Sampler, loss: reads the texts of the data.
  package var readsTexts = false
  /// Sampler: the candidates it appends, in order.
  package var blocks: [PlannedBlock] = []
  /// Sampler: the sets of vectors it writes, by the k of CSE_NEW(k).
  package var vectors: [PlannedVectors] = []
  /// Sampler, loss: further encodings of the views, in order.
  package var encodings: [PlannedEncoding] = []
  /// Augmenter: the views it edits.
  package var editedViews: [Int] = []
  /// Augmenter: what it makes of the one view it edits is a further view.
  package var addsView = false
  /// Augmenter: of n tokens it makes at most so many times n.
  package var growth = 1.0
  /// What it keeps between steps.
  package var states: [TensorDeclaration] = []
  /// What the optimiser moves.
  package var weights: [TensorDeclaration] = []

  /// The plan of a component without `plan`: the last layer, the same width, nothing else.
  init(limits: PluginLimits) {
    outputWidth = limits.width
    layers = [limits.layerCount - 1]
  }

  /// The number of float32 values that fill the machine's memory.
  static var largestElementCount: Int64 { Int64(sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) / 4) }
}

extension PluginPlan {
  /// Reads and checks what `plan` wrote into `raw`; the arrays are those the host provided.
  init(_ raw: cse_plan, kind: UInt32, limits: PluginLimits) throws {
    self.init(limits: limits)
    try readFlags(raw.flags, kind: kind)
    scratchBytes = try Self.byteCount(raw.scratch_bytes, "scratch_bytes")
    tapeBytes = try Self.byteCount(raw.tape_bytes, "tape_bytes")
    try Self.check(raw.n_layers, room: 64, "n_layers", allowed: kind == UInt32(CSE_POOLER))
    try Self.check(raw.n_blocks, room: 8, "n_blocks", allowed: kind == UInt32(CSE_SAMPLER))
    let remembers = kind != UInt32(CSE_AUGMENTER)
    try Self.check(raw.n_states, room: 16, "n_states", allowed: remembers)
    try Self.check(raw.n_weights, room: 16, "n_weights", allowed: remembers)
    let isStrategy = kind == UInt32(CSE_SAMPLER) || kind == UInt32(CSE_LOSS)
    try Self.check(raw.n_encodings, room: 8, "n_encodings", allowed: isStrategy)
    try readPooler(raw, kind: kind, limits: limits)
    try readAugmenter(raw, kind: kind, limits: limits)
    for index in 0..<Int(raw.n_states) {
      states.append(try TensorDeclaration(raw.states[index], isWeight: false, what: "states[\(index)]"))
    }
    for index in 0..<Int(raw.n_weights) {
      weights.append(try TensorDeclaration(raw.weights[index], isWeight: true, what: "weights[\(index)]"))
    }
    try checkNames()
    for state in states where state.start == .documents {
      guard kind == UInt32(CSE_POOLER), state.shape == [limits.vocabularySize] else {
        throw PlanRefusal(
          "state '\(state.name)' of shape \(state.shape) starts with document frequencies, which only a pooler's state "
            + "[\(limits.vocabularySize)] can")
      }
    }
    encodings = try (0..<Int(raw.n_encodings)).map {
      try PlannedEncoding(raw.encodings[$0], index: $0, limits: limits)
    }
    for index in 0..<Int(raw.n_blocks) {
      blocks.append(
        try PlannedBlock(raw.blocks[index], index: index, limits: limits, states: states, encodings: encodings))
    }
    try checkGroups()
    vectors = try Self.vectorSets(blocks)
  }

  /// Whether a block has `source` on one of its sides.
  package func compares(_ source: BlockSource) -> Bool {
    blocks.contains { $0.rows == source || $0.columns == source }
  }

  /// Bytes of the vectors and cells that its blocks need, gradients included, in batches of the largest size.
  package func memory(_ limits: PluginLimits) -> Int {
    // Rows begin at multiples of 64 bytes.
    let stride = (limits.width + 15) / 16 * 16
    let numbers = vectors.reduce(0) { sum, set in
      switch set.count {
      case .shared(let perRow, let fixed): sum + 2 * (perRow * limits.maxRows + fixed) * stride
      case .perRow(let count): sum + 2 * limits.maxRows * count * stride
      }
    }
    // Similarities and their gradient, logits and the two gradients of losses.
    let cells = blocks.reduce(0) { sum, block in
      var stateRows: Int?
      if case .state(let index) = block.columns { stateRows = states[index].shape.first }
      return sum + limits.maxRows * block.columnCount(rows: limits.maxRows, stateRows: stateRows)
    }
    return 4 * (numbers + 5 * cells)
  }

  private static func byteCount(_ value: UInt64, _ name: String) throws -> Int {
    guard value <= UInt64(largestElementCount) * 4 else {
      throw PlanRefusal("\(name) is \(value), which is more than this machine's memory")
    }
    return Int(value)
  }

  private static func check(_ count: UInt32, room: UInt32, _ name: String, allowed: Bool) throws {
    guard count <= room else { throw PlanRefusal("\(name) is \(count); there is room for \(room)") }
    guard allowed || count == 0 else { throw PlanRefusal("\(name) is \(count), but this kind of component has none") }
  }

  private mutating func readFlags(_ flags: UInt32, kind: UInt32) throws {
    let supervised = UInt32(CSE_NEEDS_SCORES) | UInt32(CSE_NEEDS_CLASSES)
    let known: UInt32
    switch Int(kind) {
    case Int(CSE_POOLER): known = UInt32(CSE_FIRST_TOKEN)
    case Int(CSE_SAMPLER): known = UInt32(CSE_EDIT_CELLS) | supervised | UInt32(CSE_NEEDS_TEXTS)
    case Int(CSE_LOSS): known = UInt32(CSE_FIRST_GROUP) | supervised | UInt32(CSE_NEEDS_TEXTS)
    case Int(CSE_AUGMENTER): known = UInt32(CSE_ADDS_VIEW)
    default: known = 0
    }
    guard flags & ~known == 0 else {
      throw PlanRefusal("flags 0x\(String(flags & ~known, radix: 16)) are unknown, or not for this kind of component")
    }
    firstTokenOnly = flags & UInt32(CSE_FIRST_TOKEN) != 0
    editsCells = flags & UInt32(CSE_EDIT_CELLS) != 0
    firstGroupOnly = flags & UInt32(CSE_FIRST_GROUP) != 0
    readsTexts = flags & UInt32(CSE_NEEDS_TEXTS) != 0
    addsView = flags & UInt32(CSE_ADDS_VIEW) != 0
    if flags & UInt32(CSE_NEEDS_SCORES) != 0 { needs.insert(.scores) }
    if flags & UInt32(CSE_NEEDS_CLASSES) != 0 { needs.insert(.classes) }
  }

  private mutating func readPooler(_ raw: cse_plan, kind: UInt32, limits: PluginLimits) throws {
    guard (0...(1 << 20)).contains(raw.out_dim) else {
      throw PlanRefusal("out_dim is \(raw.out_dim), expected 1 to 1048576, or 0 for the width it gets")
    }
    guard raw.out_dim == 0 || kind == UInt32(CSE_POOLER) else { throw PlanRefusal("out_dim is for poolers only") }
    if raw.out_dim > 0 { outputWidth = Int(raw.out_dim) }
    guard raw.n_layers > 0 else { return }
    layers = try (0..<Int(raw.n_layers)).map { index in
      let layer = Int(raw.layers[index])
      guard layer >= -limits.layerCount, layer < limits.layerCount else {
        throw PlanRefusal(
          "layers[\(index)] is \(layer), but this encoder has layers 0 (embeddings) to \(limits.layerCount - 1),"
            + " or -1 (last) to -\(limits.layerCount)")
      }
      return layer < 0 ? limits.layerCount + layer : layer
    }
  }

  private mutating func readAugmenter(_ raw: cse_plan, kind: UInt32, limits: PluginLimits) throws {
    guard kind == UInt32(CSE_AUGMENTER) else {
      guard raw.edited_views == 0, raw.max_growth == 0 else {
        throw PlanRefusal("edited_views and max_growth are for augmenters only")
      }
      return
    }
    let views = raw.edited_views == 0 ? 1 << UInt32(CSE_POSITIVE) : raw.edited_views
    editedViews = (0..<32).filter { views >> UInt32($0) & 1 == 1 }
    if let view = editedViews.first(where: { $0 >= limits.viewCount }) {
      throw PlanRefusal("it edits view z\(view + 1), but this run has \(limits.viewCount) views")
    }
    guard !addsView || editedViews.count == 1 else {
      throw PlanRefusal("it adds a view made of \(editedViews.count) views, expected one in edited_views")
    }
    guard raw.max_growth == 0 || (1...1000).contains(raw.max_growth) else {
      throw PlanRefusal("max_growth is \(raw.max_growth), expected 1 to 1000, or 0 for 1")
    }
    growth = max(raw.max_growth, 1)
  }

  private func checkNames() throws {
    for (kind, tensors) in [("state", states), ("weight", weights)] {
      var seen = Set<String>()
      for tensor in tensors where !seen.insert(tensor.name).inserted {
        throw PlanRefusal("two \(kind)s are named '\(tensor.name)'; checkpoints could not tell them apart")
      }
    }
  }

  /// Another group starts with its base; group 0 may have one replacement.
  private func checkGroups() throws {
    var started = Set<Int>()
    for block in blocks {
      if block.group == 0 {
        guard !block.isBase || started.insert(0).inserted else {
          throw PlanRefusal("two blocks replace the base of group 0; a group has one base")
        }
      } else if block.isBase {
        guard started.insert(block.group).inserted else {
          throw PlanRefusal("group \(block.group) has two CSE_BASE blocks; a group has one base")
        }
      } else if !started.contains(block.group) {
        throw PlanRefusal("group \(block.group) starts with '\(block.label)', which is not a CSE_BASE block")
      }
    }
  }

  /// What each CSE_NEW(k) has to hold, from the blocks that name it.
  private static func vectorSets(_ blocks: [PlannedBlock]) throws -> [PlannedVectors] {
    var sets: [Int: PlannedVectors] = [:]
    func add(_ source: BlockSource, _ count: PlannedVectors.Count, isLive: Bool, _ label: String) throws {
      guard case .new(let index) = source else { return }
      if let known = sets[index], known.count != count {
        throw PlanRefusal("new vectors \(index) have one size in block '\(label)' and another in an earlier block")
      }
      sets[index] = PlannedVectors(count: count, isLive: isLive || sets[index]?.isLive == true)
    }
    for block in blocks {
      let perRow = Int(block.raw.per_row)
      let fixed = Int(block.raw.fixed)
      let columns: PlannedVectors.Count =
        block.isPrivate ? .perRow(perRow) : .shared(perRow: perRow == 0 && fixed == 0 ? 1 : perRow, fixed: fixed)
      try add(block.rows, .shared(perRow: 1, fixed: 0), isLive: !block.detachesRows, block.label)
      try add(block.columns, columns, isLive: !block.detachesColumns, block.label)
    }
    let count = (sets.keys.max() ?? -1) + 1
    return try (0..<count).map { index in
      guard let set = sets[index] else { throw PlanRefusal("new vectors \(index) are in no block; number them from 0") }
      return set
    }
  }
}
