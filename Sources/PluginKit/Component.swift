// The protocols a plugin author conforms to: one per kind of component.

/// What every component has: a name, a summary, and parameters and metrics declared as stored properties.
public protocol Component: AnyObject, Sendable {
  /// The name on the command line: lower-case letters, digits, `_` and `-`.
  var name: String { get }
  /// The first line says what it does; formula and paper follow.
  var summary: String { get }
  /// Declares memory, tensors, blocks and layers. Called before the first batch, and again when a limit or a
  /// parameter that is not live changed.
  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws
}

extension Component {
  /// Declares nothing.
  public func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {}
}

/// A component with states of its own, written once for each accepted training batch.
public protocol Stateful: Component {
  /// Writes the states. `batch` is nil for poolers.
  func commit(_ call: Call, _ batch: Batch?) throws
}

/// Edits the tokens of a view before the encoder sees them.
public protocol Augmenter: Component {
  /// Writes every sequence anew.
  func augment(_ call: Call, _ edit: Edit) throws
}

/// Turns token states into one vector per sentence.
public protocol Pooler: Component {
  /// What it computes, for exported models and for the head that training puts behind it; nil where no words fit.
  var pooling: Pooling? { get }
  /// Writes `out` `[sequences, output width]` in full.
  func pool(_ call: Call, _ tokens: Tokens, into out: Matrix) throws
  /// Adds to the layers' gradients and to the weights' gradients, given `gradient` of `out`.
  func poolBackward(_ call: Call, _ tokens: Tokens, out: Matrix, gradient: Matrix) throws
}

extension Pooler {
  /// Does not describe itself: exports keep its name as text.
  public var pooling: Pooling? { nil }
}

/// Says what the rows are compared with: new vectors, blocks of candidates, edits of single cells.
public protocol Sampler: Component {
  /// Writes the new vectors in full and edits cells.
  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws
  /// Adds to the views' gradients, given the gradients of the new vectors; nil for detached ones.
  func sampleBackward(_ call: Call, _ batch: Batch, gradients: (Int) -> Matrix?) throws
}

extension Sampler {
  /// Reports that this sampler's new vectors carry no gradient.
  public func sampleBackward(_ call: Call, _ batch: Batch, gradients: (Int) -> Matrix?) throws {
    throw PluginError.unsupported("\(name) declares live new vectors and has no sampleBackward")
  }
}

/// Scores finished logits.
public protocol Loss: Component {
  /// The mean over rows; adds to the gradients of logits or similarities where they are wanted.
  func score(_ call: Call, _ logits: Logits) throws -> Double
}

/// Scores the embeddings themselves.
public protocol EmbeddingLoss: Component {
  /// The loss; adds to the views' gradients where they are wanted.
  func score(_ call: Call, _ batch: Batch) throws -> Double
}
