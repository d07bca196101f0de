// A learnable tensor with its gradient: encoder, head and plugin weights alike.
// Made by their owners, read by the optimiser, the exporter and the checkpoints.

/// A learnable tensor and its gradient of the same shape, row-major float32.
package final class Parameter: @unchecked Sendable {
  /// The canonical name, such as `encoder.layer.0.output.dense.weight`.
  package let name: String
  /// Sizes of its axes.
  package let shape: [Int]
  /// The number of elements: the product of `shape`.
  package let count: Int
  /// The weights, row-major.
  package let value: UnsafeMutablePointer<Float>
  /// The gradient, in the same order; backward passes add to it. A parameter that is only read has none.
  package var gradient: UnsafeMutablePointer<Float> {
    guard let gradientStart else { preconditionFailure("\(name) is only read and has no gradient") }
    return gradientStart
  }
  /// Whether weight decay applies (not to biases and normalisation weights).
  package let decays: Bool
  /// The factor of the run's learning rate for this tensor.
  package let learningRateMultiplier: Float
  /// For a table of which a step reads few rows: those that ever had a gradient. Whoever writes gradients marks them.
  package let touched: TouchedRows?
  private let valueOwner: FloatBuffer
  private let gradientOwner: FloatBuffer?
  private let gradientStart: UnsafeMutablePointer<Float>?

  /// A parameter with zeroed memory of its own; `visibility`: who sees its values.
  package convenience init(
    name: String, shape: [Int], decays: Bool, learningRateMultiplier: Float = 1, _ visibility: Visibility = .own
  ) {
    let count = shape.reduce(1, *)
    self.init(
      name: name, shape: shape, values: FloatBuffer(count: count, visibility), gradients: FloatBuffer(count: count),
      offset: 0,
      decays: decays, learningRateMultiplier: learningRateMultiplier)
  }

  /// A parameter whose value and gradient lie `offset` elements into buffers shared with other parameters; `gradients`:
  /// nil where it is only read.
  package init(
    name: String, shape: [Int], values: FloatBuffer, gradients: FloatBuffer?, offset: Int, decays: Bool,
    learningRateMultiplier: Float = 1, touched: TouchedRows? = nil
  ) {
    let count = shape.reduce(1, *)
    let room = min(values.count, gradients?.count ?? values.count)
    precondition(offset >= 0 && offset + count <= room, "\(name) leaves its buffer")
    precondition(touched.map { $0.rows * $0.width == count } ?? true, "\(name) has other rows than its marks")
    self.touched = touched
    self.name = name
    self.shape = shape
    self.count = count
    self.decays = decays
    self.learningRateMultiplier = learningRateMultiplier
    valueOwner = values
    gradientOwner = gradients
    value = values.pointer + offset
    gradientStart = gradients.map { $0.pointer + offset }
  }

  /// Sets the gradient to zero.
  package func clearGradient() { gradient.update(repeating: 0, count: count) }
}
