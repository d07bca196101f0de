// What runs leave behind and read again: checkpoints, scores of pairs.

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
    FuzzTarget("pair-scores") { bytes, scratch in _ = try PairScoresFile.read(scratch.file("scores.json", bytes)) },
  ]

  private static func readCheckpoint(_ bytes: [UInt8], _ scratch: FuzzScratch) throws {
    let file = try CheckpointFile(path: scratch.file("step-00000001.ckpt", bytes))
    _ = RunState(file.state)
  }
}
