// An encoder plugin that learns to guess words: the call of cse_encoder_masked_1. Used by Objective.PluginEncoder.

import PluginAPI
package import PluginLoading

extension EncoderPlugin {
  /// Its functions for that, checked; nil where it has none.
  static func masked(_ component: PluginComponent) throws -> cse_encoder_masked_1? {
    try table(cse_encoder_masked_1(), CSE_ENCODER_MASKED_1, of: component)
  }

  /// Whether an encoder of this component can be opened with a head for masked words.
  /// - Throws: `PluginRefusal` where its table cannot be used.
  package static func learnsMaskedWords(_ component: PluginComponent) throws -> Bool { try masked(component) != nil }

  /// Guesses words of a pass, adds `factor` times the gradients of the summed loss, and returns that sum.
  package func learn(_ pass: EncoderPass, _ masking: EncoderMasking) throws -> Double {
    guard let maskedFunctions else {
      throw EncoderFailure(
        component: name, function: "learn", message: "expected a table \(CSE_ENCODER_MASKED_1), found none")
    }
    var (raw, sum) = (masking.raw, 0.0)
    try with(pass) { pass in
      try masking.positions.withUnsafeBufferPointer { positions in
        try masking.labels.withUnsafeBufferPointer { labels in
          (raw.positions, raw.labels) = (positions.baseAddress, labels.baseAddress)
          try check("learn", maskedFunctions.learn(handle, &pass, &raw, &sum, message))
        }
      }
    }
    return sum
  }
}
