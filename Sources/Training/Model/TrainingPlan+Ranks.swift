// A run on several processes: what it refuses, and the encoder that shares its batches out. Used by TrainingPlan.

import Encoder
import Evaluation
import Files
import Host
import Kernels
package import Logging
import ModelFiles
import Objective
package import Ranks

extension TrainingPlan {
  /// What ranks cannot share out, before anything is read.
  /// - Throws: `TrainingError.usage`.
  func checkRanks() throws {
    try checkShards()
    let size = ranks?.size ?? 1
    guard size > 1 || options.shards != nil else { return }
    let others: [(flag: String, isGiven: Bool, reason: String)] = [
      ("--frozen", options.isFrozen, "What such a run trains is too little to be shared out"),
      ("--watch", reload != nil && size > 1, "Plugins under work are tried on one machine"),
    ]
    guard let other = others.first(where: \.isGiven) else { return }
    let found = size > 1 ? "\(size) ranks" : "--shards"
    throw TrainingError.usage(
      place: other.flag, expected: "one process with batches in one part", found: found,
      advice: "\(other.reason); leave out the flag, or \(size > 1 ? "the launcher" : "--shards")")
  }

  /// Does what only this rank does; of several, what fails says where.
  func placed<Result>(_ body: () throws -> Result) throws -> Result { try ranks?.placed(body) ?? body() }

  /// - Throws: `TrainingError.usage` for parts that ranks cannot have equally many of, or that are no tree.
  private func checkShards() throws {
    guard let shards = options.shards else { return }
    guard encoder == nil else {
      throw TrainingError.usage(
        place: "--encoder \(description.encoder.name ?? "") --shards", expected: "one of the two", found: "both",
        advice: "An encoder on a device adds up the gradients of all its texts at once; leave one out")
    }
    let size = ranks?.size ?? 1
    guard shards & (shards - 1) == 0, shards % size == 0 else {
      throw TrainingError.usage(
        place: "--shards", expected: size > 1 ? "a power of two that \(size) ranks divide" : "a power of two",
        found: "\(shards)", advice: "Each rank computes as many parts as the others: 4 for 1, 2 or 4 ranks")
    }
  }

  /// The encoder of all ranks, or of all parts of a batch; nil where there is one of both.
  /// - Throws: `RankFailure` where another rank cannot open its own.
  func rankedEncoder(
    _ encoder: any SentenceEncoder, masked: Bool, services: HostServices, display: ProgressDisplay
  ) throws -> (any SentenceEncoder)? {
    guard ranks != nil || options.shards != nil else { return nil }
    let group = ranks ?? RankGroup()
    guard let own = encoder as? TransformerEncoder else {
      let shared = try RankedDeviceEncoder(
        encoder, order: description.orderForRanks, threads: description.threads,
        needsOwnDevice: self.encoder?.needsOwnDevice ?? false, pool: services.pool, group: group)
      for note in shared.notes { display.note(note) }
      return shared
    }
    let shared = RankedEncoder(
      own, folder: description.model, seed: options.seed, threads: description.threads,
      shards: options.shards ?? group.size, group: group)
    shared.fillsWordTable = masked
    shared.hasOnePass = !masked && options.chunkSize == nil
    return shared
  }
}

extension EncoderChoice {
  /// Whether it was asked for on a kind of device, of which each process is to take one.
  var needsOwnDevice: Bool { device == deviceKind && device != "cpu" }
}

extension RunDescription {
  /// What another rank needs to know to open the encoder of this run.
  var orderForRanks: String { json.text(indent: nil) }

  /// Opens the encoder of a run that another rank described.
  /// - Throws: errors of the folder and the weights, `PluginError`, `EncoderFailure`.
  static func openEncoder(
    order: String, _ group: RankGroup, _ pool: ThreadPool, logger: Logger
  ) throws -> any SentenceEncoder {
    let run = try RunDescription(DescriptionFile(path: "what rank 0 says.json", text: order))
    let services = HostServices(pool: pool, logger: logger)
    let registry = try run.plugins.registry(logger: logger, services: services)
    guard let choice = try run.encoder.choice(in: registry)?.seated(in: group) else {
      preconditionFailure("rank 0 shares its own encoder by weights")
    }
    let folder = try choice.openFolder(
      run.model,
      .init(
        seed: run.training.seed, dropout: run.training.dropout, deadline: run.plugins.deadline, services: services,
        masked: run.training.trainsMaskedLanguage))
    return try choice.open(
      folder, weights: folder.openWeights(), services: services, seed: run.training.seed,
      masked: run.training.trainsMaskedLanguage)
  }
}

extension EncoderChoice {
  /// On the device of this process, where each has one of its own.
  func seated(in group: RankGroup) -> EncoderChoice {
    var choice = self
    let (rank, size) = group.seat
    choice.seat = EncoderSeat(rank: rank, size: size)
    return choice
  }
}

extension RankWorker {
  /// A rank that reads model folders, opens encoders, and trains classifiers of transfer tasks.
  package convenience init(_ group: RankGroup, threads: Int, logger: Logger) {
    self.init(
      group, threads: threads,
      duties: Duties(
        configuration: { try ModelFolder(path: $0).configuration },
        open: { try RunDescription.openEncoder(order: $0, $1, $2, logger: logger) },
        help: { TransferScorer.help($0, pool: $1) }))
  }
}

extension RankGroup: TransferGroup {}
