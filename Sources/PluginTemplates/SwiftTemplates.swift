// Templates in Swift. The kit is compiled into the library beside them, so only the header is imported.

enum SwiftTemplates {
  static let sampler = """
    import PluginAPI

    /// new_i = lambda * z2_i + (1 - lambda) * z2_{i+1}, compared with every anchor; no gradient flows into it.
    final class TYPE: Sampler {
      let name = "NAME"
      let summary = "blends each positive with its neighbour and offers it as a negative"
      let lambda = Real(0.2, in: "[0,1]", live: true, "share of the row's own positive")

      func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
        try plan.block(rows: .anchor, columns: .new(0), .detachColumns, label: "NAME")
      }

      func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {
        let (positives, vectors) = (try batch.view(1), try out.vectors(0))
        for row in 0..<batch.rows {
          vectors[row].setMix(positives[row], positives[(row + 1) % batch.rows], share: call[lambda])
        }
      }
    }

    """ + entry

  static let augmenter = """
    import PluginAPI

    /// Every token but the special ones becomes the mask token with probability `rate`; sequences keep their length.
    final class TYPE: Augmenter {
      let name = "NAME"
      let summary = "hides some tokens of the positives behind the mask token"
      let rate = Real(0.15, in: "[0,1]", live: true, "the probability of a token")

      func augment(_ call: Call, _ edit: Edit) throws {
        guard let mask = edit.maskID else { throw PluginError.unsupported("NAME needs a tokenizer with a mask token") }
        // At offsets that the token's place decides: the same call gives the same text.
        var draws = [Float](repeating: 0, count: edit.tokenCount)
        try draws.withUnsafeMutableBufferPointer { draws in
          guard let start = draws.baseAddress else { return }
          try call.random(.uniform, offset: edit.view << 40, into: start, count: draws.count)
        }
        try edit.rewrite { _, tokens in
          tokens.map { !edit.isSpecial($0) && draws[$0] < call[rate] ? mask : edit.id($0) }
        }
      }
    }

    """ + entry

  static let loss = """
    import Glibc
    import PluginAPI

    /// mean_i (logsumexp_j logits[i, j] - logits[i, target_i]); the host has divided by the temperature already.
    final class TYPE: Loss {
      let name = "NAME"
      let summary = "softmax cross-entropy of each row over its candidates"
      let temperature = Real(0.05, in: "(0,)", live: true, log: true, "softmax temperature")

      func score(_ call: Call, _ logits: Logits) throws -> Double {
        // Several threads may score rows at once; each writes to its own row only.
        try logits.meanOverRows(call) { row, share, gradient in
          let (values, target) = (logits.values[row], logits.target(row))
          var (peak, rest) = (values[target], 0.0)
          for k in 0..<values.count { peak = max(peak, values[k]) }
          func power(_ k: Int) -> Double { exp(Double(values[k]) - Double(peak)) }
          // The others by themselves: 1 - p would lose its digits where the loss is small.
          for k in 0..<values.count where k != target { rest += power(k) }
          let total = rest + power(target)
          if let gradient {
            for k in 0..<values.count where k != target { gradient[k] += Float(share * power(k) / total) }
            gradient[target] -= Float(share * rest / total)
          }
          return values[target] == peak ? log1p(rest) : log(total) + Double(peak) - Double(values[target])
        }
      }
    }

    """ + entry

  static let pooler = """
    import PluginAPI

    /// The mean over all tokens of the last layer. Gradients are added.
    final class TYPE: Pooler {
      let name = "NAME"
      let summary = "the mean over all tokens of the last layer"
      /// What pool computes, so that an exported model carries it. Leave it out where no words fit.
      let pooling: Pooling? = Pooling(.mean)

      func pool(_ call: Call, _ tokens: Tokens, into out: Matrix) throws {
        let layer = try tokens.layer(0)
        for s in 0..<tokens.sequences {
          out[s].fill(0)
          for t in tokens.tokens(of: s) { out[s].add(layer[t], times: 1 / Float(tokens.tokens(of: s).count)) }
        }
      }

      func poolBackward(_ call: Call, _ tokens: Tokens, out: Matrix, gradient: Matrix) throws {
        guard let layer = tokens.layerGradient(0) else { return }
        for s in 0..<tokens.sequences {
          for t in tokens.tokens(of: s) { layer[t].add(gradient[s], times: 1 / Float(tokens.tokens(of: s).count)) }
        }
      }
    }

    """ + entry

  private static let entry = """

    private let library = Library(id: "org.example.NAME", version: "0.1.0", [TYPE()])

    @c @implementation
    public func cse_library_entry_v1(_ host: UnsafePointer<cse_host>?) -> UnsafePointer<cse_library>? { library.entry }

    """
}
