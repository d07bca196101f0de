// Mean pooling: over the tokens of one layer, or of two layers averaged.

import PluginKit

/// The mean over all tokens of a sentence, special ones included, and over the layers named in plan.
///
/// `out_s = 1/(|s| L) sum_{layers, t in s} h_t`; so each token's state receives `gradient_s / (|s| L)`.
protocol MeanOfLayers: Pooler {}

extension MeanOfLayers {
  var pooling: Pooling? { Pooling(.mean) }

  func pool(_ call: Call, _ tokens: Tokens, into out: Matrix) throws {
    let layers = try (0..<tokens.layers).map(tokens.layer)
    try call.parallelFor(tokens.sequences, grain: 16) { range in
      for s in range {
        let range = tokens.tokens(of: s)
        out[s].fill(0)
        for layer in layers { for t in range { out[s].add(layer[t]) } }
        out[s].scale(by: 1 / Float(range.count * layers.count))
      }
    }
  }

  func poolBackward(_ call: Call, _ tokens: Tokens, out: Matrix, gradient: Matrix) throws {
    let layers = (0..<tokens.layers).compactMap(tokens.layerGradient)
    try call.parallelFor(tokens.sequences, grain: 16) { range in
      for s in range {
        let range = tokens.tokens(of: s)
        let share = 1 / Float(range.count * layers.count)
        for layer in layers { for t in range { layer[t].add(gradient[s], times: share) } }
      }
    }
  }
}

/// Mean pooling of the last layer.
///
/// Source: Reimers and Gurevych, "Sentence-BERT", EMNLP 2019.
final class Mean: MeanOfLayers {
  let name = "avg"
  let summary = "the mean of the last layer over all tokens"

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws { try plan.read(layers: [-1]) }
}

/// Mean pooling of the last two layers.
///
/// Source: Li et al., "On the Sentence Embeddings from Pre-trained Language Models", EMNLP 2020.
final class MeanOfTopTwo: MeanOfLayers {
  let name = "avg_top2"
  let summary = "the mean of the last two layers over all tokens"

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    if limits.layers < 2 { throw PluginError.invalid("avg_top2 needs two layers and the encoder has \(limits.layers)") }
    try plan.read(layers: [-2, -1])
  }
}

/// Mean pooling of the first and the last layer.
///
/// Source: Su et al., "Whitening Sentence Representations", 2021. Both meanings of "first" are in use.
final class MeanOfFirstAndLast: MeanOfLayers {
  enum First: Int64, CaseIterable { case embedding, layer1 }

  let name = "avg_first_last"
  let summary = "the mean of the first and the last layer over all tokens"

  let first = Choice(First.embedding, "the first layer: the embedding layer, or the first transformer layer")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    let layer = Int(call[first].rawValue)
    if layer >= limits.layers - 1 {
      throw PluginError.invalid("avg_first_last needs a layer before the last; the encoder has \(limits.layers)")
    }
    try plan.read(layers: [layer, -1])
  }
}
