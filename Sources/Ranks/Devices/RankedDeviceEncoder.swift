// The encoders of several processes, each on a device of its own, as rank 0 and all that is above it see them: a batch
// goes in whole, hidden states come out whole. Made by TrainingPlan; the other ranks run RankWorker.

package import Encoder
package import Kernels

/// An encoder whose batches are shared out among the ranks' devices.
package final class RankedDeviceEncoder: SentenceEncoder, DeviceWeights, MaskedWords {
  /// What there is to say of the ranks' devices, line by line.
  package private(set) var notes: [String] = []
  private let own: any SentenceEncoder
  private let weights: any DeviceWeights
  private let group: RankGroup
  private let member: DeviceMember
  private let states = WholeStates()
  private var areSummed = false
  /// What went wrong: ranks are asked for nothing more then.
  private var broken: (failure: any Error, hasMoved: Bool)?

  /// Has all other ranks open the same encoder, and gives them the weights that this one has.
  /// - Parameters:
  ///   - encoder: this rank's, whose `device` is not nil.
  ///   - order: what the others need to know to open theirs; `RankWorker` was given who reads it.
  ///   - threads: of every rank; nil: as many as fit.
  ///   - needsOwnDevice: two ranks may not share a device.
  /// - Throws: `RankFailure` where another cannot open it, or has no device of its own.
  package init(
    _ encoder: any SentenceEncoder, order: String, threads: Int?, needsOwnDevice: Bool, pool: ThreadPool,
    group: RankGroup
  ) throws {
    guard let device = encoder.device else { preconditionFailure("the encoder is on no device") }
    (own, weights, self.group) = (encoder, device, group)
    member = DeviceMember(encoder, device: device, pool: pool, group: group)
    var bytes = Array(order.utf8)
    group.tell(.open(bytes: bytes.count, threads: threads ?? 0))
    group.broadcast(&bytes)
    // Loading takes as long as it takes.
    group.meet()
    try group.agree(nil)
    let sharing = DeviceSharing(member.places(), group: group)
    let problem = needsOwnDevice ? sharing.problem : nil
    member.tell(problem != nil ? .end : sharing.isShared ? .addUpHere : .join)
    if let problem { throw problem }
    notes += sharing.notes
    let way: DeviceMember.Way = sharing.isShared ? (nil, "ranks share a device") : member.joinPeers()
    notes.append("ranks: " + DeviceMember.text(way))
    for (index, mirror) in device.mirrors.enumerated() {
      try device.read(.value, of: index, into: mirror.value)
      try send(.value, of: index, from: mirror.value)
    }
  }

  package var hiddenSize: Int { own.hiddenSize }
  package var layerCount: Int { own.layerCount }
  package var maximumTokens: Int { own.maximumTokens }
  package var vocabularySize: Int { own.vocabularySize }
  package var parameters: [Parameter] { own.parameters }
  package var device: (any DeviceWeights)? { self }
  package var givesMeans: Bool { own.givesMeans }
  package var maskedWords: (any MaskedWords)? { own.maskedWords == nil ? nil : self }

  /// Does something that all ranks do. After a failure nothing is.
  private func together(moves: Bool = false, _ command: RankCommand, _ body: () throws -> Void) throws {
    if let broken { throw broken.failure }
    do {
      group.tell(command)
      try body()
    } catch {
      broken = (error, moves)
      throw error
    }
  }

  // MARK: Passes

  package func forward(_ batch: PackedBatch, request: LayerRequest, mode: EncoderMode) throws -> [Matrix] {
    // What is wrong with a sequence is said with its number in the whole batch, and before others hear of it.
    try batch.check(maximumTokens: maximumTokens, vocabularySize: vocabularySize)
    let request = request.answered(by: self)
    let whole = states.matrices(batch, request, width: hiddenSize)
    guard batch.sequences > 0 else { return whole }
    let shared = RankBatch(batch, request, mode)
    try together(.forward(shared.command)) {
      var numbers = shared.numbers
      group.broadcast(&numbers)
      try member.forward(shared, into: whole)
    }
    return whole
  }

  package func backward(_ gradients: [Matrix]) throws {
    areSummed = false
    try together(.backward(isLast: false)) { try member.backward(gradients) }
  }

  package var headParameters: [Parameter] { own.maskedWords?.headParameters ?? [] }
  package var hasPretrainedHead: Bool { own.maskedWords?.hasPretrainedHead ?? false }

  package func learn(_ batch: MaskedBatch) throws -> Double {
    try batch.batch.check(maximumTokens: maximumTokens, vocabularySize: vocabularySize)
    areSummed = false
    var loss = 0.0
    try together(.learn(batch.command)) {
      var numbers = batch.numbers
      group.broadcast(&numbers)
      loss = try member.loss(learning: batch)
    }
    return loss
  }

  // MARK: Weights

  package var mirrors: [Parameter] { weights.mirrors }
  package var place: DevicePlace { weights.place }

  package func squaredGradientNorm() throws -> Double {
    try sum()
    return try weights.squaredGradientNorm()
  }

  private func sum() throws {
    guard !areSummed else { return }
    try together(.sum(wholeTable: false)) { try member.sum(wholeTable: false) }
    areSummed = true
  }

  package func step(_ step: DeviceStep) throws {
    try sum()
    try together(moves: true, .step(step)) { try member.step(step) }
    areSummed = false
  }

  package func clearGradients() throws {
    areSummed = false
    try together(.clear) { try member.clear() }
  }

  /// Every rank has all of it. Before the weights are read, all ranks look whether they have the same.
  package func read(_ part: DevicePart, of index: Int, into target: UnsafeMutablePointer<Float>) throws {
    if let broken, broken.hasMoved { throw broken.failure }
    if part == .value, index == 0, broken == nil { try together(moves: true, .read(part)) { try member.read(part) } }
    try weights.read(part, of: index, into: target)
  }

  package func write(_ part: DevicePart, of index: Int, from source: UnsafePointer<Float>) throws {
    areSummed = false
    try send(part, of: index, from: source)
  }

  private func send(_ part: DevicePart, of index: Int, from source: UnsafePointer<Float>) throws {
    try together(moves: true, .write(part, tensor: index)) {
      group.broadcast(UnsafeMutablePointer(mutating: source), count: mirrors[index].count)
      try member.set(part, of: index, from: source)
    }
  }
}
