// One block of candidate columns as a sampler declared it: read from cse_block, checked against what exists.

package import PluginAPI

/// Where the vectors on one side of a block come from.
package enum BlockSource: Sendable, Equatable, CustomStringConvertible {
  /// View k of the batch: 0 anchor, 1 positive, 2 hard negative.
  case view(Int)
  /// Set k of the sampler's own new vectors.
  case new(Int)
  /// State tensor k of the sampler, used in place.
  case state(Int)
  /// Encoding k of the sampler.
  case encoding(Int)

  /// Reads the header's number; nil where it means nothing.
  init?(_ code: Int32) {
    switch code {
    case 0..<16: self = .view(Int(code))
    case 16..<256: self = .new(Int(code) - 16)
    case 256..<(256 + 16): self = .state(Int(code) - 256)
    case 1024..<(1024 + 8): self = .encoding(Int(code) - 1024)
    default: return nil
    }
  }

  /// `z1`, `new[0]`, `state[0]`, `encoding[0]`.
  package var description: String {
    switch self {
    case .view(let index): "z\(index + 1)"
    case .new(let index): "new[\(index)]"
    case .state(let index): "state[\(index)]"
    case .encoding(let index): "encoding[\(index)]"
    }
  }
}

/// A checked `cse_block`.
package struct PlannedBlock: Sendable {
  /// As the plugin gave it, for the structs that go back to plugins.
  package nonisolated(unsafe) let raw: cse_block
  /// What stands on the rows' side.
  package let rows: BlockSource
  /// What stands on the columns' side: the candidates.
  package let columns: BlockSource
  /// For logs and reports; never empty.
  package let label: String

  /// CSE_DETACH_ROWS: no gradient reaches the rows' side.
  package var detachesRows: Bool { raw.flags & UInt32(CSE_DETACH_ROWS) != 0 }
  /// CSE_DETACH_COLS: no gradient reaches the candidates.
  package var detachesColumns: Bool { raw.flags & UInt32(CSE_DETACH_COLS) != 0 }
  /// CSE_DOT: vectors as they are, instead of their unit vectors.
  package var usesDotProduct: Bool { raw.flags & UInt32(CSE_DOT) != 0 }
  /// CSE_PRIVATE: every row has candidates of its own.
  package var isPrivate: Bool { raw.flags & UInt32(CSE_PRIVATE) != 0 }
  /// CSE_BASE: column i is row i's positive.
  package var isBase: Bool { raw.flags & UInt32(CSE_BASE) != 0 }
  /// 0, or the sampler's own number of another group of rows.
  package var group: Int { Int(raw.group) }
  /// How many columns a row of the block has, with `n` rows in the batch; `stateRows`: of the state used as columns.
  package func columnCount(rows n: Int, stateRows: Int?) -> Int {
    if isPrivate { return Int(raw.per_row) }
    if raw.per_row == 0, raw.fixed == 0 { return stateRows ?? n }
    return Int(raw.per_row) * n + Int(raw.fixed)
  }

  /// The host's own block of one view against another.
  package init(host rows: Int, _ columns: Int, isBase: Bool, label: StaticString) {
    var block = cse_block()
    block.rows = Int32(rows)
    block.cols = Int32(columns)
    block.flags = isBase ? UInt32(CSE_BASE) : 0
    block.label = UnsafeRawPointer(label.utf8Start).assumingMemoryBound(to: CChar.self)
    raw = block
    self.rows = .view(rows)
    self.columns = .view(columns)
    self.label = label.description
  }

  /// `count` columns that a sampler asks about in the middle of its call.
  package init(madeUp count: Int) {
    var block = cse_block()
    block.cols = 16
    block.flags = UInt32(CSE_DETACH_ROWS)
    block.fixed = Int64(count)
    raw = block
    rows = .view(0)
    columns = .new(0)
    label = "made up"
  }

  /// Reads and checks block `index` of a plan.
  init(
    _ raw: cse_block, index: Int, limits: PluginLimits, states: [TensorDeclaration], encodings: [PlannedEncoding]
  ) throws {
    self.raw = raw
    let given = raw.label.map { String(cString: $0) } ?? ""
    label = given.isEmpty ? "block\(index)" : given
    let title = "blocks[\(index)] '\(label)'"
    let known = CSE_DETACH_ROWS | CSE_DETACH_COLS | CSE_DOT | CSE_PRIVATE | CSE_BASE
    let unknown = raw.flags & ~UInt32(known)
    guard unknown == 0 else { throw PlanRefusal("\(title) has unknown flags 0x\(String(unknown, radix: 16))") }
    rows = try Self.source(raw.rows, side: "rows", title: title)
    columns = try Self.source(raw.cols, side: "cols", title: title)
    guard raw.per_row >= 0, raw.fixed >= 0, raw.per_row <= 1 << 24, raw.fixed <= 1 << 32 else {
      throw PlanRefusal("\(title): per_row \(raw.per_row) and fixed \(raw.fixed) must be at least 0 and not absurd")
    }
    try checkPrivate(title)
    try checkBase(title)
    for (source, isRows) in [(rows, true), (columns, false)] {
      try check(source, isRows: isRows, title: title, limits: limits, states: states, encodings: encodings)
    }
  }

  private static func source(_ code: Int32, side: String, title: String) throws -> BlockSource {
    guard let source = BlockSource(code) else {
      throw PlanRefusal(
        "\(title): \(side) is \(code), expected a view (0 to 15), CSE_NEW(k), CSE_STATE(k) or "
          + "CSE_ENCODING(k)")
    }
    return source
  }

  private func checkPrivate(_ title: String) throws {
    guard isPrivate else { return }
    guard raw.fixed == 0, raw.per_row >= 1 else {
      throw PlanRefusal("\(title): a private block has per_row of at least 1 and fixed 0")
    }
    switch columns {
    case .state: throw PlanRefusal("\(title): private columns are new vectors or a view, not a state")
    case .view where raw.per_row != 1, .encoding where raw.per_row != 1:
      throw PlanRefusal("\(title): a view or an encoding as private columns has per_row 1")
    default: break
    }
  }

  private func checkBase(_ title: String) throws {
    guard isBase else { return }
    guard !isPrivate else {
      throw PlanRefusal("\(title): CSE_BASE says that column i is row i's positive, so it cannot be private")
    }
    if case .state = columns { throw PlanRefusal("\(title): the positives of a CSE_BASE block cannot be a state") }
    guard raw.per_row >= 1 || raw.fixed == 0 else {
      throw PlanRefusal("\(title): a CSE_BASE block needs a column for each row, per_row of at least 1")
    }
  }

  /// One column for each row of the batch.
  private var isWhole: Bool { (raw.per_row == 0 || raw.per_row == 1) && raw.fixed == 0 }

  private func check(
    _ source: BlockSource, isRows: Bool, title: String, limits: PluginLimits, states: [TensorDeclaration],
    encodings: [PlannedEncoding]
  ) throws {
    let side = isRows ? "rows" : "cols"
    switch source {
    case .view(let index):
      guard index < limits.viewCount else {
        throw PlanRefusal("\(title): \(side) is view z\(index + 1), but this run has \(limits.viewCount) views")
      }
      guard isRows || isWhole else { throw PlanRefusal("\(title): a view as columns has N of them") }
    case .new: break
    case .encoding(let index):
      guard index < encodings.count else {
        throw PlanRefusal("\(title): \(side) is encoding \(index), but the plan asks for \(encodings.count)")
      }
      if case .guide = encodings[index].source {
        throw PlanRefusal("\(title): \(side) is encoding \(index), of a guide: its space is not the embeddings'")
      }
      guard isRows || isWhole else { throw PlanRefusal("\(title): an encoding as columns has N of them") }
    case .state(let index):
      guard index < states.count else {
        throw PlanRefusal("\(title): \(side) is state \(index), but the plan declares \(states.count) states")
      }
      let state = states[index]
      guard state.element == .float32, state.shape.count == 2, state.shape[1] == limits.width else {
        throw PlanRefusal(
          "\(title): \(side) is state '\(state.name)' of shape \(state.shape), expected float32 [rows, \(limits.width)]"
        )
      }
      let needed = isRows ? limits.maxRows : columnCount(rows: limits.maxRows, stateRows: state.shape[0])
      guard state.shape[0] >= needed else {
        throw PlanRefusal("\(title): state '\(state.name)' has \(state.shape[0]) rows, \(needed) are needed")
      }
    }
  }
}
