// The further encodings that a component asked for, with numbers made up: guides' have length one.

import Host
import Kernels
import PluginAPI

/// Vectors by what makes them, in the order of the plan.
struct RigEncodings {
  /// The widths of the guides that there are in tests: none is that of the embeddings.
  static let guideWidths = [7, 12]

  /// [rows, width] each.
  let fields: [Field]
  /// Whether the vectors of a field have length one.
  let isUnit: [Bool]
  private let list: TensorList

  init(_ instance: PluginInstance, _ shape: RigShape, seed: UInt64, limits: PluginLimits) throws {
    try instance.prepare(limits)
    fields = try instance.plan.encodings.enumerated().map { index, encoding in
      let field = try Field(
        "encodings[\(index)]", [shape.rows, encoding.width(limits)], padded: shape.isPadded, side: shape.side)
      var values = [Float](repeating: 0, count: field.rows * field.width)
      values.withUnsafeMutableBufferPointer {
        // Two views by the same encoder differ by the half, as those of a text do.
        RandomStream(seed: seed, name: "encoding of \(encoding.source)").normal(step: 0, offset: 0, into: $0)
        for index in $0.indices { $0[index] *= 1 + 0.5 * Float((index * 7 + encoding.view * 5) % 3) }
      }
      field.values = values
      return field
    }
    isUnit = instance.plan.encodings.map { if case .guide = $0.source { true } else { false } }
    list = TensorList(fields.map(\.tensor))
    for (field, isUnit) in zip(fields, isUnit) where isUnit {
      for row in 0..<field.rows {
        let vector = field.floats + row * field.stride
        let length = (0..<field.width).reduce(0) { $0 + vector[$1] * vector[$1] }.squareRoot()
        for k in 0..<field.width { vector[k] /= max(length, 1e-8) }
      }
    }
  }

  func describe(_ batch: inout cse_batch) { batch.encodings = fields.isEmpty ? nil : list.reading }
}
