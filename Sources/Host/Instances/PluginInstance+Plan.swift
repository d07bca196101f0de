// Planning: asks a component what it needs, checks the answer, allocates it. States and weights that are declared as
// before keep their values and their objects.

import Kernels
package import PluginAPI

extension PluginInstance {
  /// Runs `plan` for these limits and allocates what it declared.
  /// - Throws: `PluginFailure` when the plan fails or cannot be used.
  package func prepare(_ limits: PluginLimits) throws {
    guard needsPlan(for: limits) else { return }
    context.vocabulary = table.kind == UInt32(CSE_AUGMENTER) ? limits.vocabulary : nil
    context.texts = nil
    let plan = try makePlan(limits)
    try checkFunctions(plan)
    let (bytes, room) = (plan.memory(limits), Int(PluginPlan.largestElementCount) * 4)
    guard bytes <= room else {
      throw failure(
        .plan,
        .plan(
          "its blocks need \(bytes >> 20) MiB with batches of \(limits.maxRows) rows, and this machine has "
            + "\(room >> 20) MiB: fewer columns, or a smaller batch"))
    }
    let missing = plan.needs.subtracting(limits.supervision)
    guard missing.isEmpty else { throw failure(.plan, .unsupervised(missing)) }
    if plan.readsTexts { context.texts = try readableTexts(limits) }
    let oldStates = states
    states = try plan.states.map { declaration in
      try oldStates.first { $0.declaration.matches(declaration) } ?? makeState(declaration, limits)
    }
    let oldWeights = weightTensors
    weightTensors = plan.weights.map { declaration in
      oldWeights.first { $0.declaration == declaration }
        ?? renewed(declaration, from: oldWeights.first { $0.declaration.matches(declaration) })
    }
    stateList = TensorList(states.map(\.tensor))
    weightList = TensorList(weightTensors.map(\.tensor))
    gradientList = TensorList(weightTensors.map(\.gradient))
    scratch = GuardedBuffer(byteCount: plan.scratchBytes, label: "scratch")
    tape = GuardedBuffer(byteCount: plan.tapeBytes, label: "tape")
    call.pointee.scratch = plan.scratchBytes > 0 ? scratch.pointer : nil
    call.pointee.tape = plan.tapeBytes > 0 ? tape.pointer : nil
    call.pointee.states = states.isEmpty ? nil : UnsafePointer(stateList.pointer)
    call.pointee.weights = weightTensors.isEmpty ? nil : UnsafePointer(weightList.pointer)
    self.plan = plan
    self.limits = limits
  }

  /// The texts that this instance may read.
  private func readableTexts(_ limits: PluginLimits) throws -> RowTexts {
    guard runner is LocalRunner else {
      throw failure(
        .plan,
        .plan(
          "it reads the texts of the data, which a process of its own is not shown: leave \(name) out of --isolate"))
    }
    guard let texts = limits.texts else { throw failure(.plan, .textless) }
    return texts
  }

  /// A state with its first values.
  private func makeState(_ declaration: TensorDeclaration, _ limits: PluginLimits) throws -> StateTensor {
    let state = StateTensor(declaration, instance: name, seed: seed)
    guard declaration.start == .documents else { return state }
    switch limits.documents {
    case .folder: break
    case .text(let frequencies):
      let shares = try frequencies.shares()
      state.tensor.floats.update(from: shares, count: min(shares.count, declaration.count))
    case .none:
      throw failure(
        .plan,
        .plan(
          "it starts with the document frequencies of the training text, and there is none here: train with this "
            + "pooler, and use the model folder that comes of it"))
    }
    return state
  }

  /// A weight whose optimiser settings changed: a new parameter with the old values.
  private func renewed(_ declaration: TensorDeclaration, from old: PluginWeight?) -> PluginWeight {
    let weight = PluginWeight(declaration, instance: name, seed: seed)
    if let old { weight.parameter.value.update(from: old.parameter.value, count: declaration.count) }
    return weight
  }

  private func makePlan(_ limits: PluginLimits) throws -> PluginPlan {
    guard table.plan != nil else { return PluginPlan(limits: limits) }
    clearMemoryForPlan()
    let layers = GuardedBuffer(byteCount: 64 * 4, label: "plan.layers")
    let blocks = GuardedBuffer(byteCount: 8 * MemoryLayout<cse_block>.stride, label: "plan.blocks")
    let states = GuardedBuffer(byteCount: 16 * MemoryLayout<cse_tensor_decl>.stride, label: "plan.states")
    let weights = GuardedBuffer(byteCount: 16 * MemoryLayout<cse_tensor_decl>.stride, label: "plan.weights")
    let encodings = GuardedBuffer(byteCount: 8 * MemoryLayout<cse_encoding>.stride, label: "plan.encodings")
    let told = ToldLimits(limitsForPlugin(limits), guideWidths: limits.guideWidths)
    let answer = GuardedBuffer(byteCount: MemoryLayout<TailedStruct<cse_plan>>.size, label: "plan")
    var raw = cse_plan()
    raw.struct_size = services.age.size(of: cse_plan.self)
    raw.layers = layers.pointer.assumingMemoryBound(to: Int32.self)
    raw.blocks = blocks.pointer.assumingMemoryBound(to: cse_block.self)
    raw.states = states.pointer.assumingMemoryBound(to: cse_tensor_decl.self)
    raw.weights = weights.pointer.assumingMemoryBound(to: cse_tensor_decl.self)
    raw.encodings = encodings.pointer.assumingMemoryBound(to: cse_encoding.self)
    let rooms = PlanRooms(raw)
    let arrays = [layers, blocks, states, weights, encodings]
    let plan = answer.pointer.bindMemory(to: TailedStruct<cse_plan>.self, capacity: 1)
    plan.initialize(to: TailedStruct(raw))
    try withExtendedLifetime(told) {
      try perform(.plan, CallArguments(told.pointer, plan), extraBuffers: [answer] + arrays)
    }
    raw = plan.pointee.head
    guard PlanRooms(raw) == rooms else {
      throw failure(
        .plan, .plan("it replaced the arrays layers, blocks, states, weights or encodings; they are to be filled"))
    }
    do {
      // The arrays must outlive their last reader, which has only bare pointers to them.
      return try withExtendedLifetime(arrays) {
        try PluginPlan(raw, kind: table.kind, limits: limits)
      }
    } catch let refusal as PlanRefusal {
      throw failure(.plan, .plan(refusal.text))
    }
  }

  private func clearMemoryForPlan() {
    call.pointee.scratch = nil
    call.pointee.tape = nil
    call.pointee.states = nil
    call.pointee.weights = nil
  }

  /// `limits` as a plugin is told them.
  func limitsForPlugin(_ limits: PluginLimits) -> cse_limits {
    var told = cse_limits()
    told.struct_size = services.age.size(of: cse_limits.self)
    told.max_threads = Int32(services.pool.threads)
    told.device = DLDevice(device_type: 1, device_id: 0)
    told.dtype = DLDataType(code: 2, bits: 32, lanes: 1)
    told.max_rows = Int64(limits.maxRows)
    told.dim = Int64(limits.width)
    told.max_tokens = Int64(limits.maxTokens)
    told.max_seqs = Int64(limits.maxSequences)
    told.n_layers = Int32(limits.layerCount)
    told.n_views = Int32(limits.viewCount)
    told.vocab = Int64(limits.vocabularySize)
    told.n_added_views = UInt32(limits.addedViews)
    return told
  }

  /// A sampler that declares new vectors must be able to fill them, and to send gradients on where they are live.
  private func checkFunctions(_ plan: PluginPlan) throws {
    if !plan.vectors.isEmpty || plan.editsCells, table.sample == nil {
      throw failure(.plan, .plan("it declares new vectors or edits cells, but the component has no function sample"))
    }
    if let live = plan.vectors.firstIndex(where: \.isLive), table.sample_backward == nil {
      throw failure(
        .plan,
        .plan(
          "new vectors \(live) get a gradient, but there is no sample_backward;"
            + " add it, or CSE_DETACH_COLS/CSE_DETACH_ROWS"
        ))
    }
  }
}

/// Where a plan's arrays are, which a plugin fills and does not replace.
package struct PlanRooms: Equatable {
  let layers: UnsafeMutablePointer<Int32>?
  let blocks: UnsafeMutablePointer<cse_block>?
  let states, weights: UnsafeMutablePointer<cse_tensor_decl>?
  let encodings: UnsafeMutablePointer<cse_encoding>?

  /// The arrays as a plan names them.
  package init(_ plan: cse_plan) {
    (layers, blocks, states, weights) = (plan.layers, plan.blocks, plan.states, plan.weights)
    encodings = plan.encodings
  }
}

/// The limits of one call of `plan`, with the list they point to.
private final class ToldLimits {
  let pointer: UnsafeMutablePointer<TailedStruct<cse_limits>>
  private let widths: UnsafeMutablePointer<Int64>

  init(_ limits: cse_limits, guideWidths: [Int]) {
    widths = .visible(.shown, capacity: max(guideWidths.count, 1), repeating: 0)
    for (index, width) in guideWidths.enumerated() { widths[index] = Int64(width) }
    var limits = limits
    limits.n_guides = UInt32(guideWidths.count)
    limits.guide_dims = guideWidths.isEmpty ? nil : UnsafePointer(widths)
    pointer = .visible(.shown, capacity: 1, repeating: TailedStruct(limits))
  }

  deinit {
    pointer.freeVisible()
    widths.freeVisible()
  }
}
