// What one call into a bare function can see: the structs of the ABI, found again by role.

import PluginAPI
import PluginInstances

/// The batch behind a call; pointers that do not belong to the function's kind are nil.
struct BareFrame {
  var call: UnsafePointer<cse_call>
  var batch: UnsafePointer<cse_batch>?
  var candidates: UnsafePointer<cse_candidates>?
  var logits: UnsafePointer<cse_logits>?
  var tokens: UnsafePointer<cse_tokens>?
  /// A pooler's vectors, and their gradient.
  var output: UnsafePointer<DLTensor>?
  var outputGradient: UnsafePointer<DLTensor>?
  /// Gradients of a sampler's vectors.
  var vectorGradients: UnsafePointer<UnsafePointer<DLTensor>?>?

  init(_ call: UnsafePointer<cse_call>) { self.call = call }

  var rows: Int64 { batch?.pointee.rows ?? logits?.pointee.rows ?? 0 }
  var width: Int64 { batch?.pointee.dim ?? tokens?.pointee.dim ?? 0 }

  /// Columns of what is scored: a loss's logits, a sampler's own first block, else the base.
  var columns: Int64 {
    if let logits { return logits.pointee.cols }
    guard let candidates else { return 0 }
    return candidates.pointee.n_cols[block]
  }

  /// The block a sampler's `sim`, `gain` and `bias` belong to.
  var block: Int {
    guard let candidates else { return 0 }
    return candidates.pointee.first_own < candidates.pointee.n_blocks ? Int(candidates.pointee.first_own) : 0
  }

  var context: CallContext? { CallContext.of(call) }

  /// The tensor a role reads or writes; nil where this batch has none.
  func tensor(_ role: BareRole) -> UnsafePointer<DLTensor>? {
    switch role {
    case .view(let index): view(index, batch?.pointee.z)
    case .unit(let index): view(index, batch?.pointee.u)
    case .viewGradient(let index): view(index, reading(batch?.pointee.dz))
    case .unitGradient(let index): view(index, reading(batch?.pointee.du))
    case .similarity: logits?.pointee.sim ?? candidates?.pointee.sim?[0]
    case .logits: logits?.pointee.logits
    case .logitGradient: reading(logits?.pointee.dlogits)
    case .similarityGradient: reading(logits?.pointee.dsim)
    case .hidden: tokens?.pointee.layers?[0]
    case .hiddenGradient: reading(tokens?.pointee.dlayers?[0])
    case .vectors(let index): output ?? reading(candidates?.pointee.vectors?[index])
    case .vectorsGradient(let index): outputGradient ?? vectorGradients?[index]
    case .gain: reading(candidates?.pointee.gain?[block])
    case .bias: reading(candidates?.pointee.bias?[block])
    case .weight(let index): reading(call.pointee.weights?[index])
    case .weightGradient(let index): reading(call.pointee.dweights?[index])
    case .state(let index): reading(call.pointee.states?[index])
    default: nil
    }
  }

  /// A tensor of the shape a gradient has, for the memory of gradients nobody wants.
  func shape(_ role: BareRole) -> UnsafePointer<DLTensor>? {
    switch role {
    case .viewGradient(let index): tensor(.view(index))
    case .unitGradient(let index): tensor(.unit(index))
    case .logitGradient: tensor(.logits)
    case .similarityGradient: tensor(.similarity)
    case .hiddenGradient: tensor(.hidden)
    case .weightGradient(let index): tensor(.weight(index))
    default: nil
    }
  }

  private func view(_ index: Int, _ list: UnsafePointer<UnsafePointer<DLTensor>?>?) -> UnsafePointer<DLTensor>? {
    guard let batch, index < Int(batch.pointee.n_views) else { return nil }
    return list?[index]
  }

  private func reading(
    _ list: UnsafePointer<UnsafeMutablePointer<DLTensor>?>?
  ) -> UnsafePointer<UnsafePointer<DLTensor>?>? {
    list.map { UnsafeRawPointer($0).assumingMemoryBound(to: UnsafePointer<DLTensor>?.self) }
  }

  private func reading(_ tensor: UnsafeMutablePointer<DLTensor>??) -> UnsafePointer<DLTensor>? {
    guard let tensor, let tensor else { return nil }
    return UnsafePointer(tensor)
  }
}
