// All ranks but the first: they hold a copy of the encoder, do what rank 0 says, and write nothing.

package import Encoder
import Glibc
package import Kernels

/// A rank that works for rank 0.
package final class RankWorker {
  private let group: RankGroup
  private let threads: Int
  private let configuration: (_ folder: String) throws -> EncoderConfiguration
  private let help: (RankGroup, ThreadPool) -> Void
  private var member: RankMember?
  private var buffer = FloatBuffer(count: 0)

  /// - Parameters:
  ///   - threads: where rank 0 does not say how many.
  ///   - configuration: reads that of a model folder.
  ///   - help: what to do where rank 0 asks for help beside the encoder's work.
  package init(
    _ group: RankGroup, threads: Int, configuration: @escaping (_ folder: String) throws -> EncoderConfiguration,
    help: @escaping (RankGroup, ThreadPool) -> Void
  ) {
    (self.group, self.threads, self.configuration, self.help) = (group, threads, configuration, help)
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
      do { try follow(command) } catch { group.endAll("\(error)", code: 69) }
    }
  }

  private func follow(_ command: RankCommand) throws {
    if case .start(let bytes, let seed, let threads, let shards, let precision, let learns) = command {
      return try start(
        pathBytes: bytes, seed: seed, threads: threads, shards: shards, precision: precision, learns: learns)
    }
    guard let member else { preconditionFailure("rank 0 begins with a model") }
    switch command {
    case .forward(let forward):
      var numbers = [Int32](repeating: 0, count: RankBatch.count(forward))
      group.broadcast(&numbers)
      try member.forward(RankBatch(forward, numbers))
    case .backward(let isLast): try member.backward(isLast: isLast)
    case .sum(let wholeTable): _ = member.weights.sum(wholeTable: wholeTable)
    case .step(let step): member.weights.step(step)
    case .clear: member.weights.clear()
    case .read(let part): _ = member.weights.gather(part)
    case .write(let part, let tensor):
      let count = member.encoder.parameters[tensor].count
      if buffer.count < count { buffer = FloatBuffer(count: count) }
      group.broadcast(buffer.pointer, count: count)
      member.set(part, of: tensor, from: buffer.pointer)
      // Writing comes in one go, and the word table is large.
      if tensor == member.encoder.parameters.count - 1 { buffer = FloatBuffer(count: 0) }
    case .help: help(group, member.encoder.pool)
    case .start, .end: break
    }
  }

  private func start(
    pathBytes: Int, seed: UInt64, threads: Int, shards: Int, precision: ProductPrecision, learns: Bool
  ) throws {
    var path = [UInt8](repeating: 0, count: pathBytes)
    group.broadcast(&path)
    let folder = String(decoding: path, as: UTF8.self)
    let encoder = TransformerEncoder(
      configuration: try configuration(folder), pool: ThreadPool(threads: threads > 0 ? threads : self.threads),
      seed: seed, precision: precision, learns: learns)
    member = RankMember(encoder, shards: shards, group: group)
  }
}
