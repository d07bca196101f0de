// What a pooler instance says of its layers, with its parameters and its learned weights. Asked when a model is
// exported, and by the conformance suite.

import Kernels
import PluginAPI
import PluginLoading

extension PluginInstance {
  /// The weight of each hidden state in this pooler's vectors, embedding layer first, with a sum above 0; nil where
  /// the pooler does not describe itself. To be asked after `prepare`.
  /// - Throws: `PluginFailure` where the plugin fails, or gives weights that are not finite or whose sum is not above
  ///   0.
  package func layerWeights() throws -> [Float]? {
    guard let pooling = component.pooling, let limits else { return nil }
    guard pooling.layerWeights != nil else { return plan.equalShares(of: limits.layerCount) }
    let wasTraining = isTraining
    isTraining = false
    defer { isTraining = wasTraining }
    let buffer = GuardedBuffer(byteCount: limits.layerCount * MemoryLayout<Float>.size, label: "weights of layers")
    buffer.clear()
    let told = UnsafeMutablePointer.visible(.shown, capacity: 1, repeating: TailedStruct(limitsForPlugin(limits)))
    defer { told.freeVisible() }
    try perform(.layerWeights, CallArguments(told, buffer.pointer), extraBuffers: [buffer])
    let weights = (0..<limits.layerCount).map {
      buffer.pointer.load(fromByteOffset: $0 * MemoryLayout<Float>.size, as: Float.self)
    }
    if let layer = weights.firstIndex(where: { !$0.isFinite }) {
      throw failure(
        .layerWeights, .notFinite(tensor: "weights of layers", index: "[\(layer)]", value: "\(weights[layer])"))
    }
    let sum = weights.reduce(0) { $0 + Double($1) }
    guard sum > 0 else {
      throw failure(.layerWeights, .contract("the weights of the layers have the sum \(sum), expected one above 0"))
    }
    return weights
  }
}

extension PluginPlan {
  /// The layers of the plan in equal shares, out of `count`.
  fileprivate func equalShares(of count: Int) -> [Float] {
    var weights = [Float](repeating: 0, count: count)
    for layer in layers { weights[layer] += 1 / Float(layers.count) }
    return weights
  }
}
