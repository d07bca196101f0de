// What runs and comparisons leave behind and read again: checkpoints, metrics, scores of pairs, looks at verdicts.

import Comparison
import Files
import Training

extension FuzzTarget {
  static let runs = [
    FuzzTarget("checkpoint") { bytes, scratch in try readCheckpoint(bytes, scratch) },
    // The table of a checkpoint, with the footer and the checksum that belong to it.
    FuzzTarget("checkpoint-table") { bytes, scratch in
      let magic = Array("mixcse1\n".utf8)
      let tensors = magic + [UInt8](repeating: 0, count: 120)
      let footer = little(tensors.count, 8) + little(bytes.count, 8) + little(checksum(bytes), 8) + magic
      try readCheckpoint(tensors + bytes + footer, scratch)
    },
    FuzzTarget("metrics") { bytes, scratch in
      var tail = MetricsTail(path: try scratch.file("metrics.jsonl", bytes))
      tail.poll()
    },
    FuzzTarget("looks") { bytes, scratch in
      _ = try scratch.file("looks/looks.json", bytes)
      let record = try LookRecord(folder: scratch.path + "/looks")
      for entry in record.entries {
        let family = record.family(of: entry)
        for look in family.looks { precondition(family.comparisons * look.divisor > 0, "a level divided by nothing") }
      }
    },
    FuzzTarget("pair-scores") { bytes, scratch in _ = try PairScoresFile.read(scratch.file("scores.json", bytes)) },
  ]

  private static func readCheckpoint(_ bytes: [UInt8], _ scratch: FuzzScratch) throws {
    let file = try CheckpointFile(path: scratch.file("step-00000001.ckpt", bytes))
    _ = RunState(file.state)
  }
}
