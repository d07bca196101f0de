// What an argument of a bare function is for: reserved names have a meaning, other scalars are parameters, other
// `out` arrays are what the function makes. The table of Documentation/BareFunctions.md, in code.

/// What the host passes for an argument.
package enum BareRole: Sendable, Equatable {
  // Scalars.
  case parameter(Int)
  case rows, columns, width, tokenCount, sequenceCount
  case step, totalSteps, epoch, seed
  // Arrays that are read.
  case view(Int), unit(Int), similarity, logits, target, rowIDs, textIDs, scores, classes
  case hidden, offsets, tokenIDs, tokenFlags
  // Arrays that are written: `vectors` are a sampler's new vectors, or a pooler's vectors.
  case vectors(Int), gain, bias, rowLoss
  // Gradients: of `vectors` they arrive, all others are made.
  case vectorsGradient(Int), viewGradient(Int), unitGradient(Int), similarityGradient, logitGradient, hiddenGradient
  case weight(Int), weightGradient(Int)
  /// What is kept between batches; written by the commit function only.
  case state(Int)
  /// How many columns of a sampler's own block are in use.
  case used
  case scratch
  case uniform, normal
  /// An argument of `fn`, or of any function that is called by hand.
  case free

  /// Gradients are added to what is there already.
  var isMadeGradient: Bool {
    switch self {
    case .viewGradient, .unitGradient, .similarityGradient, .logitGradient, .hiddenGradient, .weightGradient: true
    default: false
    }
  }
}

/// One reserved name.
struct BareReserved {
  let role: BareRole
  /// Nil: a scalar.
  let dimensions: [BareDimension]?
  /// The types it may have in the text.
  let types: [BareScalar]

  private static let integers: [BareScalar] = [.i32, .i64, .u32, .u64, .size]
  private static let floats: [BareScalar] = [.f32, .f64]

  /// The meaning of `name` in a function of `kind`; nil for names that are not reserved there.
  static func named(_ name: String, in kind: BareDeclaration.Kind, of target: BareDeclaration.Kind) -> BareReserved? {
    if let scalar = scalar(name, target) { return kind == .commit && scalar.role == .columns ? nil : scalar }
    if kind == .commit { return committed(name, target) }
    switch target {
    case .pooler: return pooler(name, isBackward: kind == .backward)
    case .sampler, .metric, .loss: return batch(name, target, isBackward: kind == .backward)
    default: return nil
    }
  }

  private static func scalar(_ name: String, _ kind: BareDeclaration.Kind) -> BareReserved? {
    guard kind != .function else { return nil }
    func number(_ role: BareRole) -> BareReserved { BareReserved(role: role, dimensions: nil, types: integers) }
    let seesBatch = kind == .sampler || kind == .loss || kind == .metric
    switch name {
    case "step": return number(.step)
    case "total": return number(.totalSteps)
    case "epoch": return BareReserved(role: .epoch, dimensions: nil, types: floats)
    case "seed" where kind != .schedule: return BareReserved(role: .seed, dimensions: nil, types: [.u64, .i64])
    case "uniform" where kind != .schedule: return BareReserved(role: .uniform, dimensions: nil, types: [.f64])
    case "normal" where kind != .schedule: return BareReserved(role: .normal, dimensions: nil, types: [.f64])
    case "d" where kind != .schedule: return number(.width)
    case "n" where seesBatch: return number(.rows)
    case "m" where seesBatch: return number(.columns)
    case "t" where kind == .pooler: return number(.tokenCount)
    case "s" where kind == .pooler: return number(.sequenceCount)
    default: return nil
    }
  }

  private static func array(_ role: BareRole, _ dimensions: [String], _ types: [BareScalar] = floats) -> BareReserved {
    let parsed = dimensions.map { text in
      text == "s+1" ? BareDimension(name: "s", plus: 1) : BareDimension(name: text, plus: 0)
    }
    return BareReserved(role: role, dimensions: parsed, types: types)
  }

  private static func pooler(_ name: String, isBackward: Bool) -> BareReserved? {
    switch name {
    case "hidden": array(.hidden, ["t", "d"])
    case "offsets": array(.offsets, ["s+1"], integers)
    case "tokens": array(.tokenIDs, ["t"], [.i32, .i64])
    case "flags": array(.tokenFlags, ["t"], [.u8])
    case "dhidden" where isBackward: array(.hiddenGradient, ["t", "d"])
    default: nil
    }
  }

  /// A commit sees the batch, but neither scores nor gradients.
  private static func committed(_ name: String, _ kind: BareDeclaration.Kind) -> BareReserved? {
    guard let reserved = batch(name, kind, isBackward: false) else { return nil }
    switch reserved.role {
    case .view, .unit, .rowIDs, .textIDs, .scores, .classes: return reserved
    default: return nil
    }
  }

  private static func batch(_ name: String, _ kind: BareDeclaration.Kind, isBackward: Bool) -> BareReserved? {
    let makesGradients = isBackward || kind == .loss
    switch name {
    case "z1", "z2", "z3": return array(.view(Int(name.dropFirst()).map { $0 - 1 } ?? 0), ["n", "d"])
    case "u1", "u2", "u3": return array(.unit(Int(name.dropFirst()).map { $0 - 1 } ?? 0), ["n", "d"])
    case "dz1", "dz2", "dz3": return makesGradients ? array(.viewGradient(index(name)), ["n", "d"]) : nil
    case "du1", "du2", "du3": return makesGradients ? array(.unitGradient(index(name)), ["n", "d"]) : nil
    case "row_ids": return array(.rowIDs, ["n"], integers)
    case "text_ids": return array(.textIDs, ["n"], integers)
    case "scores": return array(.scores, ["n"])
    case "classes": return array(.classes, ["n"], integers)
    case "sim" where !(isBackward && kind == .sampler): return array(.similarity, ["n", "m"])
    case "gain" where kind == .sampler && !isBackward: return array(.gain, ["n", "m"])
    case "bias" where kind == .sampler && !isBackward: return array(.bias, ["n", "m"])
    case "used" where kind == .sampler && !isBackward:
      return BareReserved(role: .used, dimensions: [BareDimension(name: nil, plus: 1)], types: [.i64])
    case "logits" where kind == .loss: return array(.logits, ["n", "m"])
    case "target" where kind == .loss: return array(.target, ["n"], integers)
    case "dlogits" where kind == .loss: return array(.logitGradient, ["n", "m"])
    case "dsim" where kind == .loss: return array(.similarityGradient, ["n", "m"])
    case "row_loss" where kind == .loss: return array(.rowLoss, ["n"])
    default: return nil
    }
  }

  private static func index(_ name: String) -> Int { (Int(name.dropFirst(2)) ?? 1) - 1 }
}
