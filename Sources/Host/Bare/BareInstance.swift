// One use of a bare component in a run: what `call->self` points to. Made and freed by the adapters.

import PluginAPI
import PluginGrammar

final class BareInstance {
  let component: LoadedBareComponent
  let forward: BareInvocation
  let backward, commit: BareInvocation?

  init(_ component: LoadedBareComponent) {
    self.component = component
    forward = BareInvocation(component.forward, component: component.meaning.name)
    backward = component.backward.map { BareInvocation($0, component: component.meaning.name) }
    commit = component.commit.map { BareInvocation($0, component: component.meaning.name) }
  }

  static func of(_ call: UnsafePointer<cse_call>) -> BareInstance? {
    call.pointee.`self`.map { Unmanaged<BareInstance>.fromOpaque($0).takeUnretainedValue() }
  }

  private var meaning: BareComponent { component.meaning }
  private var attributes: BareAttributes { meaning.forward.declaration.attributes }

  // MARK: Planning

  func plan(_ call: UnsafePointer<cse_call>, _ limits: cse_limits, _ plan: UnsafeMutablePointer<cse_plan>)
    -> BareFailure?
  {
    for (index, weight) in meaning.weights.enumerated() {
      plan.pointee.weights[index] = tensor(weight, component.names[index], call, limits)
      plan.pointee.n_weights += 1
    }
    for (index, state) in meaning.states.enumerated() {
      plan.pointee.states[index] = tensor(state, component.stateNames[index], call, limits)
      plan.pointee.n_states += 1
    }
    if meaning.reads(.scores) { plan.pointee.flags |= UInt32(CSE_NEEDS_SCORES) }
    if meaning.reads(.classes) { plan.pointee.flags |= UInt32(CSE_NEEDS_CLASSES) }
    switch meaning.forward.declaration.kind {
    case .sampler: planBlocks(call, limits, plan)
    case .pooler:
      let width = meaning.outputs.first?.dimensions?.last.map { extent($0, call, width: limits.dim) } ?? 0
      plan.pointee.out_dim = Int64(width)
    default: break
    }
    return nil
  }

  private func tensor(
    _ argument: BareArgument, _ name: UnsafePointer<CChar>?, _ call: UnsafePointer<cse_call>, _ limits: cse_limits
  ) -> cse_tensor_decl {
    let shape = (argument.dimensions ?? []).map { Int64(extent($0, call, width: limits.dim)) }
    var declaration = cse_tensor_decl()
    declaration.name = name
    declaration.ndim = Int32(shape.count)
    withUnsafeMutableBytes(of: &declaration.shape) { $0.copyBytes(from: shape.withUnsafeBytes(Array.init)) }
    if argument.type == .i64 { declaration.dtype = DLDataType(code: 0, bits: 64, lanes: 1) }
    if let number = argument.defaultText.flatMap(decimalNumber) {
      declaration.`init` = UInt32(CSE_INIT_CONST)
      declaration.a = Float(number)
    }
    return declaration
  }

  private func planBlocks(_ call: UnsafePointer<cse_call>, _ limits: cse_limits, _ plan: UnsafeMutablePointer<cse_plan>)
  {
    let isEdited =
      !attributes.gains.isEmpty || !attributes.biases.isEmpty || meaning.forward.has(.gain)
      || meaning.forward.has(.bias)
    if isEdited { plan.pointee.flags |= UInt32(CSE_EDIT_CELLS) }
    if let state = meaning.states.firstIndex(where: { $0.name == attributes.columns }) {
      var block = cse_block()
      block.rows = source(attributes.rows) ?? Int32(CSE_ANCHOR)
      block.cols = Int32(256 + state)
      block.flags = UInt32(CSE_DETACH_COLS)
      block.label = component.stateNames[state]
      plan.pointee.blocks[0] = block
      plan.pointee.n_blocks = 1
    }
    for (index, output) in meaning.outputs.enumerated() {
      var block = cse_block()
      block.rows = source(attributes.rows) ?? Int32(CSE_ANCHOR)
      block.cols = Int32(16 + index)
      // rows(out) turns the sides round: the new vectors are compared with cols(...), or with the positives.
      if attributes.rows == output.name { block.cols = source(attributes.columns) ?? Int32(CSE_POSITIVE) }
      if attributes.isDetached {
        block.flags |= UInt32(attributes.rows == output.name ? CSE_DETACH_ROWS : CSE_DETACH_COLS)
      }
      let dimensions = output.dimensions ?? []
      if dimensions.count == 3 {
        block.flags |= UInt32(CSE_PRIVATE)
        block.per_row = Int64(extent(dimensions[1], call, width: limits.dim))
      } else if let first = dimensions.first, first.name != "n" {
        block.fixed = Int64(extent(first, call, width: limits.dim))
      }
      block.label = component.labels[index]
      plan.pointee.blocks[index] = block
      plan.pointee.n_blocks += 1
    }
  }

  private func source(_ name: String?) -> Int32? {
    switch name {
    case nil: nil
    case "z1": Int32(CSE_ANCHOR)
    case "z2": Int32(CSE_POSITIVE)
    case "z3": Int32(CSE_HARD)
    case let name: meaning.outputs.firstIndex { $0.name == name }.map { Int32(16 + $0) }
    }
  }

  private func extent(_ dimension: BareDimension, _ call: UnsafePointer<cse_call>, width: Int64) -> Int {
    guard let name = dimension.name else { return dimension.plus }
    if name == "d" { return Int(width) + dimension.plus }
    let index = meaning.parameters.firstIndex { $0.name == name }
    return Int(index.map { call.pointee.values[$0].i } ?? 0) + dimension.plus
  }

  // MARK: Calls

  func run(_ frame: BareFrame) -> BareFailure? {
    if let failure = forward.run(frame) { return failure }
    if !meaning.metrics.isEmpty, let slots = frame.call.pointee.metrics { slots[0] = forward.returned }
    if let candidates = frame.candidates {
      if let used = forward.memory(of: .used) {
        candidates.pointee.n_cols[frame.block] = used.pointer.load(as: Int64.self)
      }
      edit(candidates.pointee, frame)
    }
    return nil
  }

  func runCommit(_ frame: BareFrame) -> BareFailure? {
    guard let commit else { return BareFailure(status: Int(CSE_E_UNSUPPORTED), text: "it has no commit function") }
    return commit.run(frame)
  }

  func runBackward(_ frame: BareFrame) -> BareFailure? {
    guard let backward else { return BareFailure(status: Int(CSE_E_UNSUPPORTED), text: "it has no backward function") }
    return backward.run(frame)
  }

  /// gain(shift)=x and bias(shift)=x at the cells (i, (i + shift) mod columns) of its own blocks, else of the base.
  private func edit(_ out: cse_candidates, _ frame: BareFrame) {
    guard !attributes.gains.isEmpty || !attributes.biases.isEmpty else { return }
    let blocks = out.first_own < out.n_blocks ? Int(out.first_own)..<Int(out.n_blocks) : 0..<1
    for block in blocks {
      guard let gain = BareRows(reading(out.gain?[block])), let bias = BareRows(reading(out.bias?[block])) else {
        continue
      }
      let columns = Int(out.n_cols[block])
      for row in 0..<gain.rows where columns > 0 {
        for shift in attributes.gains {
          let cell = row * gain.stride + place(row + shift.shift, columns)
          let factor = number(shift.value, frame)
          if factor == 0, attributes.masksByExclusion {
            bias.data[row * bias.stride + place(row + shift.shift, columns)] = -.infinity
          } else {
            gain.data[cell] *= factor
          }
        }
        for shift in attributes.biases {
          bias.data[row * bias.stride + place(row + shift.shift, columns)] += number(shift.value, frame)
        }
      }
    }
  }

  private func reading(_ tensor: UnsafeMutablePointer<DLTensor>??) -> UnsafePointer<DLTensor>? {
    guard let tensor, let tensor else { return nil }
    return UnsafePointer(tensor)
  }

  private func place(_ column: Int, _ columns: Int) -> Int { ((column % columns) + columns) % columns }

  private func number(_ value: BareNumber, _ frame: BareFrame) -> Float {
    switch value {
    case .number(let number): return Float(number)
    case .parameter(let name):
      guard let index = meaning.parameters.firstIndex(where: { $0.name == name }) else { return 0 }
      let raw = frame.call.pointee.values[index]
      return meaning.parameters[index].type == .float ? Float(raw.f) : Float(raw.i)
    }
  }

  // MARK: Losses

  /// The loss, and its gradient where one is wanted.
  func score(_ frame: BareFrame, wantsGradients: Bool) -> (loss: Double, failure: BareFailure?) {
    if attributes.isRowwise { return scoreRows(frame, wantsGradients: wantsGradients) }
    if let failure = run(frame) { return (0, failure) }
    let loss = forward.returned
    guard wantsGradients, backward != nil else { return (loss, nil) }
    return (loss, runBackward(frame))
  }

  /// Mean of the rows' losses; the gradient by central differences of one column at a time, for all rows at once,
  /// because the loss of row i depends on row i only.
  private func scoreRows(_ frame: BareFrame, wantsGradients: Bool) -> (loss: Double, failure: BareFailure?) {
    if let failure = forward.run(frame) { return (0, failure) }
    let role: BareRole = component.meaning.forward.has(.logits) ? .logits : .similarity
    guard let losses = forward.memory(of: .rowLoss), let source = BareRows(frame.tensor(role)), source.rows > 0 else {
      return (0, nil)
    }
    let rows = source.rows
    let first = values(losses, rows)
    let mean = first.reduce(0, +) / Double(rows)
    let target = frame.tensor(role == .logits ? .logitGradient : .similarityGradient)
    guard wantsGradients, let gradient = BareRows(target), let input = forward.memory(of: role) else {
      return (mean, nil)
    }
    // The input is moved in memory of its own, never in the host's.
    if let failure = forward.stage(role, frame) { return (mean, failure) }
    let mask = BareRows(frame.tensor(.logits))
    let isWide = input.type == .f64
    let moving = forward.memory(of: role) ?? input
    func put(_ value: Double, _ cell: Int) {
      if isWide {
        moving.pointer.storeBytes(of: value, toByteOffset: cell * 8, as: Double.self)
      } else {
        moving.pointer.storeBytes(of: Float(value), toByteOffset: cell * 4, as: Float.self)
      }
    }
    for column in 0..<source.width {
      var ends: [[Double]] = []
      for sign in [1.0, -1.0] {
        for row in 0..<rows {
          let value = Double(source.data[row * source.stride + column])
          put(value + sign * Self.step(value, isWide), row * source.width + column)
        }
        if let failure = forward.callOnly() { return (mean, failure) }
        ends.append(values(losses, rows))
      }
      for row in 0..<rows {
        let value = Double(source.data[row * source.stride + column])
        put(value, row * source.width + column)
        let isExcluded = mask.map { $0.data[row * $0.stride + column] == -.infinity } ?? false
        if isExcluded || !value.isFinite { continue }
        let slope = (ends[0][row] - ends[1][row]) / (2 * Self.step(value, isWide))
        gradient.data[row * gradient.stride + column] += Float(slope / Double(rows))
      }
    }
    return (mean, nil)
  }

  private static func step(_ value: Double, _ isWide: Bool) -> Double {
    (isWide ? 1e-4 : 4e-3) * max(1, abs(value).isFinite ? abs(value) : 1)
  }

  private func values(_ memory: (pointer: UnsafeMutableRawPointer, type: BareScalar), _ count: Int) -> [Double] {
    (0..<count).map {
      memory.type == .f64
        ? memory.pointer.load(fromByteOffset: $0 * 8, as: Double.self)
        : Double(memory.pointer.load(fromByteOffset: $0 * 4, as: Float.self))
    }
  }
}
