// Masked language modelling where the head is where the weights are: an encoder that computes elsewhere makes the whole
// pass, and ids, positions and one number are all that crosses. Implemented by Objective.PluginEncoder, by Ranks'
// encoders and by parts of a batch; called by Training's MaskedLanguageObjective.

package import Kernels

/// A batch some of whose tokens are hidden, and what they were.
package struct MaskedBatch: Sendable {
  /// What is seen, without probabilities of dropout for single sequences.
  package var batch: PackedBatch
  /// Which of its tokens are guessed, ascending.
  package var positions: [Int]
  /// Which words they are.
  package var labels: [Int32]
  /// Gradients are those of `factor` times the summed loss.
  package var factor: Double
  /// What dropout is keyed by, and its probabilities.
  package var step: UInt64
  package var hiddenDropout, attentionDropout: Float

  /// A batch by its parts.
  package init(
    _ batch: PackedBatch, positions: [Int], labels: [Int32], factor: Double, step: UInt64, hiddenDropout: Float,
    attentionDropout: Float
  ) {
    precondition(labels.count == positions.count, "each masked position needs its label")
    (self.batch, self.positions, self.labels, self.factor) = (batch, positions, labels, factor)
    (self.step, self.hiddenDropout, self.attentionDropout) = (step, hiddenDropout, attentionDropout)
  }

  /// Some of the sequences, with the dropout and the factor that they have in this batch.
  package func part(_ range: Range<Int>) -> MaskedBatch {
    let tokens = batch.offsets[range.lowerBound]..<batch.offsets[range.upperBound]
    let chosen = positions.indices.filter { tokens.contains(positions[$0]) }
    var part = self
    part.batch = batch.part(range)
    part.positions = chosen.map { positions[$0] - tokens.lowerBound }
    part.labels = chosen.map { labels[$0] }
    return part
  }
}

/// An encoder with a head for masked words where its weights are.
package protocol MaskedWords: AnyObject {
  /// Mirrors of the head's tensors, by the names that this program's own head has.
  var headParameters: [Parameter] { get }
  /// Whether the checkpoint had the head.
  var hasPretrainedHead: Bool { get }
  /// A pass forward and backward: adds the gradients of `factor` times the summed cross-entropy at the positions.
  /// - Returns: that sum.
  /// - Throws: what `SentenceEncoder.forward` throws.
  func learn(_ batch: MaskedBatch) throws -> Double
}

/// The same some sequences at a time. A part has its backward pass at once, so nothing is computed twice.
final class MaskedParts: MaskedWords {
  private let whole: any MaskedWords
  private let size: Int

  init(_ whole: any MaskedWords, size: Int) { (self.whole, self.size) = (whole, size) }

  var headParameters: [Parameter] { whole.headParameters }
  var hasPretrainedHead: Bool { whole.hasPretrainedHead }

  func learn(_ batch: MaskedBatch) throws -> Double {
    let sequences = batch.batch.sequences
    var sum = 0.0
    for first in stride(from: 0, to: sequences, by: size) {
      let part = batch.part(first..<min(first + size, sequences))
      if !part.positions.isEmpty { sum += try whole.learn(part) }
    }
    return sum
  }
}
