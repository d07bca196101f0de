// The encoder of several processes, as rank 0 and all that is above it see it: a batch goes in whole, hidden states
// come out whole, and what each rank adds up and moves is a device's affair. Made by TrainingPlan; the other ranks run
// RankWorker.

package import Encoder
package import Kernels

/// An encoder whose batches are shared out among ranks.
package final class RankedEncoder: SentenceEncoder, DeviceWeights {
  /// This rank's own, with the weights as they are after each step.
  package let encoder: TransformerEncoder
  /// Gradients reach every row of the word table, not only those of tokens that occurred (masked language modelling).
  package var fillsWordTable = false
  /// Whether a batch has one backward pass.
  package var hasOnePass = true
  private let group: RankGroup
  private let member: RankMember
  private let states = WholeStates()
  /// The norm, once the gradients are added up.
  private var squaredNorm: Double?
  /// Whether no batch will follow before the next sum.
  private var isLastBatch = false
  /// Moments that came together for a checkpoint.
  private var gathered: [DevicePart: FloatBuffer] = [:]

  /// Gives all other ranks the model of `folder`, with the weights that `encoder` has.
  /// - Parameters:
  ///   - seed: decides dropout.
  ///   - threads: of every rank; nil: as many as fit.
  ///   - shards: parts of a batch whose gradients are added up apart, a multiple of the group's size.
  ///   - learns: off where no backward pass will follow: the ranks need no memory for gradients then.
  package init(
    _ encoder: TransformerEncoder, folder: String, seed: UInt64, threads: Int?, shards: Int, learns: Bool = true,
    group: RankGroup
  ) {
    (self.encoder, self.group) = (encoder, group)
    var path = Array(folder.utf8)
    group.tell(
      .start(
        pathBytes: path.count, seed: seed, threads: threads ?? 0, shards: shards, precision: encoder.precision,
        learns: learns))
    group.broadcast(&path)
    member = RankMember(encoder, shards: shards, group: group)
    for (index, parameter) in encoder.parameters.enumerated() { set(.value, of: index, from: parameter.value) }
  }

  package var hiddenSize: Int { encoder.hiddenSize }
  package var layerCount: Int { encoder.layerCount }
  package var maximumTokens: Int { encoder.maximumTokens }
  package var vocabularySize: Int { encoder.vocabularySize }
  package var parameters: [Parameter] { encoder.parameters }
  package var device: (any DeviceWeights)? { self }

  // MARK: Passes

  package func forward(_ batch: PackedBatch, request: LayerRequest, mode: EncoderMode) throws -> [Matrix] {
    // What is wrong with a sequence is said with its number in the whole batch, and before others hear of it.
    try batch.check(maximumTokens: maximumTokens, vocabularySize: vocabularySize)
    let request = request.answered(by: encoder)
    let whole = states.matrices(batch, request, width: hiddenSize)
    guard batch.sequences > 0 else { return whole }
    let shared = RankBatch(batch, request, mode)
    group.tell(.forward(shared.command))
    var numbers = shared.numbers
    group.broadcast(&numbers)
    try member.forward(shared, into: whole)
    return whole
  }

  package func backward(_ gradients: [Matrix]) throws {
    squaredNorm = nil
    let isLast = isLastBatch && hasOnePass
    group.tell(.backward(isLast: isLast))
    try member.backward(gradients, isLast: isLast)
  }

  // MARK: Weights

  package var mirrors: [Parameter] { encoder.parameters }

  package func batchFollows(isLast: Bool) { isLastBatch = isLast }

  package func squaredGradientNorm() -> Double {
    if let squaredNorm { return squaredNorm }
    group.tell(.sum(wholeTable: fillsWordTable))
    let norm = member.weights.sum(wholeTable: fillsWordTable)
    squaredNorm = norm
    return norm
  }

  package func step(_ step: DeviceStep) {
    _ = squaredGradientNorm()
    group.tell(.step(step))
    member.weights.step(step)
    (squaredNorm, gathered) = (nil, [:])
  }

  package func clearGradients() {
    squaredNorm = nil
    group.tell(.clear)
    member.weights.clear()
  }

  package func read(_ part: DevicePart, of index: Int, into target: UnsafeMutablePointer<Float>) {
    if part != .value, index > 0, gathered[part] == nil {
      group.tell(.read(part))
      gathered[part] = member.weights.gather(part)
    }
    member.weights.copy(part, of: index, gathered: gathered[part], into: target)
  }

  package func write(_ part: DevicePart, of index: Int, from source: UnsafePointer<Float>) {
    gathered[part] = nil
    set(part, of: index, from: source)
  }

  private func set(_ part: DevicePart, of index: Int, from source: UnsafePointer<Float>) {
    group.tell(.write(part, tensor: index))
    group.broadcast(UnsafeMutablePointer(mutating: source), count: parameters[index].count)
    member.set(part, of: index, from: source)
  }
}

extension RankGroup {
  /// Says to all other ranks what comes next.
  func tell(_ command: RankCommand) {
    var numbers = command.numbers
    broadcast(&numbers)
  }

  /// Lets all other ranks end, and leaves the group; for rank 0, at the end of whatever it did.
  package func end() {
    tell(.end)
    close()
  }
}
