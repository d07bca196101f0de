// `mpirun -n N mixcse train --encoder ...`: ranks with encoders that compute elsewhere. The run is that of one process,
// however gradients are added up; it goes on with other ranks and encoders; what fails on one rank ends all, and is
// said once. The encoder is the fixture in C; torch on two ranks is tried where torch is (Tests/Interop).

import Foundation
import TestSupport
import Testing

@Suite(.serialized, .needs(.compiler("mpicc"), .compiler("mpirun"))) struct DeviceRanksTests {
  private let world: CommandWorld
  private let library: String

  init() throws {
    world = try CommandWorld()
    library = world.path("libbag.so")
    try buildPlugin(Resources.fixture("training/encoder.c"), to: library)
  }

  private func train(
    _ output: String, ranks: Int, device: String = "cpu", _ more: [String] = []
  ) throws -> ShellResult {
    // A first token is the same in every sentence, and so is its state here.
    let flags = ["--encoder", library, "--device", device, "--pooler", "avg", "--max-steps", "20"]
    let isNamed = more.contains("--method") || more.contains("--loss")
    return try world.train(output, ranks: ranks, flags + (isNamed ? [] : ["--method", "mixcse"]) + more)
  }

  private func losses(_ output: String) throws -> [Double] { try world.loggedNumbers(output, "loss") }

  /// Whether a run has the losses of another, and as many.
  private func expectSame(_ output: String, as other: String, _ count: Int = 20) throws {
    let (found, expected) = (try losses(output), try losses(other))
    try #require(found.count == count && expected.count == count)
    for (step, (a, b)) in zip(expected, found).enumerated() {
      #expect(isClose(a, b, relative: 1e-5), "\(output), step \(step): \(b), not \(a)")
    }
  }

  /// States depend on the number of a token in the whole batch here, as masks of dropout do.
  @Test(
    "losses of 20 steps are those of one process",
    arguments: [
      ["--method", "mixcse"], ["--method", "simcse", "--gradient-accumulation", "2", "--weight-decay", "0.1"],
      ["--sampler", "fifo:size=20", "--loss", "infonce", "--learn-temperature"],
      // A moving average, in a second encoder of each rank; a batch in parts, of which the last is one text.
      ["--method", "moco", "--weight-decay", "0.1"], ["--method", "mixcse", "--chunk-size", "3"],
      ["--method", "moco", "--chunk-size", "5", "--gradient-accumulation", "2"],
      // Fewer texts than ranks.
      ["--method", "simcse", "--batch-size", "2"],
      ["--method", "simcse", "--mlm", "--mlm-weight", "0.5"],
      ["--method", "simcse", "--mlm", "--chunk-size", "3", "--batch-size", "2"],
    ])
  func sameRun(_ flags: [String]) throws {
    let flags = flags + ["--eval-data", world.path("pairs.tsv"), "--eval-steps", "10"]
    let alone = try train("alone", ranks: 0, device: "numbers", flags)
    try #require(alone.code == 0, "\(alone.errors)")
    for ranks in [2, 5] {
      let run = try train("ranks\(ranks)", ranks: ranks, device: "numbers", flags)
      try #require(run.code == 0, "\(run.errors)")
      #expect(run.errors.contains("ranks: \(ranks) processes on 1 host"), "\(run.errors)")
      #expect(run.errors.contains("ranks: gradients are added up in the memory of the hosts: "), "\(run.errors)")
      try expectSame("ranks\(ranks)", as: "alone")
      let (first, alone) = (try losses("ranks\(ranks)")[0], try losses("alone")[0])
      // Words are guessed in sums of each rank.
      let isFirstTheSame = flags.contains("--mlm") ? isClose(first, alone, relative: 1e-12) : first == alone
      #expect(isFirstTheSame, "the first loss has no gradient before it")
      let scores = zip(
        try world.loggedNumbers("alone", "spearman"), try world.loggedNumbers("ranks\(ranks)", "spearman"))
      for (a, b) in scores { #expect(abs(a - b) < 0.02, "\(b), not \(a)") }
    }
    // Again: the same bits.
    try #require(try train("again", ranks: 2, device: "numbers", flags).code == 0)
    #expect(try world.data("again/model.safetensors") == world.data("ranks2/model.safetensors"))
  }

  @Test func devicesAddUpThemselves() throws {
    try #require(try train("alone", ranks: 0).code == 0)
    let run = try train("group", ranks: 3, device: "group")
    try #require(run.code == 0, "\(run.errors)")
    #expect(run.errors.contains("ranks: gradients are added up by a file of this machine, on the devices"))
    try expectSame("group", as: "alone")
  }

  /// Before the first step, and with the numbers of a run that never tried.
  @Test(arguments: [
    ("deaf", "check: expected ears, found none"), ("late", "join: expected an open door, found none"),
  ]) func whoCannotJoinIsAddedUpByTheHosts(_ device: String, _ reason: String) throws {
    let run = try train("run", ranks: 2, device: device, ["--rank-deadline", "2"])
    try #require(run.code == 0, "\(run.errors)")
    let notes = run.errors.split(separator: "\n").filter { $0.contains("added up") }
    #expect(notes.count == 1 && notes[0].contains("in the memory of the hosts: rank "), "\(run.errors)")
    // Rank 0 may have waited for one that could not come: what that says stands behind.
    let last = notes.first?.components(separatedBy: "; ").last ?? ""
    #expect(last.contains("rank 1 on ") && last.hasSuffix(": encoder org.example.bag.bag, " + reason), "\(run.errors)")
    try #require(try train("hosts", ranks: 2).code == 0)
    #expect(try world.data("run/model.safetensors") == world.data("hosts/model.safetensors"))
  }

  @Test func goesOnWithOtherRanksAndEncoders() throws {
    try #require(try train("whole", ranks: 2).code == 0)
    for (name, ranks) in [("two", 2), ("one", 0), ("three", 3)] {
      let stopped = try train(name, ranks: 2, ["--stop-after", "7"])
      #expect(stopped.code == 75 && stopped.errors.contains("stopped after step 7"), "\(stopped.errors)")
      let resumed = try train(name, ranks: ranks, ["--resume"])
      try #require(resumed.code == 0, "\(resumed.errors)")
      try expectSame(name, as: "whole")
    }
    #expect(try world.data("two/model.safetensors") == world.data("whole/model.safetensors"))
    // And with this program's own encoder, by one process and by two.
    for ranks in [0, 2] {
      let name = "own\(ranks)"
      try #require(try train(name, ranks: 2, ["--stop-after", "7"]).code == 75)
      let flags = ["--method", "mixcse", "--pooler", "avg", "--max-steps", "20", "--resume"]
      let resumed = try world.train(name, ranks: ranks, flags)
      try #require(resumed.code == 0, "\(resumed.errors)")
      #expect(resumed.errors.contains("org.example.bag.bag 1.0 cpu f32 up to step 7, native from here"))
    }
    #expect(try losses("own0").count == 20)
    let flags = ["--method", "mixcse", "--pooler", "avg", "--max-steps", "20", "--stop-after", "7"]
    let back = try world.train("back", ranks: 0, flags)
    try #require(back.code == 75, "\(back.errors)")
    let there = try train("back", ranks: 2, ["--resume"])
    #expect(there.code == 0 && there.errors.contains("native up to step 7"), "\(there.errors)")
  }

  /// The run ends with one line that says who and where; what was whole before is saved.
  @Test(arguments: [
    ("refused1", "open: expected a device that is there, found refused", -1),
    ("memory1", "encode: expected room for this batch, found none", 2), ("lost1", "step: the device is gone", 3),
    ("guess1", "learn: expected room for the scores of all words, found none", 2),
    ("broken", "sum_gradients: expected a whole sum, found half of one", 2),
    ("drifts", "expected the weights of rank 0, found others", -1),
  ]) func whatFailsOnOneRankEndsAll(_ device: String, _ text: String, _ step: Int) throws {
    let flags = ["--save-steps", "3"] + (device == "guess1" ? ["--mlm"] : [])
    let failed = try train("failed", ranks: 2, device: device, flags)
    let lines = failed.errors.split(separator: "\n").filter { $0.contains("error: ") }
    #expect(failed.code == 69 && lines.count == 1, "\(failed.errors)")
    #expect(lines.first?.hasPrefix("error: rank 1 on ") ?? false, "\(failed.errors)")
    #expect(lines.first?.contains(text) ?? false, "\(failed.errors)")
    let resumed = try train("failed", ranks: 2, flags + ["--resume"])
    try #require(resumed.code == 0, "\(resumed.errors)")
    let begins = step < 0 ? "nothing to resume" : "resuming after step \(step) "
    #expect(resumed.errors.contains(begins), "\(resumed.errors)")
  }

  @Test func ofRankZeroIsSaidWhere() throws {
    let failed = try train("failed", ranks: 2, device: "refused")
    let lines = failed.errors.split(separator: "\n").filter { $0.contains("error: ") }
    #expect(failed.code == 69 && lines.count == 1, "\(failed.errors)")
    #expect(lines.first?.hasPrefix("error: rank 0 on ") ?? false, "\(failed.errors)")
  }

  @Test func aDeviceThatRanksShareIsSaidOrRefused() throws {
    let refused = try train("refused", ranks: 3, device: "one")
    #expect(refused.code == 69 && refused.errors.contains("error: rank 1 on "), "\(refused.errors)")
    #expect(
      refused.errors.contains("expected a device of its own, found that of rank 0 (a fixture)"), "\(refused.errors)")
    #expect(refused.errors.contains("--device cuda:0") && !world.exists("refused/metrics.jsonl"))
    let shared = try train("shared", ranks: 3, device: "one:0")
    try #require(shared.code == 0, "\(shared.errors)")
    #expect(shared.errors.contains("note: ranks 0, 1, 2 share one device: a fixture on "), "\(shared.errors)")
    #expect(shared.errors.contains("in the memory of the hosts: ranks share a device"), "\(shared.errors)")
  }

  @Test func shardsAreForTheOwnEncoder() throws {
    for ranks in [0, 2] {
      let run = try train("refused", ranks: ranks, ["--shards", "2"])
      #expect(run.code == 64 && run.errors.contains("--shards: expected one of the two"), "\(run.errors)")
    }
  }

  @Test("models of transformers on two ranks", .needs(.transformers)) func transformers() throws {
    func train(_ output: String, ranks: Int, _ more: [String]) throws -> ShellResult {
      let flags = ["--method", "mixcse", "--pooler", "avg", "--encoder", "transformers", "--device", "cpu"]
      return try shell(
        try world.rankedArguments(output, ranks: ranks, flags + more),
        environment: ["MIXCSE_PYTHON": Resources.transformersPython ?? ""])
    }
    // Two texts for three ranks: one has no gradient of its own.
    for (name, more) in [("wide", []), ("few", ["--batch-size", "2"])] {
      let flags = ["--dropout", "0", "--weight-decay", "0.1"] + more
      let alone = try train(name, ranks: 0, flags)
      try #require(alone.code == 0, "\(alone.errors)")
      let ranked = try train(name + "-ranked", ranks: name == "few" ? 5 : 2, flags)
      try #require(ranked.code == 0, "\(ranked.errors)")
      #expect(ranked.errors.contains("in the memory of the hosts: "), "\(ranked.errors)")
      try expectSame(name + "-ranked", as: name, 12)
    }
    // With dropout of its own each rank draws for itself: the same run each time.
    for name in ["drawn", "again"] { try #require(try train(name, ranks: 2, []).code == 0) }
    #expect(try world.data("again/model.safetensors") == world.data("drawn/model.safetensors"))
  }
}
