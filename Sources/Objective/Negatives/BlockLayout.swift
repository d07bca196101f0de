// What every row is compared with: in-batch negatives, real hard negatives and the blocks of all samplers; which group
// each joins, what replaces a base, who sees and edits what. Made by ContrastiveObjective.
//
// Group 0 is [base | hard negatives | samplers' blocks in command-line order]. A CSE_BASE block of group 0 takes the
// base's place. Group numbers above 0 are a sampler's own: group 1 of two samplers are two groups.

import Host

/// The blocks of every group, the base first.
struct BlockLayout {
  private(set) var groups: [[SimilarityBlock]] = [[]]

  init(stages: [SamplerStage], views: [ComparedVectors], limits: PluginLimits, hardNegativeWeight: Double) throws {
    let (base, hard) = Self.hostBlocks(views, limits, hardNegativeWeight)
    for stage in stages { stage.adopt(Self.blocks(of: stage, views: views, limits: limits)) }
    let first = try Self.replacement(stages) ?? base
    groups[0] = [first] + hard
    for stage in stages {
      var local: [Int: Int] = [0: 0]
      for block in stage.blocks where block !== first {
        let group = block.planned.group
        if local[group] == nil {
          local[group] = groups.count
          groups.append([])
        }
        groups[local[group] ?? 0].append(block)
      }
    }
    if hardNegativeWeight != 0 { for block in hard { block.allowEdits(maxRows: limits.maxRows) } }
    var seen = [first] + hard
    for stage in stages {
      if stage.instance.plan.editsCells {
        for block in seen + stage.blocks { block.allowEdits(maxRows: limits.maxRows) }
      }
      seen += stage.blocks
    }
    seen = [first] + hard
    for stage in stages {
      stage.see(seen)
      seen += stage.blocks
    }
  }

  /// Anchors against positives, and against real hard negatives where there is a third view.
  private static func hostBlocks(
    _ views: [ComparedVectors], _ limits: PluginLimits, _ hardNegativeWeight: Double
  ) -> (base: SimilarityBlock, hard: [SimilarityBlock]) {
    let base = SimilarityBlock(
      PlannedBlock(host: 0, 1, isBase: true, label: "in-batch"), owner: nil, rows: views[0], columns: views[1],
      width: limits.width)
    // What augmenters add is nobody's hard negative.
    guard views.count - limits.addedViews > 2 else { return (base, []) }
    let hard = SimilarityBlock(
      PlannedBlock(host: 0, 2, isBase: false, label: "hard-negative"), owner: nil, rows: views[0], columns: views[2],
      width: limits.width, diagonalBias: Float(hardNegativeWeight))
    return (base, [hard])
  }

  private static func blocks(
    of stage: SamplerStage, views: [ComparedVectors], limits: PluginLimits
  ) -> [SimilarityBlock] {
    stage.instance.plan.blocks.map { planned in
      guard let rows = stage.vectors(planned.rows, views: views),
        let columns = stage.vectors(planned.columns, views: views)
      else { preconditionFailure("a checked plan names vectors that do not exist") }
      return SimilarityBlock(planned, owner: stage.index, rows: rows, columns: columns, width: limits.width)
    }
  }

  private static func replacement(_ stages: [SamplerStage]) throws -> SimilarityBlock? {
    let found = stages.flatMap(\.blocks).filter { $0.planned.isBase && $0.planned.group == 0 }
    if found.count > 1, let first = found[0].owner, let second = found[1].owner {
      throw ObjectiveError.twoBases(first: stages[first].instance.name, second: stages[second].instance.name)
    }
    return found.first
  }
}
