// `train --chunk-size`: the run is that of whole batches, whatever takes part in it, and what cannot be cut is refused.

import Foundation
import TestSupport
import Testing

@Suite struct ChunkCommandTests {
  private let world: CommandWorld

  init() throws { world = try CommandWorld() }

  private func train(_ output: String, _ more: [String]) throws -> ShellResult {
    try shell(
      [
        Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
        "--output-dir", world.path(output), "--plugin-path", try CommandPlugins.folder.get(), "--max-steps", "6",
        "--batch-size", "8", "--learning-rate", "1e-3", "--threads", "2", "--save-steps", "3",
      ] + more)
  }

  @Test(
    "losses are those of whole batches",
    arguments: [
      ["--method", "mixcse", "--pooler", "cls"], ["--method", "mixcse", "--pooler", "avg", "--learn-temperature"],
      ["--method", "simcse", "--pooler", "attention", "--gradient-accumulation", "2"],
      ["--method", "simcse", "--mlm", "--mlm-weight", "0.5"], ["--method", "moco"], ["--method", "off-dropout"],
      ["--sampler", "fifo:size=20", "--loss", "infonce", "--isolate"],
      ["--method", "simcse", "--augment", "dropout"], ["--method", "dclr"], ["--method", "vascl"],
    ])
  func sameRun(_ flags: [String]) throws {
    let whole = try train("whole", flags)
    let parts = try train("parts", flags + ["--chunk-size", "3"])
    try #require(whole.code == 0 && parts.code == 0, "\(whole.errors) \(parts.errors)")
    let (expected, found) = (try world.values("whole"), try world.values("parts"))
    #expect(found[0] == expected[0], "the first loss has no gradient before it: the same bits")
    for (step, (a, b)) in zip(expected, found).enumerated() {
      #expect(isClose(a, b, relative: 2e-5), "step \(step): \(b), not \(a)")
    }
    let norms = (try world.values("whole", "gradNorm")[0], try world.values("parts", "gradNorm")[0])
    #expect(isClose(norms.0, norms.1, relative: 1e-6), "\(norms)")
  }

  @Test("a stopped run goes on to the same bits; the size is part of what a run is")
  func resumes() throws {
    let flags = ["--method", "mixcse", "--chunk-size", "5"]
    try #require(try train("whole", flags).code == 0)
    #expect(try train("halves", flags + ["--stop-after", "3"]).code == 75)
    #expect(try train("halves", ["--method", "mixcse", "--chunk-size", "4", "--resume"]).code == 64)
    #expect(try train("halves", flags + ["--resume"]).code == 0)
    #expect(try world.data("halves/model.safetensors") == world.data("whole/model.safetensors"))
  }

  @Test("what has no parts is refused")
  func refusals() throws {
    let frozen = try train("frozen", ["--method", "simcse", "--frozen", "--chunk-size", "4"])
    #expect(frozen.code == 64 && frozen.errors.contains("--frozen --chunk-size"), "\(frozen.errors)")
    let none = try train("none", ["--method", "simcse", "--chunk-size", "0"])
    #expect(none.code == 64 && none.errors.contains("chunk-size"), "\(none.errors)")
  }
}
