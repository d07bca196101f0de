// Attention pooling: a learnable query decides how much each token counts.

import Glibc
import PluginKit

/// `out_s = sum_{t in s} p_t h_t` with `p = softmax over the tokens of s of <q, h_t> / sqrt(d)`, of the last layer.
///
/// The query starts at 0, where the pooler is `avg`. Backward, with `g` the gradient of `out_s`, `a_t = <g, h_t>` and
/// `e_t = p_t (a_t - sum_k p_k a_k)`, the gradient of the token's score:
/// `dh_t = p_t g + e_t q / sqrt(d)` and `dq = sum_t e_t h_t / sqrt(d)`.
///
/// Source: the context vector of Yang et al., "Hierarchical Attention Networks", NAACL 2016, equations 6 and 7, with
/// the scaled product of Vaswani et al., NeurIPS 2017, in place of its hidden layer.
final class Attention: Pooler {
  let name = "attention"
  let summary = "the mean of the last layer weighted by a learnable query: softmax over the tokens of q h / sqrt(d)"

  let learningRateMultiplier = Real(100, in: "(0,)", log: true, "learning rate of the query over the model's")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    try plan.read(layers: [-1])
    try plan.weight("query", shape: [limits.width], decays: false, rateMultiplier: call[learningRateMultiplier])
    // p, for backward; and there e.
    plan.tape(bytes: limits.maximumTokens * MemoryLayout<Float>.stride)
    plan.scratch(bytes: limits.maximumTokens * MemoryLayout<Float>.stride)
  }

  func pool(_ call: Call, _ tokens: Tokens, into out: Matrix) throws {
    let (states, query) = try (tokens.layer(0), call.weight(0)[0])
    let shares = try numbers(call.tape)
    let scale = 1 / sqrtf(Float(tokens.width))
    try call.parallelFor(tokens.sequences, grain: 16) { range in
      for s in range {
        let range = tokens.tokens(of: s)
        for t in range { shares[t] = scale * query.dot(states[t]) }
        let peak = range.reduce(-Float.infinity) { max($0, shares[$1]) }
        for t in range { shares[t] = expf(shares[t] - peak) }
        let total = range.reduce(0) { $0 + shares[$1] }
        out[s].fill(0)
        for t in range {
          shares[t] /= total
          out[s].add(states[t], times: shares[t])
        }
      }
    }
  }

  func poolBackward(_ call: Call, _ tokens: Tokens, out: Matrix, gradient: Matrix) throws {
    let (states, query) = try (tokens.layer(0), call.weight(0)[0])
    let (shares, slopes) = try (numbers(call.tape), numbers(call.scratch))
    let dStates = tokens.layerGradient(0)
    let scale = 1 / sqrtf(Float(tokens.width))
    try call.parallelFor(tokens.sequences, grain: 16) { range in
      for s in range {
        let range = tokens.tokens(of: s)
        for t in range { slopes[t] = gradient[s].dot(states[t]) }
        let mean = range.reduce(0) { $0 + shares[$1] * slopes[$1] }
        for t in range {
          slopes[t] = shares[t] * (slopes[t] - mean) * scale
          dStates?[t].add(gradient[s], times: shares[t])
          dStates?[t].add(query, times: slopes[t])
        }
      }
    }
    // One thread and one order, so that the sum does not depend on the threads.
    guard let dQuery = call.weightGradient(0)?[0] else { return }
    for s in 0..<tokens.sequences { for t in tokens.tokens(of: s) { dQuery.add(states[t], times: slopes[t]) } }
  }

  private func numbers(_ memory: UnsafeMutableRawPointer?) throws -> UnsafeMutablePointer<Float> {
    guard let memory else { throw PluginError.invalid("attention got no memory for its shares") }
    return memory.assumingMemoryBound(to: Float.self)
  }
}
