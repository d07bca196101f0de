// Several layers, or several summaries of their tokens, side by side: a wider vector that loses none of them in a mean.

import PluginKit

/// `out_s = [m_1s, m_2s, ...]` with `m_ls` what `of` takes of layer l's tokens: as many times the hidden width as there
/// are layers and summaries; of each layer all summaries in a row.
///
/// Source: Devlin et al., "BERT", NAACL 2019, table 7, where the last four layers side by side are the best features
/// of a frozen BERT; several modes in one Pooling of sentence-transformers (`layers=-1`).
final class Concatenation: Pooler {
  let name = "concat"
  let summary = "several layers, or summaries of their tokens, side by side: as many times the width"

  let layers = Text("-4/-3/-2/-1", "the layers, separated by slashes: 0 the embeddings, -1 the last, -2 the one before")
  let of = Text("mean", "what is taken of a layer's tokens, separated by slashes: first, last, mean, max, sqrt, ramp")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    let list = try call[layers].split(separator: "/", omittingEmptySubsequences: false).map { text in
      guard let layer = Int(text), layer >= -limits.layers, layer < limits.layers else {
        throw PluginError.invalid(
          "concat: '\(text)' is no layer; the encoder has 0 (embeddings) to \(limits.layers - 1), or -1 (last) to "
            + "-\(limits.layers), and layers are separated by slashes: layers=-2/-1")
      }
      return layer
    }
    let summaries = try summaries(call)
    if summaries == [.first] { plan.readFirstTokenOnly() }
    try plan.read(layers: list)
    plan.outputWidth(list.count * summaries.count * limits.width)
  }

  private func summaries(_ call: Call) throws -> [TokenSummary] {
    try call[of].split(separator: "/", omittingEmptySubsequences: false).map { text in
      guard let summary = TokenSummary(rawValue: String(text)) else {
        throw PluginError.invalid(
          "concat: '\(text)' is none of \(TokenSummary.allCases.map(\.rawValue).joined(separator: ", ")); they are "
            + "separated by slashes: of=mean/max")
      }
      return summary
    }
  }

  func pool(_ call: Call, _ tokens: Tokens, into out: Matrix) throws {
    let layers = try (0..<tokens.layers).map(tokens.layer)
    let summaries = try summaries(call)
    try call.parallelFor(tokens.sequences, grain: 16) { range in
      for s in range {
        for (l, layer) in layers.enumerated() {
          for (k, summary) in summaries.enumerated() {
            let part = out[s][place(l * summaries.count + k, tokens.width)]
            summary.write(layer, tokens.tokens(of: s), into: part)
          }
        }
      }
    }
  }

  func poolBackward(_ call: Call, _ tokens: Tokens, out: Matrix, gradient: Matrix) throws {
    let layers = try (0..<tokens.layers).map(tokens.layer)
    let dLayers = (0..<tokens.layers).map(tokens.layerGradient)
    let summaries = try summaries(call)
    try call.parallelFor(tokens.sequences, grain: 16) { range in
      for s in range {
        for (l, dLayer) in dLayers.enumerated() {
          guard let dLayer else { continue }
          for (k, summary) in summaries.enumerated() {
            let place = place(l * summaries.count + k, tokens.width)
            summary.writeBack(
              layers[l], tokens.tokens(of: s), out: out[s][place], gradient: gradient[s][place], into: dLayer)
          }
        }
      }
    }
  }

  /// Where part `k` stands in a vector.
  private func place(_ k: Int, _ width: Int) -> Range<Int> { k * width..<(k + 1) * width }
}
