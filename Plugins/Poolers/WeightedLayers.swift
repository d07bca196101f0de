// Weighted pooling: the layers are mixed with learnable weights, then averaged over the tokens.

import Glibc
import PluginKit

/// `out_s = sum_l p_l m_sl` with `p = softmax(w)` over the layers read and `m_sl` the mean of layer l over sentence s.
///
/// Backward: `dh_t = p_l / |s| gradient_s` for every token t of s, and with `a_l = sum_s <gradient_s, m_sl>`
/// `dw_l = p_l (a_l - sum_k p_k a_k)`.
///
/// Source: the scalar mix of Peters et al., "Deep contextualized word representations", NAACL 2018, equation 1.
final class WeightedLayers: LayerMixer {
  let name = "weighted"
  let summary = "the mean over all tokens of a learnable mixture of layers"
  let pooling: Pooling? = Pooling(.mean)

  let first = Whole(0, in: "[0,)", "the lowest layer that is mixed; 0 is the embedding layer")
  let learningRateMultiplier = Real(100, in: "(0,)", log: true, "learning rate of the layer weights over the model's")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    let lowest = call[first]
    guard lowest < limits.layers else {
      throw PluginError.invalid("weighted starts at layer \(lowest); the encoder's last is \(limits.layers - 1)")
    }
    try plan.read(layers: Array(lowest..<limits.layers))
    try plan.weight(
      "layers", shape: [limits.layers - lowest], decays: false, rateMultiplier: call[learningRateMultiplier])
  }

  func layerWeights(_ call: Call, _ limits: Limits, into weights: Vector) throws {
    for (k, share) in softmax(try call.weight(0)[0]).enumerated() { weights[call[first] + k] = share }
  }

  func pool(_ call: Call, _ tokens: Tokens, into out: Matrix) throws {
    let (layers, shares) = try (read(tokens), softmax(call.weight(0)[0]))
    try call.parallelFor(tokens.sequences, grain: 16) { range in
      for s in range {
        let range = tokens.tokens(of: s)
        out[s].fill(0)
        for (layer, share) in zip(layers, shares) {
          for t in range { out[s].add(layer[t], times: share / Float(range.count)) }
        }
      }
    }
  }

  func poolBackward(_ call: Call, _ tokens: Tokens, out: Matrix, gradient: Matrix) throws {
    let (layers, shares) = try (read(tokens), softmax(call.weight(0)[0]))
    let dLayers = (0..<tokens.layers).compactMap(tokens.layerGradient)
    try call.parallelFor(tokens.sequences, grain: 16) { range in
      for s in range {
        let range = tokens.tokens(of: s)
        for (dLayer, share) in zip(dLayers, shares) {
          for t in range { dLayer[t].add(gradient[s], times: share / Float(range.count)) }
        }
      }
    }
    guard let dWeight = call.weightGradient(0)?[0] else { return }
    let alignment = layers.map { align($0, tokens, gradient) }
    let mean = zip(shares, alignment).reduce(0) { $0 + Double($1.0) * $1.1 }
    for (k, share) in shares.enumerated() { dWeight[k] += Float(Double(share) * (alignment[k] - mean)) }
  }

  private func read(_ tokens: Tokens) throws -> [Matrix] { try (0..<tokens.layers).map(tokens.layer) }

  /// `a_l = sum_s <gradient_s, mean of the layer over s>`.
  private func align(_ layer: Matrix, _ tokens: Tokens, _ gradient: Matrix) -> Double {
    var sum = 0.0
    for s in 0..<tokens.sequences {
      let range = tokens.tokens(of: s)
      sum += range.reduce(0.0) { $0 + Double(gradient[s].dot(layer[$1])) } / Double(range.count)
    }
    return sum
  }

  private func softmax(_ weights: Vector) -> [Float] {
    let peak = (0..<weights.count).reduce(-Float.infinity) { max($0, weights[$1]) }
    let powers = (0..<weights.count).map { expf(weights[$0] - peak) }
    let total = powers.reduce(0, +)
    return powers.map { $0 / total }
  }
}
