// What every rank does at a command with an encoder that computes elsewhere, on a device of its own: its texts of a
// batch forward and backward, gradients of all ranks added up, the same step on each. All ranks hold all weights and
// moments. What fails on one is known to all before they go on.

import Encoder
import Kernels

/// One rank with its encoder on a device.
final class DeviceMember: RankWork {
  let encoder: any SentenceEncoder
  let device: any DeviceWeights
  let pool: ThreadPool
  let group: RankGroup
  private let passes: RankPasses
  private lazy var gradients = DeviceGradients(device, group: group, pool: pool)
  /// Whether the devices add up gradients themselves.
  private var peers: (any DevicePeers)?

  init(_ encoder: any SentenceEncoder, device: any DeviceWeights, pool: ThreadPool, group: RankGroup) {
    (self.encoder, self.device, self.pool, self.group) = (encoder, device, pool, group)
    passes = RankPasses([encoder], group: group, pool: pool)
  }

  var tensors: [Parameter] { device.mirrors }

  // MARK: Joining

  /// What connects the devices, or why nothing does.
  typealias Way = (connection: String?, reason: String)

  /// What follows once all have opened their encoders.
  enum Verdict: UInt8 {
    /// Nothing: two ranks share a device that may not.
    case end
    /// Gradients are added up in the memory of the hosts.
    case addUpHere
    /// The devices try to join each other.
    case join
  }

  /// Says it, on rank 0.
  func tell(_ verdict: Verdict) {
    var number = [verdict.rawValue]
    group.broadcast(&number)
  }

  /// Hears it, on the others, and does it.
  func follow() {
    var number: [UInt8] = [0]
    group.broadcast(&number)
    if number[0] == Verdict.join.rawValue { _ = joinPeers() }
  }

  /// Lets the devices add up gradients themselves, where they all can.
  /// - Returns: what rank 0 says of it.
  func joinPeers() -> Way {
    do {
      guard let peers = device.peers else {
        try group.agree(MissingPeers())
        return (nil, "")
      }
      try group.agree(failure { try peers.check() })
      var id: [UInt8] = []
      try group.agree(failure { if group.rank == 0 { id = try peers.makeID() } })
      var count = [id.count]
      group.broadcast(&count)
      if group.rank > 0 { id = Array(repeating: 0, count: count[0]) }
      group.broadcast(&id)
      let problem = failure {
        try peers.join(id, rank: group.rank, size: group.size, seconds: group.deadline)
      }
      // One that failed at once does not wait in vain for one that has yet to see it.
      group.meet()
      do { try group.agree(problem) } catch {
        if problem == nil { peers.leave() }
        throw error
      }
      self.peers = peers
      return (peers.connection, "")
    } catch {
      return (nil, "\(error)")
    }
  }

  /// What the user is told of it.
  static func text(_ way: Way) -> String {
    way.connection.map { "gradients are added up by \($0), on the devices" }
      ?? "gradients are added up in the memory of the hosts: \(way.reason)"
  }

  /// What all devices are, on rank 0.
  func places() -> [DevicePlace] {
    let mine = device.place
    let (names, libraries) = (group.gather(mine.name), group.gather(mine.library))
    let ids = group.gather(mine.id)
    return zip(names, zip(libraries, ids)).map { DevicePlace(name: $0, library: $1.0, id: $1.1) }
  }

  // MARK: Passes

  func forward(_ batch: RankBatch) throws { try forward(batch, into: nil) }

  /// - Parameter whole: on rank 0, where the hidden states of all ranks come together.
  func forward(_ batch: RankBatch, into whole: [Matrix]?) throws {
    let problem = failure { try passes.compute(batch, into: whole) }
    passes.gather()
    try group.agree(problem)
  }

  func backward(isLast: Bool) throws { try backward(nil) }

  /// - Parameter whole: on rank 0, the gradients of all hidden states.
  func backward(_ whole: [Matrix]?) throws {
    passes.scatter(whole)
    try group.agree(
      failure { _ = try passes.backward { _, gradients, _ in try encoder.backward(gradients) } })
  }

  func learn(_ batch: MaskedBatch) throws { _ = try loss(learning: batch) }

  /// Guesses the hidden words of this rank's texts.
  /// - Returns: the summed loss of all ranks.
  func loss(learning batch: MaskedBatch) throws -> Double {
    guard let words = encoder.maskedWords else { preconditionFailure("it was opened with a head on every rank") }
    let mine = batch.part(RankShares.sequences(offsets: batch.batch.offsets, ranks: group.size)[group.rank])
    var loss = 0.0
    try group.agree(failure { if !mine.positions.isEmpty { loss = try words.learn(mine) } })
    return group.shared(loss).reduce(0, +)
  }

  // MARK: Weights

  func sum(wholeTable: Bool) throws {
    guard let peers else { return try pool.profile.measure("ranks/gradients") { try gradients.sum() } }
    try pool.profile.measure("ranks/wait for the device") { try group.agree(failure { try peers.wait() }) }
    try pool.profile.measure("ranks/gradients") { try group.agree(failure { try peers.sumGradients() }) }
  }

  func step(_ step: DeviceStep) throws { try group.agree(failure { try device.step(step) }) }

  func clear() throws { try group.agree(failure { try device.clearGradients() }) }

  func set(_ part: DevicePart, of index: Int, from source: UnsafePointer<Float>) throws {
    try group.agree(failure { try device.write(part, of: index, from: source) })
  }

  /// All ranks hold all of it; whether it is the same is looked at here.
  func read(_ part: DevicePart) throws {
    guard part == .value else { return }
    var sum = 0.0
    try group.agree(failure { sum = try weightsDigest() })
    let sums = group.shared(sum)
    guard let other = sums.firstIndex(where: { $0 != sums[0] }) else { return }
    throw RankFailure(
      place: group.name(of: other),
      message: "expected the weights of rank 0, found others: the same step has other bits on their devices. Use "
        + "devices of one kind, and one version of what computes on them")
  }

  /// 52 bits that depend on every bit of the weights.
  private func weightsDigest() throws -> Double {
    var digest: UInt64 = 0xcbf2_9ce4_8422_2325
    for (index, mirror) in tensors.enumerated() {
      try device.read(.value, of: index, into: mirror.value)
      for place in 0..<mirror.count {
        digest = (digest ^ UInt64(mirror.value[place].bitPattern)) &* 0x0000_0100_0000_01b3
        digest ^= digest >> 29
      }
    }
    return Double(digest >> 12)
  }
}

/// An encoder that knows no others.
private struct MissingPeers: Error, CustomStringConvertible {
  var description: String { "its encoder has no connection to others of its own" }
}
