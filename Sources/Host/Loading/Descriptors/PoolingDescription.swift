// How a pooler describes itself (the extension "cse.pooling/1"): which tokens it takes, the head it is trained with.
// Read by ComponentReader when a library is loaded; asked by export, by training's default head and by `plugins info`.

package import PluginAPI

/// What a pooler computes, in the words of model folders: the vector of a sequence is its `tokens` of a mixture of
/// layers.
package struct PoolingDescription: Sendable {
  /// What is taken of a sequence's tokens, special ones among them.
  package enum Tokens: String, Sendable {
    /// The first token's state.
    case first
    /// The mean over all tokens.
    case mean
    /// The largest value of each feature.
    case max
  }

  /// What is taken of a sequence's tokens.
  package let tokens: Tokens
  /// Whether training puts Linear and tanh behind this pooler where the user does not say.
  package let wantsHead: Bool
  /// Writes the weight of each layer; nil: the layers of the plan in equal shares.
  package let layerWeights:
    (@convention(c) (UnsafePointer<cse_call>?, UnsafePointer<cse_limits>?, UnsafeMutablePointer<Float>?) -> cse_status)?
}

extension ComponentReader {
  /// What a pooler says of itself; nil with a note where it says it in words this host does not know.
  /// - Throws: `PluginRefusal` where the table cannot be read.
  func pooling(
    of raw: cse_component, declared: UnsafePointer<cse_component>, name: String, notes: inout [String]
  ) throws(PluginRefusal) -> PoolingDescription? {
    guard let find = raw.get_extension, let address = find(declared, CSE_POOLING_1) else { return nil }
    let field = "\(name): \(CSE_POOLING_1)"
    let table = try reader.structure(
      cse_pooling_1(), at: UInt(bitPattern: address), smallest: offset(\cse_pooling_1.reserved), field: field)
    let function = withUnsafeBytes(of: table) {
      $0.loadUnaligned(fromByteOffset: offset(\cse_pooling_1.layer_weights), as: UInt.self)
    }
    guard function == 0 || reader.code.contains(function) else {
      throw .descriptor(
        field: field + ".layer_weights",
        problem: "it points to 0x\(String(function, radix: 16)), where no code is")
    }
    guard let tokens = PoolingDescription.Tokens(table.tokens), table.head <= UInt32(CSE_HEAD_MLP) else {
      notes.append(
        "pooler '\(name)' describes itself with tokens \(table.tokens) and head \(table.head), which this host does"
          + " not "
          + "know; exports keep its name as text")
      return nil
    }
    return PoolingDescription(
      tokens: tokens, wantsHead: table.head == UInt32(CSE_HEAD_MLP), layerWeights: table.layer_weights)
  }
}

extension PoolingDescription.Tokens {
  /// The meaning of a number of the header; nil for one this host does not know.
  init?(_ number: UInt32) {
    switch Int(number) {
    case Int(CSE_POOL_FIRST): self = .first
    case Int(CSE_POOL_MEAN): self = .mean
    case Int(CSE_POOL_MAX): self = .max
    default: return nil
    }
  }

  /// The header's number.
  package var number: UInt32 {
    switch self {
    case .first: UInt32(CSE_POOL_FIRST)
    case .mean: UInt32(CSE_POOL_MEAN)
    case .max: UInt32(CSE_POOL_MAX)
    }
  }
}
