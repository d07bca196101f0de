// One function with the meaning of its arguments found out: what ForeignFunction, BareInvocation and `plugins check`
// use.

import PluginGrammar

/// An argument with its role.
package struct BareSlot: Sendable, Equatable {
  /// As declared.
  package let argument: BareArgument
  /// What it means to the host.
  package let role: BareRole
  /// In, out, inout, gradient: what the function does with an array.
  package let direction: BareArgument.Direction

  /// Whether the function writes to the array.
  package var isWritten: Bool { direction == .out || direction == .inout || direction == .grad }
}

/// A declaration with roles.
package struct BareSignature: Sendable, Equatable {
  /// As written.
  package let declaration: BareDeclaration
  /// One for each argument, in order.
  package let slots: [BareSlot]

  /// The first argument of a role; nil where none has it.
  package func slot(_ role: BareRole) -> BareSlot? { slots.first { $0.role == role } }
  /// Whether an argument has the role.
  package func has(_ role: BareRole) -> Bool { slots.contains { $0.role == role } }
}

/// Finds the roles of the arguments of one declaration and of its backward function.
struct BareResolver {
  let text: String
  /// What the function belongs to: for a backward function the forward one.
  let owner: BareDeclaration
  private(set) var parameters: [ParameterDeclaration] = []
  private(set) var weights: [BareArgument] = []
  var states: [BareArgument] = []
  private(set) var outputs: [BareArgument] = []

  init(text: String, owner: BareDeclaration) {
    self.text = text
    self.owner = owner
  }

  mutating func signature(of declaration: BareDeclaration) throws(BareTextProblem) -> BareSignature {
    var slots: [BareSlot] = []
    for argument in declaration.arguments {
      let slot = try slot(argument, in: declaration.kind)
      // `grad z1` and `out dz1` are the same array.
      if slot.role != .free, slot.role != .scratch, slots.contains(where: { $0.role == slot.role }) {
        throw problem(argument.place, "'\(argument.name)' stands for what another argument stands for already")
      }
      slots.append(slot)
    }
    let signature = BareSignature(declaration: declaration, slots: slots)
    try checkDimensions(signature)
    return signature
  }

  func problem(_ place: Int, _ message: String) -> BareTextProblem {
    BareParser.problem(in: text, at: place, message)
  }

  // MARK: One argument

  private mutating func slot(
    _ argument: BareArgument, in kind: BareDeclaration.Kind
  ) throws(BareTextProblem) -> BareSlot {
    if owner.kind == .function { return try free(argument) }
    // `grad z1` is the gradient of z1.
    let name = argument.direction == .grad ? "d" + argument.name : argument.name
    switch argument.direction {
    case .scratch: return try scratch(argument)
    case .weight: return try weight(argument, in: kind)
    case .state: return try state(argument, in: kind)
    default: break
    }
    if let slot = try knownState(argument, in: kind) { return slot }
    if let reserved = BareReserved.named(name, in: kind, of: owner.kind) {
      return try self.reserved(reserved, argument, name)
    }
    if argument.direction == .cb {
      throw problem(argument.place, "expected a callback the host has: cb uniform:f64 or cb normal:f64")
    }
    if kind == .backward || kind == .loss, let slot = try backwardSlot(argument, name) { return slot }
    if let index = weights.firstIndex(where: { $0.name == name }), argument.isArray, argument.direction != .grad {
      return BareSlot(argument: argument, role: .weight(index), direction: .in)
    }
    if argument.isArray { return try output(argument, in: kind) }
    return BareSlot(argument: argument, role: .parameter(try parameter(argument, in: kind)), direction: .in)
  }

  private func free(_ argument: BareArgument) throws(BareTextProblem) -> BareSlot {
    let isKnown = [nil, .in, .out, .inout].contains(argument.direction)
    guard isKnown else { throw problem(argument.place, "an argument of a fn is in, out or inout") }
    guard !(argument.isArray && argument.type == .cstr) else {
      throw problem(argument.place, "there are no arrays of cstr")
    }
    guard argument.isArray || argument.direction == nil || argument.direction == .in else {
      throw problem(argument.place, "only arrays are written; a single result is returned")
    }
    return BareSlot(argument: argument, role: .free, direction: argument.direction ?? .in)
  }

  private func reserved(
    _ reserved: BareReserved, _ argument: BareArgument, _ name: String
  ) throws(BareTextProblem) -> BareSlot {
    guard reserved.types.contains(argument.type) else {
      let types = reserved.types.map(\.rawValue).joined(separator: ", ")
      throw problem(argument.place, "'\(name)' is one of \(types), found \(argument.type.rawValue)")
    }
    guard argument.dimensions == reserved.dimensions else {
      let shape = reserved.dimensions.map { "[\($0.map(\.description).joined(separator: ","))]" } ?? ""
      throw problem(
        argument.place, "'\(name)' is \(argument.type.rawValue)\(shape), found \(argument.typeText)")
    }
    guard argument.defaultText == nil, argument.range == nil else {
      throw problem(argument.place, "'\(name)' is given by the host; it has no default and no range")
    }
    let direction = try Self.direction(reserved.role, argument, self)
    if case .view(let view) = reserved.role, view > 2 { throw problem(argument.place, "there are three views") }
    return BareSlot(argument: argument, role: reserved.role, direction: direction)
  }

  private static func direction(
    _ role: BareRole, _ argument: BareArgument, _ resolver: BareResolver
  ) throws(BareTextProblem) -> BareArgument.Direction {
    let legal: [BareArgument.Direction]
    switch role {
    case .gain, .bias: legal = [.inout]
    case .rowLoss, .used: legal = [.out]
    case .uniform, .normal: legal = [.cb]
    case _ where role.isMadeGradient: legal = [.out, .grad]
    default: legal = [.in]
    }
    let given = argument.direction ?? (legal == [.in] ? .in : nil)
    guard let given, legal.contains(given) else {
      let words = legal.map(\.rawValue).joined(separator: "' or '")
      throw resolver.problem(argument.place, "write '\(words)' before '\(argument.name)'")
    }
    return given
  }

  private func scratch(_ argument: BareArgument) throws(BareTextProblem) -> BareSlot {
    guard argument.isArray, argument.type != .cstr else {
      throw problem(argument.place, "scratch is an array, such as scratch tmp:f32[n,d]")
    }
    return BareSlot(argument: argument, role: .scratch, direction: .scratch)
  }

  private mutating func weight(
    _ argument: BareArgument, in kind: BareDeclaration.Kind
  ) throws(BareTextProblem) -> BareSlot {
    if let index = weights.firstIndex(where: { $0.name == argument.name }) {
      return BareSlot(argument: argument, role: .weight(index), direction: .in)
    }
    guard !kind.isPart else { throw problem(argument.place, "no weight '\(argument.name)' is declared") }
    guard argument.isArray, argument.type == .f32, weights.count < 16 else {
      throw problem(
        argument.place, "a weight is an array of f32, such as weight w:f32[d] = 1, and there are at most 16")
    }
    if let text = argument.defaultText, decimalNumber(text)?.isFinite != true {
      throw problem(argument.place, "the default of a weight is the number it starts with, found '\(text)'")
    }
    weights.append(argument)
    return BareSlot(argument: argument, role: .weight(weights.count - 1), direction: .in)
  }

  /// In a backward function, or a loss that makes its own gradients: gradients of the forward one's vectors and
  /// weights, and the vectors themselves.
  private func backwardSlot(_ argument: BareArgument, _ name: String) throws(BareTextProblem) -> BareSlot? {
    guard argument.isArray else { return nil }
    if name.hasPrefix("d") {
      let rest = String(name.dropFirst())
      if let index = outputs.firstIndex(where: { $0.name == rest }) {
        guard argument.direction == nil || argument.direction == .in else {
          throw problem(argument.place, "'\(name)' arrives; it is not written")
        }
        return BareSlot(argument: argument, role: .vectorsGradient(index), direction: .in)
      }
      if let index = weights.firstIndex(where: { $0.name == rest }) {
        guard argument.direction == .out || argument.direction == .grad else {
          throw problem(argument.place, "write 'out' or 'grad' before '\(argument.name)'")
        }
        return BareSlot(argument: argument, role: .weightGradient(index), direction: argument.direction ?? .out)
      }
    }
    guard let index = outputs.firstIndex(where: { $0.name == name }) else { return nil }
    guard owner.kind == .pooler else { throw problem(argument.place, "only a pooler's backward sees its vectors") }
    return BareSlot(argument: argument, role: .vectors(index), direction: .in)
  }

  private mutating func output(
    _ argument: BareArgument, in kind: BareDeclaration.Kind
  ) throws(BareTextProblem) -> BareSlot {
    guard argument.direction == .out, kind == .sampler || kind == .pooler else {
      let near = didYouMean(
        nearestNames(to: argument.name, among: Self.arrays(owner.kind, in: kind)))
      throw problem(argument.place, "a \(kind.rawValue) is given no array '\(argument.name)'\(near)")
    }
    guard argument.type.isFloat else { throw problem(argument.place, "vectors are f32 or f64") }
    guard outputs.count < (kind == .pooler ? 1 : 4) else {
      throw problem(argument.place, kind == .pooler ? "a pooler writes one array" : "a sampler writes at most 4 arrays")
    }
    outputs.append(argument)
    return BareSlot(argument: argument, role: .vectors(outputs.count - 1), direction: .out)
  }

  private static func arrays(_ owner: BareDeclaration.Kind, in kind: BareDeclaration.Kind) -> [String] {
    let all = [
      "z1", "z2", "z3", "u1", "u2", "u3", "dz1", "dz2", "dz3", "du1", "du2", "du3", "row_ids", "text_ids",
      "scores", "classes", "sim", "gain", "bias", "logits", "target", "dlogits", "dsim", "row_loss", "hidden",
      "offsets", "tokens", "flags", "dhidden", "used",
    ]
    return all.filter { BareReserved.named($0, in: kind, of: owner) != nil }
  }

  // MARK: Parameters

  private mutating func parameter(
    _ argument: BareArgument, in kind: BareDeclaration.Kind
  ) throws(BareTextProblem) -> Int {
    let index = parameters.firstIndex { $0.name == argument.name }
    if kind.isPart {
      guard let index else {
        throw problem(
          argument.place, "'\(owner.name)' has no parameter '\(argument.name)' that its \(kind.rawValue) could see")
      }
      return index
    }
    guard let text = argument.defaultText else {
      let near = didYouMean(
        nearestNames(to: argument.name, among: ["n", "m", "d", "t", "s", "step", "total", "epoch", "seed"]))
      throw problem(
        argument.place, "'\(argument.name)' is no name the host knows\(near); a parameter needs a default: = 0.5")
    }
    guard argument.direction == nil || argument.direction == .in else {
      throw problem(argument.place, "a parameter is read only")
    }
    let type: ParameterType =
      switch argument.type {
      case .bool: .bool
      case .cstr: .string
      case .f32, .f64: .float
      default: .int
      }
    let range = argument.range ?? Self.naturalRange(argument.type)
    guard case .success(let value) = parameterValue(text, type: type, range: range) else {
      throw problem(argument.place, "the default '\(text)' of '\(argument.name)' is no \(argument.type.rawValue)")
    }
    let isExtent = owner.arguments.contains { $0.dimensions?.contains { $0.name == argument.name } == true }
    parameters.append(
      ParameterDeclaration(
        name: argument.name, type: type, default: value, range: range, live: !isExtent, log: argument.log,
        text: argument.text))
    return parameters.count - 1
  }

  /// So that no value is cut when it is passed.
  private static func naturalRange(_ type: BareScalar) -> ParameterRange? {
    let ends: (Double, Double)? =
      switch type {
      case .i32: (-2_147_483_648, 2_147_483_647)
      case .u32: (0, 4_294_967_295)
      case .u8: (0, 255)
      case .u64, .size: (0, 9_007_199_254_740_992)
      default: nil
      }
    return ends.map { ParameterRange(lower: $0.0, lowerIncluded: true, upper: $0.1, upperIncluded: true) }
  }

  // MARK: Dimensions

  /// Every name in a dimension is an extent the host knows or an integer parameter.
  private func checkDimensions(_ signature: BareSignature) throws(BareTextProblem) {
    for slot in signature.slots {
      for dimension in slot.argument.dimensions ?? [] {
        guard let name = dimension.name else { continue }
        if owner.kind == .function {
          let isArgument = signature.slots.contains {
            $0.argument.name == name && $0.argument.type.isInteger && !$0.argument.isArray
          }
          if isArgument || ["n", "m", "d", "t", "s"].contains(name) { continue }
        } else if BareReserved.named(name, in: signature.declaration.kind, of: owner.kind)?.dimensions == nil,
          BareReserved.named(name, in: signature.declaration.kind, of: owner.kind)?.role.isExtent == true
        {
          continue
        } else if parameters.contains(where: { $0.name == name && $0.type == .int }) {
          continue
        }
        throw problem(
          slot.argument.place,
          "the dimension '\(name)' of '\(slot.argument.name)' is neither n, m, d, t, s nor an integer")
      }
    }
  }
}

extension BareRole {
  var isExtent: Bool {
    switch self {
    case .rows, .columns, .width, .tokenCount, .sequenceCount: true
    default: false
    }
  }
}
