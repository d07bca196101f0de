// A run on several processes: what it refuses, and the encoder that shares its batches out. Used by TrainingPlan.

import Encoder
import Evaluation
import ModelFiles
package import Ranks

extension TrainingPlan {
  /// What ranks cannot share out, before anything is read.
  /// - Throws: `TrainingError.usage`.
  func checkRanks() throws {
    try checkShards()
    let size = ranks?.size ?? 1
    guard size > 1 || options.shards != nil else { return }
    let others: [(flag: String, isGiven: Bool, reason: String)] = [
      ("--encoder \(description.encoder.name ?? "")", encoder != nil, "An encoder plugin computes on one device"),
      ("--frozen", options.isFrozen, "What such a run trains is too little to be shared out"),
      ("--watch", reload != nil && size > 1, "Plugins under work are tried on one machine"),
    ]
    guard let other = others.first(where: \.isGiven) else { return }
    let found = size > 1 ? "\(size) ranks" : "--shards"
    throw TrainingError.usage(
      place: other.flag, expected: "one process with batches in one part", found: found,
      advice: "\(other.reason); leave out the flag, or \(size > 1 ? "the launcher" : "--shards")")
  }

  /// - Throws: `TrainingError.usage` for parts that ranks cannot have equally many of, or that are no tree.
  private func checkShards() throws {
    guard let shards = options.shards else { return }
    let size = ranks?.size ?? 1
    guard shards & (shards - 1) == 0, shards % size == 0 else {
      throw TrainingError.usage(
        place: "--shards", expected: size > 1 ? "a power of two that \(size) ranks divide" : "a power of two",
        found: "\(shards)", advice: "Each rank computes as many parts as the others: 4 for 1, 2 or 4 ranks")
    }
  }

  /// The encoder of all ranks, or of all parts of a batch; nil where there is one of both.
  func rankedEncoder(_ encoder: any SentenceEncoder, masked: Bool) -> RankedEncoder? {
    guard ranks != nil || options.shards != nil, let own = encoder as? TransformerEncoder else { return nil }
    let group = ranks ?? RankGroup()
    let shared = RankedEncoder(
      own, folder: description.model, seed: options.seed, threads: description.threads,
      shards: options.shards ?? group.size, group: group)
    shared.fillsWordTable = masked
    shared.hasOnePass = !masked && options.chunkSize == nil
    return shared
  }
}

extension RankWorker {
  /// A rank that reads model folders, and trains classifiers of transfer tasks.
  package convenience init(_ group: RankGroup, threads: Int) {
    self.init(
      group, threads: threads, configuration: { try ModelFolder(path: $0).configuration },
      help: { TransferScorer.help($0, pool: $1) })
  }
}

extension RankGroup: TransferGroup {}
