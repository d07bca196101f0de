// A run that is killed at any moment and resumed ends with the same bits as one that was left alone: with dropout,
// shuffling, a sampler that keeps a queue and a counter, a learned temperature, and the best model by evaluation.

import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct ResumeTests {
  let world: CommandWorld
  let expected: Data
  let log: [String]

  init() throws {
    // A vocabulary that makes checkpoints of some megabytes, so that their writing can be met.
    world = try CommandWorld(words: 12_000)
    let whole = try world.train("whole", ["--keep-checkpoints"])
    try #require(whole.code == 0, "\(whole.errors)")
    expected = try world.data("whole/model.safetensors")
    log = try world.metrics("whole")
  }

  private func expectSame(_ output: String, _ comment: String) throws {
    let result = try world.train(output, ["--resume"])
    #expect(result.code == 0, "\(comment): \(result.errors)")
    #expect(try world.data(output + "/model.safetensors") == expected, "\(comment): other weights")
    #expect(try world.metrics(output) == log, "\(comment): another log")
  }

  @Test func killedAnywhere() throws {
    let moments: [(name: String, isReached: (String) -> Bool)] = [
      ("before the first checkpoint", { self.world.lines($0) >= 4 }),
      ("between checkpoints", { self.world.lines($0) >= 20 }),
      ("in the second epoch", { self.world.lines($0) >= 35 }),
      (
        "while a checkpoint is written",
        { self.world.lines($0) > 15 && self.hidden($0 + "/checkpoints").contains { $0.contains(".ckpt") } }
      ),
      (
        "while the best model is exported",
        { self.world.lines($0) > 20 && self.hidden($0 + "/checkpoints").contains { $0.contains("best") } }
      ),
      ("while the model is put into place", { self.world.exists($0 + "/config.json") }),
      ("while the checkpoints are removed", { self.world.exists($0 + "/config.json") && self.isRemoving($0) }),
    ]
    for (index, moment) in moments.enumerated() {
      let output = try world.stopped(
        "killed-\(index)", by: SIGKILL, { try world.trainArguments($0) }, when: moment.isReached)
      try expectSame(output, moment.name)
    }
  }

  @Test func shippedQueuesGoOn() throws {
    let more = [
      "--sampler", "queue:size=20,warmup=5", "--sampler", "cross-batch:size=30,k=4,view=anchor", "--max-steps", "40",
    ]
    let whole = try world.train("queues", more)
    try #require(whole.code == 0, "\(whole.errors)")
    let output = try world.stopped(
      "queues-killed", by: SIGKILL, { try world.trainArguments($0, more) }, when: { self.world.lines($0) >= 20 })
    let resumed = try world.train(output, more + ["--resume"])
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(try world.data(output + "/model.safetensors") == world.data("queues/model.safetensors"))
    #expect(try world.metrics(output) == world.metrics("queues"))
  }

  @Test func killedAgainAndAgain() throws {
    let delays: [UInt64] = [90, 140, 60, 200, 110, 170, 80, 250]
    for delay in delays {
      let start = Date()
      _ = try world.run(
        try world.trainArguments("often", ["--resume"]),
        until: { _ in Date().timeIntervalSince(start) > Double(delay) / 1000 }, signal: SIGKILL)
    }
    try expectSame("often", "killed \(delays.count) times")
  }

  @Test func interruptedWritesACheckpointAndExits130() throws {
    let output = try world.stopped(
      "interrupted", by: SIGINT, { try world.trainArguments($0, ["--save-steps", "1000"]) },
      when: { self.world.lines($0) >= 10 })
    #expect(world.names(output + "/checkpoints").contains { $0.hasSuffix(".ckpt") })
    try expectSame(output, "interrupted")
  }

  @Test func aTornCheckpointIsPassedOver() throws {
    let torn = try world.stopped(
      "torn", by: SIGKILL, { try world.trainArguments($0) }, when: { self.world.lines($0) >= 30 })
    let newest = try #require(world.names(torn + "/checkpoints").filter { $0.hasSuffix(".ckpt") }.max())
    let bytes = try world.data("\(torn)/checkpoints/\(newest)")
    try bytes.dropLast(1000).write(to: URL(fileURLWithPath: world.path("\(torn)/checkpoints/\(newest)")))
    let result = try world.train(torn, ["--resume"])
    #expect(result.code == 0)
    #expect(result.errors.contains("passed over"), "\(result.errors)")
    #expect(try world.data(torn + "/model.safetensors") == expected)
  }

  @Test func resumingAFinishedRunChangesNothing() throws {
    try expectSame("whole", "finished")
  }

  @Test func anotherRunIsRefusedWithItsDifferences() throws {
    let result = try world.train("whole", ["--resume", "--batch-size", "16", "--seed", "1"])
    #expect(result.code == 64)
    #expect(result.errors.contains("--batch-size: 8 in the checkpoint, 16 now"), "\(result.errors)")
    #expect(result.errors.contains("--seed: \"42\" in the checkpoint, \"1\" now"), "\(result.errors)")
    try world.write("other.txt", world.tiny.sentences(150, seed: 9).joined(separator: "\n"))
    let other = try world.train("whole", ["--resume", "--train-file", world.path("other.txt")])
    #expect(other.code == 64 && other.errors.contains("--train-file (sha256)"), "\(other.errors)")
    let setting = try world.train("whole", ["--resume", "--set", "fifo.size=41"])
    #expect(setting.code == 64, "\(setting.errors)")
    #expect(setting.errors.contains("fifo.size: \"40\" in the checkpoint, \"41\" now"), "\(setting.errors)")
    #expect(try world.data("whole/model.safetensors") == expected)
  }

  /// From the finished record on nothing but the checkpoints can go away.
  private func isRemoving(_ folder: String) -> Bool {
    hidden(folder).contains { $0.hasPrefix(".checkpoints") }
      || (try? world.data(folder + "/run.json")).map { String(decoding: $0, as: UTF8.self) }?
        .contains("\"finished\": true") ?? false
  }

  private func hidden(_ folder: String) -> [String] { world.names(folder).filter { $0.hasPrefix(".") } }
}
