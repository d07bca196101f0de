// How a pooler says what it computes, so that an exported model carries it and training knows its head.

import PluginAPI

/// What a pooler computes, in the words of model folders: the vector of a sequence is its `tokens` of the layers read,
/// each with an equal share unless the pooler is a `LayerMixer`.
///
///     let pooling: Pooling? = Pooling(.mean)
public struct Pooling: Sendable {
  /// What is taken of a sequence's tokens, special ones among them.
  public enum Tokens: UInt32, Sendable {
    /// The first token's state.
    case first = 1
    /// The mean over all tokens.
    case mean = 2
    /// The largest value of each feature.
    case max = 3
  }

  /// What training puts behind a pooler where the user does not say.
  public enum Head: UInt32, Sendable {
    /// Nothing.
    case none = 0
    /// Linear of the same width, then tanh.
    case mlp = 1
  }

  /// What is taken of a sequence's tokens.
  public let tokens: Tokens
  /// What training puts behind the pooler where the user does not say.
  public let head: Head

  /// Describes a pooler.
  public init(_ tokens: Tokens, head: Head = .none) {
    self.tokens = tokens
    self.head = head
  }
}

/// A pooler that describes itself and mixes layers in shares of its own.
public protocol LayerMixer: Pooler {
  /// Writes the weight of each layer, `[limits.layers]`, 0 at first, embedding layer first; their sum is above 0.
  func layerWeights(_ call: Call, _ limits: Limits, into weights: Vector) throws
}

/// The extension `cse.pooling/1` of a pooler; never freed. Nil where it does not describe itself.
func pooling(of object: any Component) -> UnsafePointer<cse_pooling_1>? {
  guard let pooler = object as? any Pooler, let pooling = pooler.pooling else { return nil }
  let table = UnsafeMutablePointer<cse_pooling_1>.allocate(capacity: 1)
  table.initialize(to: cse_pooling_1())
  table.pointee.struct_size = UInt32(MemoryLayout<cse_pooling_1>.size)
  table.pointee.tokens = pooling.tokens.rawValue
  table.pointee.head = pooling.head.rawValue
  if object is any LayerMixer {
    table.pointee.layer_weights = { call, limits, weights in
      run(call, as: (any LayerMixer).self) { mixer, call in
        let limits = Limits(raw: try given(limits))
        try mixer.layerWeights(call, limits, into: Vector(pointer: try given(weights), count: limits.layers))
      }
    }
  }
  return UnsafePointer(table)
}
