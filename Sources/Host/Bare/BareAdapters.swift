// Gives a bare component the form of a descriptor: a cse_component whose functions are the host's own and find the bare
// function through `call->component` and `call->self`. So nothing else in the host knows of bare functions.

import Glibc
import PluginAPI
import PluginGrammar
import PluginLoading

/// A bare component whose functions have been found in a library. Immortal, as descriptors are.
package final class LoadedBareComponent: ComponentSource, @unchecked Sendable {
  /// What its text says.
  package let meaning: BareComponent
  /// The function that is the component.
  package let forward: ForeignFunction
  /// What sends gradients back; nil where there is none.
  package let backward: ForeignFunction?
  /// What changes its states after a step; nil where there is none.
  package let commit: ForeignFunction?
  /// NUL-terminated names of weights and states and labels of blocks, which must stay.
  let names, stateNames: [UnsafePointer<CChar>?]
  let labels: [UnsafePointer<CChar>?]

  init(_ meaning: BareComponent, forward: ForeignFunction, backward: ForeignFunction?, commit: ForeignFunction?) {
    self.meaning = meaning
    self.forward = forward
    self.backward = backward
    self.commit = commit
    names = meaning.weights.map { UnsafePointer(strdup($0.name)) }
    stateNames = meaning.states.map { UnsafePointer(strdup($0.name)) }
    labels = meaning.outputs.map { UnsafePointer(strdup($0.name)) }
  }

  /// The descriptor, with this object right behind it.
  func makeTable() -> UnsafePointer<cse_component> {
    let memory = UnsafeMutablePointer<BareTable>.allocate(capacity: 1)
    memory.initialize(to: BareTable(table: descriptor(), component: .passRetained(self)))
    return UnsafeRawPointer(memory).assumingMemoryBound(to: cse_component.self)
  }

  private func descriptor() -> cse_component {
    var table = cse_component()
    table.struct_size = UInt32(MemoryLayout<cse_component>.size)
    table.name = UnsafePointer(strdup(meaning.name))
    table.create = createAdapter
    table.destroy = destroyAdapter
    table.plan = planAdapter
    if commit != nil { table.commit = commitAdapter }
    switch meaning.kind {
    case .pooler:
      table.kind = UInt32(CSE_POOLER)
      table.pool = poolAdapter
      table.pool_backward = poolBackwardAdapter
    case .sampler:
      table.kind = UInt32(CSE_SAMPLER)
      table.sample = sampleAdapter
      if backward != nil { table.sample_backward = sampleBackwardAdapter }
    case .loss:
      table.kind = UInt32(CSE_LOSS)
      if meaning.scoresLogits { table.on_logits = logitsAdapter } else { table.on_embeds = embeddingsAdapter }
    case .augmenter, .encoder: preconditionFailure("no bare function is of kind \(meaning.kind)")
    case .other: table.kind = UInt32(CSE_OTHER)
    }
    return table
  }
}

extension PluginComponent {
  /// The bare functions it was made from; nil for a component with a descriptor of its own.
  package var bare: LoadedBareComponent? { source as? LoadedBareComponent }
}

private struct BareTable {
  var table: cse_component
  var component: Unmanaged<LoadedBareComponent>
}

/// Tells the host of a failure the way every plugin does.
private func end(_ call: UnsafePointer<cse_call>, _ failure: BareFailure?) -> cse_status {
  guard let failure else { return cse_status(CSE_OK) }
  return cse_fail(call, cse_status(failure.status), failure.text)
}

private func withInstance(
  _ call: UnsafePointer<cse_call>?, _ body: (BareInstance, UnsafePointer<cse_call>) -> BareFailure?
) -> cse_status {
  guard let call else { return cse_status(CSE_E_INVALID) }
  guard let instance = BareInstance.of(call) else {
    return cse_fail(call, cse_status(CSE_E_INVALID), "it was never created")
  }
  return end(call, body(instance, call))
}

private let createAdapter:
  @convention(c) (UnsafePointer<cse_call>?, UnsafeMutablePointer<UnsafeMutableRawPointer?>?) -> cse_status = {
    call, target in
    guard let call, let target, let declared = call.pointee.component else { return cse_status(CSE_E_INVALID) }
    let component = UnsafeRawPointer(declared).assumingMemoryBound(to: BareTable.self).pointee.component
    target.pointee = Unmanaged.passRetained(BareInstance(component.takeUnretainedValue())).toOpaque()
    return cse_status(CSE_OK)
  }

private let destroyAdapter: @convention(c) (UnsafeMutableRawPointer?) -> Void = { instance in
  if let instance { Unmanaged<BareInstance>.fromOpaque(instance).release() }
}

private let planAdapter:
  @convention(c) (UnsafePointer<cse_call>?, UnsafePointer<cse_limits>?, UnsafeMutablePointer<cse_plan>?) -> cse_status =
    {
      call, limits, plan in
      guard let limits, let plan else { return cse_status(CSE_E_INVALID) }
      return withInstance(call) { $0.plan($1, limits.pointee, plan) }
    }

private let commitAdapter: @convention(c) (UnsafePointer<cse_call>?, UnsafePointer<cse_batch>?) -> cse_status = {
  call, batch in
  withInstance(call) { instance, call in
    var frame = BareFrame(call)
    frame.batch = batch
    return instance.runCommit(frame)
  }
}

private let poolAdapter:
  @convention(c) (UnsafePointer<cse_call>?, UnsafePointer<cse_tokens>?, UnsafeMutablePointer<DLTensor>?) -> cse_status =
    {
      call, tokens, output in
      withInstance(call) { instance, call in
        var frame = BareFrame(call)
        frame.tokens = tokens
        frame.output = output.map { UnsafePointer($0) }
        return instance.run(frame)
      }
    }

private let poolBackwardAdapter:
  @convention(c) (
    UnsafePointer<cse_call>?, UnsafePointer<cse_tokens>?, UnsafePointer<DLTensor>?, UnsafePointer<DLTensor>?
  ) -> cse_status = { call, tokens, output, gradient in
    withInstance(call) { instance, call in
      var frame = BareFrame(call)
      frame.tokens = tokens
      frame.output = output
      frame.outputGradient = gradient
      return instance.runBackward(frame)
    }
  }

private let sampleAdapter:
  @convention(c) (UnsafePointer<cse_call>?, UnsafePointer<cse_batch>?, UnsafePointer<cse_candidates>?) -> cse_status = {
    call, batch, candidates in
    withInstance(call) { instance, call in
      var frame = BareFrame(call)
      frame.batch = batch
      frame.candidates = candidates
      return instance.run(frame)
    }
  }

private let sampleBackwardAdapter:
  @convention(c) (
    UnsafePointer<cse_call>?, UnsafePointer<cse_batch>?, UnsafePointer<UnsafePointer<DLTensor>?>?
  ) -> cse_status = { call, batch, gradients in
    withInstance(call) { instance, call in
      var frame = BareFrame(call)
      frame.batch = batch
      frame.vectorGradients = gradients
      return instance.runBackward(frame)
    }
  }

private let logitsAdapter:
  @convention(c) (UnsafePointer<cse_call>?, UnsafePointer<cse_logits>?, UnsafeMutablePointer<Double>?) -> cse_status = {
    call, logits, loss in
    withInstance(call) { instance, call in
      var frame = BareFrame(call)
      frame.logits = logits
      frame.batch = logits?.pointee.batch
      let wants = logits?.pointee.dlogits != nil || logits?.pointee.dsim != nil
      let result = instance.score(frame, wantsGradients: wants)
      loss?.pointee = result.loss
      return result.failure
    }
  }

private let embeddingsAdapter:
  @convention(c) (UnsafePointer<cse_call>?, UnsafePointer<cse_batch>?, UnsafeMutablePointer<Double>?) -> cse_status = {
    call, batch, loss in
    withInstance(call) { instance, call in
      var frame = BareFrame(call)
      frame.batch = batch
      let result = instance.score(frame, wantsGradients: batch?.pointee.dz != nil || batch?.pointee.du != nil)
      loss?.pointee = result.loss
      return result.failure
    }
  }
