// All ranks but the first: they hold a copy of the encoder, do what rank 0 says, and write nothing.

package import Encoder
import Glibc
package import Kernels

/// A rank that works for rank 0.
package final class RankWorker {
  /// What a rank does by itself, from what rank 0 says.
  package struct Duties {
    /// Reads the configuration of a model folder.
    package var configuration: (_ folder: String) throws -> EncoderConfiguration
    /// Opens an encoder on a device, as an order of `RankedDeviceEncoder` says.
    package var open: (_ order: String, RankGroup, ThreadPool) throws -> any SentenceEncoder
    /// Does what is no work of the encoder.
    package var help: (RankGroup, ThreadPool) -> Void

    /// Duties by their parts.
    package init(
      configuration: @escaping (_ folder: String) throws -> EncoderConfiguration,
      open: @escaping (_ order: String, RankGroup, ThreadPool) throws -> any SentenceEncoder,
      help: @escaping (RankGroup, ThreadPool) -> Void
    ) {
      (self.configuration, self.open, self.help) = (configuration, open, help)
    }
  }

  private let group: RankGroup
  private let threads: Int
  private let duties: Duties
  private var member: (any RankWork)?
  private var buffer = FloatBuffer(count: 0)

  /// - Parameter threads: where rank 0 does not say how many.
  package init(_ group: RankGroup, threads: Int, duties: Duties) {
    (self.group, self.threads, self.duties) = (group, threads, duties)
  }

  /// Works until rank 0 says that it is over. What goes wrong ends all ranks.
  package func run() {
    while true {
      var numbers = [Int64](repeating: 0, count: RankCommand.count)
      group.broadcast(&numbers)
      guard let command = RankCommand(numbers) else {
        group.endAll("rank 0 runs another version of the program, which says \(numbers[0])", code: 70)
      }
      if command == .end { return group.close() }
      do { try follow(command) } catch is RankFailure {
        // Rank 0 has heard of it, says it and ends all.
      } catch {
        group.endAll("\(error)", code: 69)
      }
    }
  }

  private func follow(_ command: RankCommand) throws {
    switch command {
    case .start(let bytes, let seed, let threads, let shards, let precision, let learns):
      let encoder = TransformerEncoder(
        configuration: try duties.configuration(text(bytes)), pool: pool(threads), seed: seed, precision: precision,
        learns: learns)
      member = RankMember(encoder, shards: shards, group: group)
      return
    case .open(let bytes, let threads): return try open(text(bytes), threads: threads)
    default: break
    }
    guard let member else { preconditionFailure("rank 0 begins with a model") }
    switch command {
    case .forward(let forward):
      var numbers = [Int32](repeating: 0, count: RankBatch.count(forward))
      group.broadcast(&numbers)
      try member.forward(RankBatch(forward, numbers))
    case .backward(let isLast): try member.backward(isLast: isLast)
    case .learn(let masked):
      var numbers = [Int32](repeating: 0, count: MaskedBatch.count(masked))
      group.broadcast(&numbers)
      try member.learn(MaskedBatch(masked, numbers))
    case .sum(let wholeTable): try member.sum(wholeTable: wholeTable)
    case .step(let step): try member.step(step)
    case .clear: try member.clear()
    case .read(let part): try member.read(part)
    case .write(let part, let tensor):
      let count = member.tensors[tensor].count
      if buffer.count < count { buffer = FloatBuffer(count: count) }
      group.broadcast(buffer.pointer, count: count)
      defer {
        // Writing comes in one go, and the word table is large.
        if tensor == member.tensors.count - 1 { buffer = FloatBuffer(count: 0) }
      }
      try member.set(part, of: tensor, from: buffer.pointer)
    case .help: duties.help(group, member.pool)
    case .start, .open, .end: break
    }
  }

  private func text(_ count: Int) -> String {
    var bytes = [UInt8](repeating: 0, count: count)
    group.broadcast(&bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  private func pool(_ threads: Int) -> ThreadPool { ThreadPool(threads: threads > 0 ? threads : self.threads) }

  private func open(_ order: String, threads: Int) throws {
    let pool = pool(threads)
    var opened: (any SentenceEncoder)?
    let problem = failure { opened = try duties.open(order, group, pool) }
    group.meet()
    try group.agree(problem)
    guard let encoder = opened, let device = encoder.device else {
      preconditionFailure("an encoder on a device was ordered")
    }
    let member = DeviceMember(encoder, device: device, pool: pool, group: group)
    _ = member.places()
    self.member = member
    member.follow()
  }
}
