// Calls into a plugin. Each one goes through `perform`: fresh message and metrics, status, canaries; then the outputs
// are checked for NaN and infinity, so that the failure names the plugin and not what comes after it.

import Kernels
package import PluginAPI

extension PluginInstance {
  /// Whether it changes states after a step.
  package var hasCommit: Bool { table.commit != nil }
  /// Loss: whether it reads logits.
  package var scoresLogits: Bool { table.on_logits != nil }
  /// Loss: whether it reads embeddings.
  package var scoresEmbeddings: Bool { table.on_embeds != nil }
  /// Pooler: whether gradients can go back through it.
  package var canPropagate: Bool { table.pool_backward != nil }

  /// Pooler: writes `output`, one vector for each sequence.
  package func pool(_ tokens: UnsafePointer<cse_tokens>, output: Tensor) throws {
    guard table.pool != nil else { throw missing(.pool) }
    try perform(.pool, CallArguments(tokens, output.dl))
    try checkFinite(output, "out", .pool)
  }

  /// Pooler: adds to the layers' gradients and to the weights' gradients.
  package func poolBackward(
    _ tokens: UnsafePointer<cse_tokens>, output: Tensor, gradient: Tensor, layerGradients: [Tensor]
  ) throws {
    guard table.pool_backward != nil else { throw missing(.poolBackward) }
    try perform(.poolBackward, CallArguments(tokens, output.dl, gradient.dl), wantsWeightGradients: true)
    for (index, tensor) in layerGradients.enumerated() {
      try checkFinite(tensor, "dlayers[\(index)]", .poolBackward)
    }
    try checkWeightGradients(.poolBackward)
  }

  /// Sampler: writes its new vectors and edits cells; does nothing where the component has no `sample`.
  /// - Parameter score: what it may ask of vectors that it makes up; nil where nobody answers.
  package func sample(
    _ batch: UnsafePointer<cse_batch>, _ candidates: UnsafePointer<cse_candidates>, vectors: [Tensor],
    score: ScoreService.Score? = nil
  ) throws {
    guard table.sample != nil else { return }
    (context.score, context.scoreFailure) = (score, nil)
    defer { context.score = nil }
    do {
      try perform(.sample, CallArguments(batch, candidates))
    } catch {
      // What a loss did wrong is not the sampler's.
      throw context.scoreFailure ?? error
    }
    for (index, tensor) in vectors.enumerated() { try checkFinite(tensor, "vectors[\(index)]", .sample) }
  }

  /// Sampler: sends the gradients of its live new vectors on to the batch's and to its weights.
  package func sampleBackward(_ batch: UnsafePointer<cse_batch>, _ gradients: TensorList) throws {
    guard table.sample_backward != nil else { throw missing(.sampleBackward) }
    try perform(.sampleBackward, CallArguments(batch, gradients.reading), wantsWeightGradients: true)
    try checkWeightGradients(.sampleBackward)
  }

  /// Loss on logits of one group: returns the mean over rows and adds to dlogits and dsim.
  package func onLogits(_ logits: UnsafePointer<cse_logits>, wantsGradients: Bool) throws -> Double {
    guard table.on_logits != nil else { throw missing(.onLogits) }
    let loss = try score(.onLogits, logits, wantsGradients: wantsGradients)
    if wantsGradients { try checkWeightGradients(.onLogits) }
    return loss
  }

  /// Loss on embeddings: returns its value and adds to the batch's dz and du.
  package func onEmbeddings(_ batch: UnsafePointer<cse_batch>, wantsGradients: Bool) throws -> Double {
    guard table.on_embeds != nil else { throw missing(.onEmbeddings) }
    let loss = try score(.onEmbeddings, batch, wantsGradients: wantsGradients)
    if wantsGradients { try checkWeightGradients(.onEmbeddings) }
    return loss
  }

  /// Lets the instance change its states. The caller keeps a copy of them and restores it on failure.
  package func commit(_ batch: UnsafePointer<cse_batch>?) throws {
    guard table.commit != nil else { return }
    try perform(.commit, CallArguments(batch))
    for state in states { try checkFinite(state.tensor, "state '\(state.declaration.name)'", .commit) }
  }

  /// Throws when `tensor` holds a NaN or an infinity.
  package func checkFinite(_ tensor: Tensor, _ label: String, _ function: PluginFunction) throws {
    guard let flat = tensor.firstNonFinite else { return }
    let width = max(tensor.width, 1)
    let value = tensor.floats[(flat / width) * (tensor.shape.count > 1 ? tensor.rowStride : width) + flat % width]
    var index: [Int] = []
    var rest = flat
    for extent in tensor.shape.reversed() {
      index.insert(rest % extent, at: 0)
      rest /= extent
    }
    throw failure(function, .notFinite(tensor: label, index: "\(index)", value: "\(value)"))
  }

  /// A failure of this instance in `function`.
  package func failure(_ function: PluginFunction, _ reason: PluginFailure.Reason) -> PluginFailure {
    let inStep = function != .create && function != .plan && isTraining
    return PluginFailure(
      component, instance: name, values: values, function, step: inStep ? position.step : nil, reason)
  }

  func perform(
    _ function: PluginFunction, _ arguments: CallArguments = CallArguments(), wantsWeightGradients: Bool = false,
    extraBuffers: [GuardedBuffer] = []
  ) throws {
    call.pointee.flags = (isTraining ? UInt32(CSE_TRAINING) : 0) | (holdsConstants ? UInt32(CSE_HOLD) : 0)
    call.pointee.step = position.step
    call.pointee.total_steps = position.totalSteps
    call.pointee.epoch = position.epoch
    call.pointee.dweights =
      wantsWeightGradients && !weightTensors.isEmpty ? UnsafePointer(gradientList.pointer) : nil
    context.batch = position.batch
    context.begin()
    message.clear()
    let slots = metricSlots.pointer.assumingMemoryBound(to: Double.self)
    for index in metricSums.indices { slots[index] = .nan }
    let status: cse_status
    do {
      status = try services.pool.profile.measure(profileName) { () throws(PluginFailure.Reason) in
        try runner.run(function, call, arguments)
      }
    } catch {
      throw failure(function, error)
    }
    do {
      try checkCanaries(function, extraBuffers)
    } catch {
      runner.abandon()
      throw error
    }
    // What the host could not read is not the plugin's.
    if let failed = context.textFailure { throw failed }
    // A plugin that does not pass CSE_E_CANCELLED on left work undone all the same.
    let passedOn = status == cse_status(CSE_E_CANCELLED) && services.isCancelled(context)
    if passedOn || context.wasCutShort { throw failure(function, .cancelled) }
    guard status == cse_status(CSE_OK) else {
      throw failure(function, .status(status, messageText()))
    }
    for index in metricSums.indices where !slots[index].isNaN {
      metricSums[index] = (metricSums[index].sum + slots[index], metricSums[index].count + 1)
    }
  }

  private func checkCanaries(_ function: PluginFunction, _ extra: [GuardedBuffer]) throws {
    let isDamaged = { (buffer: GuardedBuffer) throws in
      if let damage = buffer.damage { throw self.failure(function, .outOfBounds(damage)) }
    }
    try isDamaged(message)
    try isDamaged(metricSlots)
    try isDamaged(scratch)
    try isDamaged(tape)
    try isDamaged(lossSlot)
    try watched.forEach(isDamaged)
    try extra.forEach(isDamaged)
    for weight in weightTensors {
      if let damage = weight.gradient.storage?.damage { throw failure(function, .outOfBounds(damage)) }
    }
    for state in states {
      if let damage = state.tensor.storage?.damage { throw failure(function, .outOfBounds(damage)) }
    }
  }

  /// The text a plugin left; it need not be NUL-terminated or valid UTF-8.
  private func messageText() -> String {
    let bytes = UnsafeRawBufferPointer(start: message.pointer, count: message.byteCount).prefix { $0 != 0 }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Calls a loss on `input`, its logits or its batch.
  private func score(_ function: PluginFunction, _ input: UnsafeRawPointer, wantsGradients: Bool) throws -> Double {
    let slot = lossSlot.pointer.assumingMemoryBound(to: Double.self)
    slot.pointee = 0
    try perform(function, CallArguments(input, slot), wantsWeightGradients: wantsGradients)
    let loss = slot.pointee
    guard loss.isFinite else {
      throw failure(function, .notFinite(tensor: "the loss", index: "", value: "\(loss)"))
    }
    return loss
  }

  private func checkWeightGradients(_ function: PluginFunction) throws {
    for weight in weightTensors {
      try checkFinite(weight.gradient, "dweights '\(weight.declaration.name)'", function)
    }
  }

  func missing(_ function: PluginFunction) -> PluginFailure {
    failure(function, .contract("the component has no function \(function.rawValue), which this run needs"))
  }
}
