// The tensors of the head for masked words: names, shapes, and what they begin with. Made by MaskedLanguageHead, and by
// encoders that compute elsewhere, whose head is there.

package import Kernels

/// Dense weight and bias, LayerNorm weight and bias, the bias of every word.
package struct MaskedHeadParameters {
  /// Those that the architecture has, by Hugging Face's names.
  package let parameters: [Parameter]
  /// What BERT calls each of them: names of one kind for encoders that compute elsewhere.
  package let plainNames: [String]
  /// Whether the checkpoint had the head; otherwise it begins as `start` says.
  package let isPretrained: Bool
  /// All five: biases that are not there are zeros, whose gradients nobody reads.
  let all: [Parameter]

  /// The head of an encoder; taken from `table` where all its tensors are there.
  /// - Throws: the table's error where a tensor of the head has another shape or type.
  package init(_ configuration: EncoderConfiguration, weights table: (any WeightSource)?, seed: UInt64) throws {
    let plan = Self.plan(configuration, named: configuration.architecture.head)
    let prefix = configuration.architecture.head.prefix
    all = plan.map { Parameter(name: prefix + $0.name, shape: $0.shape, decays: $0.shape.count > 1) }
    let tensors = zip(plan, all).filter(\.0.exists).map { (name: $0.name, parameter: $1) }
    parameters = tensors.map(\.parameter)
    plainNames = Self.plan(configuration, named: Architecture.bert.head).filter(\.exists).map(\.name)
    isPretrained = table.map { table in tensors.allSatisfy { table.contains($0.name) } } ?? false
    if let table, isPretrained {
      for (name, parameter) in tensors { try table.copy(name, shape: parameter.shape, into: parameter.value) }
    } else {
      for parameter in parameters { Self.start(parameter, seed: seed) }
    }
  }

  /// Gives a tensor of a head the values that training begins with where a checkpoint has none: normal(0, 0.02) for
  /// matrices, 1 for weights of norms, 0 for biases.
  package static func start(_ parameter: Parameter, seed: UInt64) {
    let values = UnsafeMutableBufferPointer(start: parameter.value, count: parameter.count)
    guard parameter.shape.count > 1 else {
      return values.update(repeating: parameter.name.hasSuffix(".weight") ? 1 : 0)
    }
    RandomStream(seed: seed, name: parameter.name).normal(step: 0, offset: 0, into: values)
    for index in values.indices { values[index] *= 0.02 }
  }

  /// Names and shapes.
  private static func plan(
    _ c: EncoderConfiguration, named names: Architecture.Head
  ) -> [(name: String, shape: [Int], exists: Bool)] {
    let e = c.embeddingSize
    return [
      (names.dense + ".weight", [e, c.hiddenSize], true), (names.dense + ".bias", [e], c.biases.head),
      (names.norm + ".weight", [e], true), (names.norm + ".bias", [e], c.biases.norms),
      (names.bias, [c.vocabularySize], c.biases.words),
    ]
  }
}

extension EncoderConfiguration {
  /// The function behind the dense map of the head for masked words.
  package var maskedActivation: Activation { headActivation ?? architecture.head.activation ?? activation }
}
