// Several poolings of the same hidden states: which layers the encoder has to give, and which of them each pooling
// reads. Used by SentenceEmbedder.

import Encoder
import Kernels

/// A pooling stack and whether its vectors go through its head.
package struct PoolingVariant {
  /// Poolers and head.
  package let stack: PoolingStack
  /// Off for the vectors before the head; without a head it means nothing.
  package let useHead: Bool

  /// A way to pool.
  package init(stack: PoolingStack, useHead: Bool) {
    self.stack = stack
    self.useHead = useHead
  }

  /// Width of its embeddings.
  package var width: Int { stack.embeddedWidth(useHead: useHead) }

  /// The hidden states that serve all variants; those of a single variant unchanged.
  static func request(of variants: [PoolingVariant]) -> LayerRequest {
    let requests = variants.map(\.stack.layerRequest)
    guard let first = requests.first, requests.contains(where: { $0 != first }) else {
      return requests.first ?? LayerRequest(layers: [], firstTokenOnly: false)
    }
    return LayerRequest(
      layers: Array(Set(requests.flatMap(\.layers))).sorted(), firstTokenOnly: requests.allSatisfy(\.firstTokenOnly),
      meansAreEnough: requests.allSatisfy(\.meansAreEnough))
  }
}

/// The layers one pooling reads, out of those computed for all; owns what had to be copied.
final class HiddenSelection {
  let layers: [Matrix]
  private let owners: [FloatBuffer]

  /// `hidden` are the layers of `given`; where `wanted` asks for first tokens only, these are picked out.
  init(_ hidden: [Matrix], of given: LayerRequest, for wanted: LayerRequest, offsets: [Int]) {
    let chosen = wanted.layers.compactMap { layer in given.layers.firstIndex(of: layer).map { hidden[$0] } }
    guard wanted.firstTokenOnly, !given.firstTokenOnly else {
      (layers, owners) = (chosen, [])
      return
    }
    let copies = chosen.map { matrix in
      let owner = FloatBuffer(count: (offsets.count - 1) * matrix.columns, .shown)
      for (row, offset) in offsets.dropLast().enumerated() {
        (owner.pointer + row * matrix.columns).update(from: matrix.row(offset), count: matrix.columns)
      }
      return owner
    }
    layers = zip(copies, chosen).map { $0.matrix(rows: offsets.count - 1, columns: $1.columns) }
    owners = copies
  }
}
