// Whether a pooler computes what it says of itself (the extension cse.pooling/1). Part of the conformance suite.

import Host
import Kernels

extension ConformanceTest {
  static let poolingTests = [
    ConformanceTest("pool.as-described", .numbers, "vectors are those that cse.pooling/1 describes") { bench in
      guard bench.component.kind == .pooler else { return .skipped("it is no pooler") }
      guard let pooling = bench.component.pooling else {
        return .skipped("it does not describe itself (cse.pooling/1): an export keeps its name as text")
      }
      guard let rig = try bench.rig() as? PoolerRig else { return .skipped("it is no pooler") }
      // Weights as after some training: what starts equal shows no mistake in their order.
      for weight in rig.instance.weights {
        for index in 0..<weight.count { weight.value[index] += Float(index % 3) * 0.25 - 0.25 }
      }
      guard let weights = try rig.instance.layerWeights() else { return .skipped("it does not describe itself") }
      let read = rig.instance.plan.layers
      if let layer = weights.indices.first(where: { weights[$0] != 0 && !read.contains($0) }) {
        throw CheckProblem("it gives layer \(layer) the weight \(weights[layer]), but its plan reads layers \(read)")
      }
      _ = try rig.run(gradients: false)
      try rig.expectVectors(pooling.tokens, weights)
      return .passed
    }
  ]
}

extension PoolerRig {
  /// Computes the vectors once more, as described, and compares.
  fileprivate func expectVectors(_ tokens: PoolingDescription.Tokens, _ weights: [Float]) throws {
    let out = outputs[0]
    guard out.width == shape.width else {
      throw CheckProblem(
        "its vectors have \(out.width) numbers, hidden states \(shape.width); no description says that")
    }
    for sequence in 0..<shape.rows {
      for feature in 0..<shape.width {
        let found = Double(out.floats[sequence * out.stride + feature])
        let states = rows(of: sequence).map { mixed($0, feature, weights) }
        let expected =
          switch tokens {
          case .first: states[0]
          case .mean: states.reduce(0, +) / Double(states.count)
          case .max: states.max() ?? .nan
          }
        try expect(
          abs(found - expected) <= 1e-4 * max(1, abs(expected)),
          "it describes itself as the \(tokens.rawValue) of its tokens with the weights \(weights) of layers; number "
            + "\(feature) of sequence \(sequence) is then \(expected), and it is \(found)")
      }
    }
  }

  /// One feature of a token, mixed over the layers that the plan reads; a layer read twice has its weight once.
  private func mixed(_ token: Int, _ feature: Int, _ weights: [Float]) -> Double {
    let read = instance.plan.layers
    return zip(inputs, read).enumerated().reduce(0.0) { sum, item in
      let (index, (layer, number)) = (item.offset, item.element)
      guard read.firstIndex(of: number) == index else { return sum }
      return sum + Double(weights[number]) * Double(layer.floats[token * layer.stride + feature])
    }
  }
}
