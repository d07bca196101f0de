// What backward says of layers whose gradients are whole: nothing is added to them afterwards, and every set of weights
// is told of.

import Encoder
import Kernels
import Testing

@Suite struct FinishedGradientsTests {
  private static let batch = PackedBatch([[3, 7, 9, 4], [5, 8], [6, 2, 11, 13, 12]])

  @Test(
    "gradients of a layer are whole when backward says so", arguments: ["bert wide", "mpnet", "albert"], [3, 2])
  func whole(_ name: String, _ top: Int) throws {
    let encoder = try ComputeFixture.encoder(name, pool: ThreadPool(threads: 2))
    func gradients(from set: Int) -> [[Float]] {
      encoder.parameters[encoder.layerParameters[set].lowerBound...].map { parameter in
        Array(UnsafeBufferPointer(start: parameter.gradient, count: parameter.count))
      }
    }
    let sets = encoder.layerParameters.count
    #expect(encoder.layerParameters.last?.upperBound == encoder.parameters.count)
    let request = LayerRequest(layers: [0, top], firstTokenOnly: top == 3)
    let hidden = try encoder.forward(
      Self.batch, request: request, mode: .training(step: 1, hiddenDropout: 0.1, attentionDropout: 0.1))
    var seen: [(set: Int, gradients: [[Float]])] = []
    try encoder.backward(hidden) { seen.append(($0, gradients(from: $0))) }
    #expect(seen.last?.set == 0 && seen.map(\.set) == Array(seen.map(\.set).sorted().reversed()))
    #expect(top < 3 || seen.count == sets)
    for (set, found) in seen { #expect(found == gradients(from: set), "set \(set)") }
    #expect(seen.allSatisfy { !$0.gradients.joined().allSatisfy { $0 == 0 } })
  }
}
