// What bare functions keep between batches: how `state NAME` and `commit(NAME)` are understood and what they must be.

import PluginGrammar

extension BareDeclaration.Kind {
  /// Whether it belongs to another declaration and is no component of its own.
  var isPart: Bool { self == .backward || self == .commit }
}

extension BareResolver {
  /// The state that `cols(NAME)` names, if it does.
  var stateColumns: Int? { states.firstIndex { $0.name == owner.attributes.columns } }

  /// `state NAME`: declares it, where no function before has.
  mutating func state(
    _ argument: BareArgument, in kind: BareDeclaration.Kind
  ) throws(BareTextProblem) -> BareSlot {
    if let slot = try knownState(argument, in: kind) { return slot }
    guard !kind.isPart else {
      throw problem(argument.place, "'\(owner.name)' declares no state '\(argument.name)'")
    }
    guard BareReserved.named(argument.name, in: kind, of: owner.kind) == nil else {
      throw problem(argument.place, "'\(argument.name)' is given by the host; a state needs a name of its own")
    }
    guard owner.kind == .sampler || owner.kind == .loss || owner.kind == .metric else {
      throw problem(argument.place, "only samplers, losses and metrics have states")
    }
    guard argument.isArray, argument.type == .f32 || argument.type == .i64, states.count < 16 else {
      throw problem(
        argument.place,
        "a state is an array of f32 or i64, such as state queue:f32[64,d] = 0, and there are at most 16")
    }
    guard argument.dimensions?.allSatisfy({ !["n", "m", "t", "s"].contains($0.name ?? "") }) == true else {
      throw problem(argument.place, "a state outlives the batch; its dimensions are d, numbers and integer parameters")
    }
    if let text = argument.defaultText, decimalNumber(text)?.isFinite != true {
      throw problem(argument.place, "the default of a state is the number it starts with, found '\(text)'")
    }
    states.append(argument)
    return BareSlot(argument: argument, role: .state(states.count - 1), direction: .in)
  }

  /// A state that the forward function declares, named again: read everywhere, written in commit.
  func knownState(
    _ argument: BareArgument, in kind: BareDeclaration.Kind
  ) throws(BareTextProblem) -> BareSlot? {
    guard let index = states.firstIndex(where: { $0.name == argument.name }) else { return nil }
    guard argument.type == states[index].type, argument.dimensions == states[index].dimensions else {
      throw problem(
        argument.place, "the state '\(argument.name)' is \(states[index].typeText), found \(argument.typeText)")
    }
    switch argument.direction {
    case nil, .in, .state: return BareSlot(argument: argument, role: .state(index), direction: .in)
    case .inout where kind == .commit: return BareSlot(argument: argument, role: .state(index), direction: .inout)
    default:
      throw problem(argument.place, "a state is written in commit(NAME) only, as inout \(argument.name)")
    }
  }
}

extension BareRules {
  /// A state without a commit would never change; a commit without a state would change nothing.
  func checkStates() throws(BareTextProblem) {
    if let commit {
      guard commit.declaration.result == .void || commit.declaration.result == .status else {
        throw resolver.problem(commit.declaration.place, "a commit function returns void or status")
      }
      guard commit.slots.contains(where: { if case .state = $0.role { $0.direction == .inout } else { false } }) else {
        throw resolver.problem(commit.declaration.place, "it changes no state: add inout NAME with the state's type")
      }
    } else if let state = resolver.states.first {
      throw resolver.problem(
        state.place, "the state '\(state.name)' would never change: name the function that writes it, commit(NAME)")
    }
  }

  /// cols(STATE): the anchors, or rows(view), against the state's rows.
  func checkStateBlock() throws(BareTextProblem) {
    guard let index = resolver.stateColumns else {
      guard !forward.has(.used) || !resolver.outputs.isEmpty else {
        throw resolver.problem(
          forward.declaration.place, "'used' is the number of columns of its own block; it has none")
      }
      return
    }
    let state = resolver.states[index]
    guard resolver.outputs.isEmpty else {
      throw resolver.problem(
        forward.declaration.place,
        "cols(\(state.name)): a sampler compares with its state or makes vectors, not both; write two")
    }
    guard state.type == .f32, state.dimensions?.count == 2, state.dimensions?.last == BareDimension(name: "d", plus: 0)
    else { throw resolver.problem(state.place, "what is compared is f32[k,d], found \(state.typeText)") }
  }
}
