// The turns of queries and keys that stand for their places, as tables for the kernel that turns. Made for the longest
// sequence so far; used by the attention of every layer, forward and back.
// Source: Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021; angles in float32, as
// ModernBertRotaryEmbedding of transformers computes them.

import Glibc
import Kernels

/// The tables of an encoder: one for layers whose tokens see all others, one for those that see only near ones.
final class RotaryPositions {
  private let rotation: EncoderConfiguration.Rotation
  private let localLayers: Set<Int>
  /// Width of a head.
  private let dimension: Int
  private var places = 0
  private let global = ScratchBuffer()
  private let local = ScratchBuffer()

  /// nil where places are rows of a table.
  init?(_ configuration: EncoderConfiguration) {
    guard let rotation = configuration.rotation else { return nil }
    self.rotation = rotation
    localLayers = configuration.localAttention?.layers ?? []
    dimension = configuration.hiddenSize / configuration.headCount
  }

  /// Makes tables for sequences of up to `longest` tokens.
  func prepare(longest: Int) {
    guard longest > places else { return }
    places = longest
    fill(global, base: rotation.globalBase)
    fill(local, base: rotation.localBase)
  }

  /// By place the cosines, then the sines of all pairs of a head's numbers `[longest, D]`; layers count from 0.
  func turns(layer: Int) -> UnsafePointer<Float> {
    UnsafePointer(localLayers.contains(layer) ? local.pointer : global.pointer)
  }

  private func fill(_ table: ScratchBuffer, base: Float) {
    let half = dimension / 2
    let turns = table.reserve(places * dimension)
    for pair in 0..<half {
      let frequency = 1 / Float(pow(Double(base), Double(Float(2 * pair) / Float(dimension))))
      for place in 0..<places {
        let angle = Double(Float(place) * frequency)
        turns[place * dimension + pair] = Float(cos(angle))
        turns[place * dimension + half + pair] = Float(sin(angle))
      }
    }
  }
}
