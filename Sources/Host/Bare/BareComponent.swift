// A component made of bare functions: the checked meaning of one declaration and of its backward function.
// Made when a library is read; BareAdapters give it the form of a descriptor.

package import PluginGrammar

/// A bare function that is a component of its own.
package final class BareComponent: Sendable {
  /// What it is for; a metric is a sampler without candidates, a schedule is `other`.
  package let kind: ComponentKind
  /// The function that is the component.
  package let forward: BareSignature
  /// What sends gradients back; nil where there is none.
  package let backward: BareSignature?
  /// What changes its states after a step; nil where there is none.
  package let commit: BareSignature?
  /// The scalars that may be set, in order.
  package let parameters: [ParameterDeclaration]
  /// The arrays the optimiser moves.
  package let weights: [BareArgument]
  /// The arrays its commit writes.
  package let states: [BareArgument]
  /// The arrays a sampler or pooler makes.
  package let outputs: [BareArgument]
  /// The name of a metric's number, else empty.
  package let metrics: [String]
  /// What a user should know of it.
  package let warnings: [String]

  /// The name in the text.
  package var name: String { forward.declaration.name }

  /// Whether a loss reads logits; else it reads embeddings.
  package var scoresLogits: Bool {
    forward.slots.contains { [.logits, .similarity, .target, .columns].contains($0.role) }
  }

  /// Whether any of its functions reads an array.
  func reads(_ role: BareRole) -> Bool { forward.has(role) || backward?.has(role) == true || commit?.has(role) == true }

  private init(_ parts: Parts) {
    kind = parts.kind
    forward = parts.forward
    backward = parts.backward
    commit = parts.commit
    parameters = parts.parameters
    weights = parts.weights
    states = parts.states
    outputs = parts.outputs
    metrics = parts.metrics
    warnings = parts.warnings
  }

  private struct Parts {
    var kind: ComponentKind
    var forward: BareSignature
    var backward: BareSignature?
    var commit: BareSignature?
    var parameters: [ParameterDeclaration]
    var weights: [BareArgument]
    var states: [BareArgument]
    var outputs: [BareArgument]
    var metrics: [String] = []
    var warnings: [String] = []
  }

  /// Every component of a text, in order.
  package static func components(
    of text: BareText, source: String
  ) throws(BareTextProblem) -> [BareComponent] {
    var result: [BareComponent] = []
    for declaration in text.declarations where !declaration.kind.isPart {
      result.append(try component(declaration, in: text, source: source))
    }
    for declaration in text.declarations where declaration.kind.isPart {
      let isUsed = text.declarations.contains { other in
        declaration.name
          == (declaration.kind == .backward ? other.attributes.backward : other.attributes.commit)
      }
      if !isUsed {
        throw BareParser.problem(
          in: source, at: declaration.place,
          "no declaration says \(declaration.kind.rawValue)(\(declaration.name)), so nothing calls it")
      }
    }
    return result
  }

  private static func component(
    _ declaration: BareDeclaration, in text: BareText, source: String
  ) throws(BareTextProblem) -> BareComponent {
    var resolver = BareResolver(text: source, owner: declaration)
    let forward = try resolver.signature(of: declaration)
    let attributes = declaration.attributes
    func part(_ kind: BareDeclaration.Kind, _ name: String?) throws(BareTextProblem) -> BareSignature? {
      guard let name else { return nil }
      guard let found = text.declarations.first(where: { $0.kind == kind && $0.name == name }) else {
        throw resolver.problem(
          declaration.place, "\(kind.rawValue)(\(name)): there is no '\(kind.rawValue) \(name)(...)' in this text")
      }
      return try resolver.signature(of: found)
    }
    let backward = try part(.backward, attributes.backward)
    let commit = try part(.commit, attributes.commit)
    var parts = Parts(
      kind: componentKind(declaration.kind), forward: forward, backward: backward, commit: commit,
      parameters: resolver.parameters, weights: resolver.weights, states: resolver.states, outputs: resolver.outputs)
    if case .metric(_, let name) = declaration.result { parts.metrics = [name] }
    let rules = BareRules(forward: forward, backward: backward, commit: commit, resolver: resolver)
    try rules.check()
    parts.warnings = rules.warnings
    return BareComponent(parts)
  }

  private static func componentKind(_ kind: BareDeclaration.Kind) -> ComponentKind {
    switch kind {
    case .pooler: .pooler
    // A metric is a sampler without candidates: it sees the batch and reports a number.
    case .sampler, .metric: .sampler
    case .loss: .loss
    case .backward, .commit, .schedule, .function: .other
    }
  }
}

/// What each kind must have and may not have.
struct BareRules {
  let forward: BareSignature
  let backward: BareSignature?
  let commit: BareSignature?
  let resolver: BareResolver

  private var declaration: BareDeclaration { forward.declaration }
  private var attributes: BareAttributes { declaration.attributes }

  var warnings: [String] {
    guard attributes.isRowwise else { return [] }
    return [
      "loss '\(declaration.name)' is rowwise: its gradient is taken by finite differences, two calls for each column;"
        + " fine for trying an idea, too slow and too coarse for more"
    ]
  }

  func check() throws(BareTextProblem) {
    if let backward, backward.declaration.result != .void, backward.declaration.result != .status {
      throw resolver.problem(backward.declaration.place, "a backward function returns void or status")
    }
    try checkStates()
    switch declaration.kind {
    case .sampler: try checkSampler()
    case .loss: try checkLoss()
    case .pooler: try checkPooler()
    case .metric:
      guard case .metric = declaration.result else { throw fail("a metric returns f32 or f64") }
      try only(["commit"])
    case .schedule:
      guard case .value(let type) = declaration.result, type.isFloat else {
        throw fail("a schedule returns f32 or f64")
      }
      guard !forward.slots.contains(where: { $0.argument.isArray }) else { throw fail("a schedule is given no arrays") }
      try only([])
    case .backward, .commit, .function: try only([])
    }
  }

  private func checkSampler() throws(BareTextProblem) {
    try only(["detached", "rows", "cols", "gain", "bias", "mask", "backward", "commit"])
    if case .loss = declaration.result { throw fail("a sampler computes no loss") }
    if case .value = declaration.result { throw fail("say what the result is: -> f32 metric(name)") }
    let outputs = resolver.outputs
    guard
      !outputs.isEmpty || resolver.stateColumns != nil || forward.has(.gain) || forward.has(.bias)
        || !attributes.gains.isEmpty || !attributes.biases.isEmpty
    else { throw fail("a sampler writes vectors (out new:f32[n,d]) or edits cells (inout bias:f32[n,m])") }
    for output in outputs { try checkVectors(output) }
    try checkStateBlock()
    if !outputs.isEmpty, forward.has(.similarity) {
      throw fail("'sim' holds the host's own similarities; a sampler that makes vectors has none of them yet")
    }
    if let rows = attributes.rows { try checkReference(rows, "rows") }
    if let columns = attributes.columns, resolver.stateColumns == nil { try checkReference(columns, "cols") }
    guard outputs.isEmpty || attributes.isDetached || backward != nil else {
      throw fail("say 'detached', or name the function that sends the gradient on: backward(NAME)")
    }
    if attributes.isDetached, backward != nil { throw fail("what is detached needs no backward") }
    for shift in attributes.gains + attributes.biases {
      guard case .parameter(let name) = shift.value else { continue }
      guard resolver.parameters.contains(where: { $0.name == name && $0.type.isNumber }) else {
        throw resolver.problem(shift.place, "there is no numeric parameter '\(name)'")
      }
    }
    if let backward, !backward.slots.contains(where: { $0.role.isMadeGradient }) {
      throw resolver.problem(backward.declaration.place, "it makes no gradient: add out dz1:f32[n,d] or another")
    }
  }

  /// [n,d], [k,d] or [n,k,d].
  private func checkVectors(_ output: BareArgument) throws(BareTextProblem) {
    let dimensions = output.dimensions ?? []
    let isLegal =
      dimensions.last?.name == "d" && dimensions.last?.plus == 0
      && (dimensions.count == 2 || (dimensions.count == 3 && dimensions[0].name == "n" && dimensions[0].plus == 0))
      && dimensions.dropLast().dropFirst(dimensions.count == 3 ? 1 : 0).allSatisfy { dimension in
        dimension.name == nil || (dimension.name == "n" && dimension.plus == 0 && dimensions.count == 2)
          || resolver.parameters.contains { $0.name == dimension.name }
      }
    guard isLegal else {
      throw resolver.problem(
        output.place,
        "new vectors are [n,d], [k,d] or [n,k,d] with a number or an integer parameter k, found \(output.typeText)")
    }
  }

  private func checkReference(_ name: String, _ side: String) throws(BareTextProblem) {
    let known = ["z1", "z2", "z3"] + resolver.outputs.map(\.name)
    guard known.contains(name) else {
      throw fail("\(side)(\(name)): expected one of \(known.joined(separator: ", "))")
    }
  }

  private func checkLoss() throws(BareTextProblem) {
    try only(["rowwise", "backward", "commit"])
    let isLogits = forward.slots.contains { [.logits, .similarity, .target, .columns].contains($0.role) }
    let seesVectors = forward.slots.contains { slot in
      switch slot.role {
      case .view, .unit, .width, .viewGradient, .unitGradient: true
      default: false
      }
    }
    guard !(isLogits && seesVectors) else {
      throw fail("a loss reads logits (sim, logits, target) or embeddings (z1, u1), not both")
    }
    guard isLogits || seesVectors else {
      throw fail("a loss reads logits:f32[n,m], sim:f32[n,m] or embeddings such as u1:f32[n,d]")
    }
    let own = forward.slots.contains { $0.role.isMadeGradient }
    let ways = [own, backward != nil, attributes.isRowwise].count { $0 }
    guard ways == 1 else {
      throw fail(
        ways == 0
          ? "where does the gradient come from? Write it (out dlogits:f32[n,m]), name a backward(NAME), or say rowwise"
          : "give the gradient in one way: an out array, backward(NAME) or rowwise")
    }
    guard case .loss = declaration.result else {
      let isMade = attributes.isRowwise && (declaration.result == .void || declaration.result == .status)
      guard isMade else { throw fail("a loss returns its mean over the rows: -> f32 or -> f64") }
      return try checkRowwise()
    }
    if attributes.isRowwise { try checkRowwise() }
    if let backward, !backward.slots.contains(where: { $0.role.isMadeGradient }) {
      throw resolver.problem(backward.declaration.place, "it makes no gradient: add out dlogits:f32[n,m] or another")
    }
    if let temperature = resolver.parameters.first(where: { $0.name == "temperature" }) {
      guard temperature.type == .float, (temperature.default.number ?? 0) > 0 else {
        throw fail("'temperature' must be a float above 0")
      }
    }
  }

  private func checkRowwise() throws(BareTextProblem) {
    guard forward.has(.rowLoss) else { throw fail("a rowwise loss writes each row's loss: out row_loss:f64[n]") }
    guard forward.has(.logits) != forward.has(.similarity) else {
      throw fail("a rowwise loss reads either logits or sim, so that there is one thing to differentiate by")
    }
    guard resolver.weights.isEmpty else { throw fail("a rowwise loss cannot have weights") }
  }

  private func checkPooler() throws(BareTextProblem) {
    try only(["backward"])
    guard declaration.result == .void || declaration.result == .status else {
      throw fail("a pooler returns void or status")
    }
    guard let output = resolver.outputs.first, let dimensions = output.dimensions, dimensions.count == 2,
      dimensions[0] == BareDimension(name: "s", plus: 0), dimensions[1].name == nil || dimensions[1].plus == 0,
      dimensions[1].name == nil || dimensions[1].name == "d"
        || resolver.parameters.contains(where: { $0.name == dimensions[1].name })
    else { throw fail("a pooler writes one vector for each sequence: out vectors:f32[s,d], or [s,k] with a number k") }
    guard let backward else { throw fail("a pooler needs backward(NAME), or nothing behind it could be trained") }
    guard backward.has(.hiddenGradient) else {
      throw resolver.problem(backward.declaration.place, "a pooler's backward makes out dhidden:f32[t,d]")
    }
  }

  private func only(_ allowed: [String]) throws(BareTextProblem) {
    var given: [String] = []
    if attributes.isDetached { given.append("detached") }
    if attributes.rows != nil { given.append("rows") }
    if attributes.columns != nil { given.append("cols") }
    if !attributes.gains.isEmpty { given.append("gain") }
    if !attributes.biases.isEmpty { given.append("bias") }
    if attributes.masksByExclusion { given.append("mask") }
    if attributes.isRowwise { given.append("rowwise") }
    if attributes.backward != nil { given.append("backward") }
    if attributes.commit != nil { given.append("commit") }
    if let wrong = given.first(where: { !allowed.contains($0) }) {
      throw fail("'\(wrong)' means nothing for a \(declaration.kind.rawValue)")
    }
  }

  private func fail(_ message: String) -> BareTextProblem { resolver.problem(declaration.place, message) }
}
