// Several layers side by side: a wider vector that loses none of them in a mean.

import PluginKit

/// `out_s = [m_1s, m_2s, ...]` with `m_ls` the mean of layer l over all tokens of s, or its first token; as many times
/// the hidden width as there are layers.
///
/// Source: Devlin et al., "BERT", NAACL 2019, table 7, where the last four layers side by side are the best features
/// of a frozen BERT.
final class Concatenation: Pooler {
  enum Of: Int64, CaseIterable { case mean, first }

  let name = "concat"
  let summary = "the means of several layers side by side: as many times the width"

  let layers = Text("-4/-3/-2/-1", "the layers, separated by slashes: 0 the embeddings, -1 the last, -2 the one before")
  let of = Choice(Of.mean, "what is taken of a layer: the mean over all tokens, or the first token")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    let list = try call[layers].split(separator: "/", omittingEmptySubsequences: false).map { text in
      guard let layer = Int(text), layer >= -limits.layers, layer < limits.layers else {
        throw PluginError.invalid(
          "concat: '\(text)' is no layer; the encoder has 0 (embeddings) to \(limits.layers - 1), or -1 (last) to "
            + "-\(limits.layers), and layers are separated by slashes: layers=-2/-1")
      }
      return layer
    }
    if call[of] == .first { plan.readFirstTokenOnly() }
    try plan.read(layers: list)
    plan.outputWidth(list.count * limits.width)
  }

  func pool(_ call: Call, _ tokens: Tokens, into out: Matrix) throws {
    let layers = try (0..<tokens.layers).map(tokens.layer)
    try call.parallelFor(tokens.sequences, grain: 16) { range in
      for s in range {
        let range = taken(call, tokens.tokens(of: s))
        for (k, layer) in layers.enumerated() {
          let part = out[s][place(k, tokens.width)]
          part.fill(0)
          for t in range { part.add(layer[t], times: 1 / Float(range.count)) }
        }
      }
    }
  }

  func poolBackward(_ call: Call, _ tokens: Tokens, out: Matrix, gradient: Matrix) throws {
    let dLayers = (0..<tokens.layers).map(tokens.layerGradient)
    try call.parallelFor(tokens.sequences, grain: 16) { range in
      for s in range {
        let range = taken(call, tokens.tokens(of: s))
        for (k, dLayer) in dLayers.enumerated() {
          let part = gradient[s][place(k, tokens.width)]
          for t in range { dLayer?[t].add(part, times: 1 / Float(range.count)) }
        }
      }
    }
  }

  private func taken(_ call: Call, _ tokens: Range<Int>) -> Range<Int> {
    call[of] == .first ? tokens.prefix(1) : tokens
  }

  /// Where layer `k`'s numbers stand in a vector.
  private func place(_ k: Int, _ width: Int) -> Range<Int> { k * width..<(k + 1) * width }
}
