// `mpirun -n N mixcse train`: the run is that of one process, whatever takes part in it; a run stopped with some ranks
// goes on with others; a rank that dies or hangs ends all; who cannot join the others writes nothing.

import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct RanksCommandTests {
  private let world: CommandWorld

  init() throws { world = try CommandWorld() }

  @Test(
    "losses of 50 steps are those of one process", .needs(.compiler("mpicc"), .compiler("mpirun")),
    arguments: [
      ["--method", "mixcse", "--pooler", "cls"], ["--method", "mixcse", "--pooler", "avg", "--learn-temperature"],
      ["--method", "simcse", "--pooler", "attention", "--gradient-accumulation", "2"],
      ["--method", "simcse", "--mlm", "--mlm-weight", "0.5"], ["--method", "moco", "--weight-decay", "0.1"],
      ["--sampler", "fifo:size=20", "--loss", "infonce", "--isolate"], ["--method", "simcse", "--augment", "dropout"],
      ["--method", "vascl", "--chunk-size", "5"],
    ])
  func sameRun(_ flags: [String]) throws {
    // At the rate of the other tests, 1e-3, rounding grows to more than 1e-5 in 40 steps.
    let flags =
      flags + [
        "--max-steps", "50", "--learning-rate", "3e-4", "--eval-data", world.path("pairs.tsv"), "--eval-steps", "25",
      ]
    let alone = try world.train("alone", ranks: 0, flags)
    try #require(alone.code == 0, "\(alone.errors)")
    let (expected, scores) = (try losses("alone"), try scores("alone"))
    try #require(expected.count == 50 && scores.count == 3)
    for ranks in [2, 4] {
      let run = try world.train("ranks\(ranks)", ranks: ranks, flags)
      try #require(run.code == 0, "\(run.errors)")
      #expect(run.errors.contains("ranks: \(ranks) processes on 1 host, 1 thread each"), "\(run.errors)")
      let found = try losses("ranks\(ranks)")
      try #require(found.count == expected.count)
      #expect(found[0] == expected[0], "the first loss has no gradient before it: the same bits")
      for (step, (a, b)) in zip(expected, found).enumerated() {
        #expect(isClose(a, b, relative: 1e-5), "\(ranks) ranks, step \(step): \(b), not \(a)")
      }
      for (a, b) in zip(scores, try self.scores("ranks\(ranks)")) { #expect(abs(a - b) < 0.02, "\(b), not \(a)") }
    }
  }

  @Test("a run stopped with four ranks goes on with two and with one", .needs(.compiler("mpicc"), .compiler("mpirun")))
  func resumes() throws {
    let flags = ["--method", "mixcse", "--weight-decay", "0.01"]
    try #require(try world.train("whole", ranks: 4, flags).code == 0)
    let expected = try losses("whole")
    for (name, ranks) in [("four", 4), ("two", 2), ("one", 0)] {
      let stopped = try world.train(name, ranks: 4, flags + ["--stop-after", "7"])
      #expect(stopped.code == 75 && stopped.errors.contains("stopped after step 7"), "\(stopped.errors)")
      let resumed = try world.train(name, ranks: ranks, flags + ["--resume"])
      try #require(resumed.code == 0, "\(resumed.errors)")
      let found = try losses(name)
      if ranks == 4 { #expect(found == expected, "with as many ranks: the same bits") }
      for (a, b) in zip(expected, found) { #expect(isClose(a, b, relative: 1e-5), "\(ranks): \(b), not \(a)") }
    }
    #expect(try world.data("four/model.safetensors") == world.data("whole/model.safetensors"))
  }

  @Test("gradients that leave early are the same bits", .needs(.compiler("mpicc"), .compiler("mpirun")))
  func early() throws {
    for (name, flags) in [
      ("one", ["--pooler", "cls"]), ("lower", ["--pooler", "avg_first_last", "--gradient-accumulation", "2"]),
      ("shards", ["--shards", "4"]), ("few", ["--batch-size", "2", "--shards", "8"]),
    ] {
      let flags = ["--method", "mixcse", "--save-steps", "100"] + flags
      for (way, early) in [("late", "0"), ("early", "1")] {
        let run = try shell(
          try world.rankedArguments("\(name)-\(way)", ranks: 2, flags), environment: ["CSE_RANKS_EARLY": early])
        try #require(run.code == 0, "\(run.errors)")
        #expect(run.errors.contains("gradients leave during the backward pass") == (early == "1"), "\(run.errors)")
      }
      let late = try world.data("\(name)-late/model.safetensors")
      #expect(try world.data("\(name)-early/model.safetensors") == late, "\(name)")
      #expect(try losses("\(name)-early") == losses("\(name)-late"), "\(name)")
    }
    let wrong = try shell(
      try world.rankedArguments("wrong", ranks: 2, ["--method", "mixcse"]), environment: ["CSE_RANKS_EARLY": "yes"])
    #expect(wrong.code == 69 && wrong.errors.contains("CSE_RANKS_EARLY: expected 0 or 1, found yes"), "\(wrong.errors)")
  }

  @Test("with the same shards: the same bits on 1, 2 and 4 ranks", .needs(.compiler("mpicc"), .compiler("mpirun")))
  func sameBits() throws {
    for (name, flags) in [
      ("cls", ["--method", "mixcse", "--weight-decay", "0.01"]),
      ("mlm", ["--method", "simcse", "--pooler", "avg", "--mlm", "--gradient-accumulation", "2"]),
    ] {
      let flags = flags + ["--shards", "4"]
      for ranks in [0, 2, 4] {
        let run = try world.train("\(name)\(ranks)", ranks: ranks, flags)
        try #require(run.code == 0, "\(run.errors)")
      }
      let expected = try world.data("\(name)0/model.safetensors")
      #expect(try world.data("\(name)2/model.safetensors") == expected)
      #expect(try world.data("\(name)4/model.safetensors") == expected)
      #expect(try world.metrics("\(name)2") == world.metrics("\(name)4"))
    }
    let other = try world.train("other", ranks: 2, ["--method", "mixcse", "--shards", "3"])
    #expect(other.code == 64 && other.errors.contains("--shards"), "\(other.errors)")
  }

  @Test("a rank that dies ends all, and the last checkpoint is good", .needs(.compiler("mpicc"), .compiler("mpirun")))
  func rankDies() throws {
    for rank in [1, 0] {
      let output = "dies\(rank)"
      let end = try interrupted(output, rank: rank, by: SIGKILL)
      #expect(end.code != 0 && end.seconds < 10, "\(end)")
      #expect(end.errors.contains("rank \(rank) with PID"), "mpirun names it: \(end.errors)")
      let resumed = try world.train(
        output, ranks: 2, ["--method", "mixcse", "--resume", "--max-steps", "100000", "--max-hours", "1e-9"])
      #expect(resumed.code == 75 && resumed.errors.contains("resuming after step"), "\(resumed.errors)")
    }
  }

  @Test("a rank that hangs ends all after the deadline", .needs(.compiler("mpicc"), .compiler("mpirun")))
  func rankHangs() throws {
    for rank in [1, 0] {
      let end = try interrupted("hangs\(rank)", rank: rank, by: SIGSTOP, ["--rank-deadline", "2"])
      #expect(end.code != 0 && end.seconds < 15, "\(end)")
      let said = end.errors.split(separator: "\n").filter { $0.hasPrefix("error: ") }
      #expect(said.count == 1 && said[0].contains("rank \(rank) on ") && said[0].contains("--rank-deadline"), "\(end)")
    }
  }

  @Test(
    "who cannot join the others writes nothing",
    arguments: [
      ["OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2"], ["PMI_RANK": "0", "PMI_SIZE": "2"],
      ["SLURM_PROCID": "0", "SLURM_NTASKS": "2"], ["RANK": "0", "WORLD_SIZE": "2"],
    ])
  func refuses(_ variables: [String: String]) throws {
    let arguments = try world.rankedArguments("lonely", ranks: 0, ["--method", "mixcse"])
    let lonely = try shell(arguments, environment: variables.merging(["CSE_RANKS": "/nowhere/lib.so"]) { $1 })
    #expect(lonely.code == 69 && lonely.errors.contains("mixcse ranks build"), "\(lonely.errors)")
    #expect(lonely.errors.contains("number 0 of 2") && !world.exists("lonely"), "\(lonely.errors)")
    let compared = try shell(
      [Resources.command, "compare", "simcse", "mixcse", "--output-dir", world.path("compared")],
      environment: variables)
    #expect(compared.code == 64 && compared.errors.contains("mixcse compare"), "\(compared.errors)")
    #expect(!world.exists("compared"))
    // The others of a host leave it to the first.
    let second = Dictionary(uniqueKeysWithValues: variables.map { ($0, $1 == "0" ? "1" : $1) })
    #expect(try shell(arguments, environment: second.merging(["CSE_RANKS": "/nowhere/lib.so"]) { $1 }).errors == "")
    // One process of one is as it always was.
    let one = Dictionary(uniqueKeysWithValues: variables.map { ($0, $1 == "2" ? "1" : $1) })
    #expect(try shell(arguments, environment: one).code == 0)
  }

  @Test("an evaluation on ranks is that of one process", .needs(.compiler("mpicc"), .compiler("mpirun")))
  func evaluates() throws {
    try SmallData.write(to: world.path("data/downstream"))
    func evaluate(_ ranks: Int) throws -> ShellResult {
      try shell(
        (ranks == 0 ? [] : try CommandWorld.mpirun(ranks)) + [
          Resources.command, "evaluate", "--model", world.path("model"), "--pairs", world.path("pairs.tsv"), "--data",
          world.path("data"), "--task-set", "full", "--mode", "fasttest", "--pooler", "avg", "--threads", "1",
          "--plugin-path", try CommandPlugins.folder.get(), "--json", "--pair-scores", world.path("scores\(ranks)"),
        ])
    }
    let alone = try evaluate(0)
    try #require(alone.code == 0, "\(alone.errors)")
    for ranks in [2, 4] {
      let shared = try evaluate(ranks)
      #expect(shared.code == 0 && shared.output == alone.output, "\(shared)")
      #expect(try world.data("scores\(ranks)") == world.data("scores0"), "which samples were labelled right, too")
    }
  }

  @Test("on two hosts, which are network namespaces", .needs(.compiler("mpicc"), .compiler("mpirun")), .twoHosts)
  func twoHosts() throws {
    let flags = ["--method", "mixcse", "--shards", "2"]
    try #require(try world.train("here", ranks: 2, flags).code == 0)
    let run = try shell(
      ["bash", Resources.fixture("ranks/two-hosts.sh")] + (try world.rankedArguments("there", ranks: 0, flags)),
      environment: ["CSE_RANKS": try RankLibrary.path.get()])
    try #require(run.code == 0, "\(run.errors)")
    #expect(run.errors.contains("ranks: 2 processes on 2 hosts"), "\(run.errors)")
    #expect(run.errors.contains("gradients leave during the backward pass"), "\(run.errors)")
    #expect(try world.data("there/model.safetensors") == world.data("here/model.safetensors"))
  }

  @Test("another MPI's launcher is noticed", .needs(.compiler("mpicc")))
  func otherLauncher() throws {
    let run = try shell(
      try world.rankedArguments("other", ranks: 0, ["--method", "mixcse"]),
      environment: ["PMI_RANK": "0", "PMI_SIZE": "2", "CSE_RANKS": try RankLibrary.path.get()])
    #expect(run.code == 69 && run.errors.contains("found one of 1"), "\(run.errors)")
    #expect(!world.exists("other"))
  }

  @Test("what ranks cannot share is refused", .needs(.compiler("mpicc"), .compiler("mpirun")))
  func refusals() throws {
    for flags in [["--frozen"], ["--watch"]] {
      let run = try world.train("refused", ranks: 2, ["--method", "simcse", "--head", "mlp"] + flags)
      let said = "\(flags[0]): expected one process with batches in one part, found 2 ranks"
      #expect(run.code == 64 && run.errors.contains(said), "\(run.errors)")
      #expect(!world.exists("refused"))
    }
    let wrong = try world.train("wrong", ranks: 2, ["--method", "nonsense"])
    #expect(wrong.code == 69 && wrong.errors.components(separatedBy: "nonsense").count == 2, "once: \(wrong.errors)")
  }

  // MARK: Helpers

  private func losses(_ output: String) throws -> [Double] { try world.loggedNumbers(output, "loss") }
  private func scores(_ output: String) throws -> [Double] { try world.loggedNumbers(output, "spearman") }

  /// What becomes of a long run one of whose ranks gets a signal, and how long that takes.
  private func interrupted(
    _ output: String, rank: Int, by signal: Int32, _ more: [String] = []
  ) throws -> (code: Int32, errors: String, seconds: Double) {
    let errors = world.path(output + ".errors")
    try Data().write(to: URL(fileURLWithPath: errors))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = try world.rankedArguments(
      output, ranks: 2, ["--method", "mixcse", "--max-steps", "100000"] + more)
    process.standardOutput = FileHandle.nullDevice
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
    try process.run()
    while process.isRunning, world.lines(output) < 8 { usleep(10_000) }
    let victim = try #require(world.process(ofRank: rank, output))
    kill(victim, signal)
    let began = Date()
    process.waitUntilExit()
    let text = try String(decoding: world.data(output + ".errors"), as: UTF8.self)
    return (process.terminationStatus, text, Date().timeIntervalSince(began))
  }
}

extension Trait where Self == ConditionTrait {
  /// Leaves a test out where no network namespaces can be made.
  static var twoHosts: Self {
    let name = "cse-try-\(getpid())"
    let isAllowed = (try? shell(["ip", "netns", "add", name]).code) == 0
    if isAllowed { _ = try? shell(["ip", "netns", "del", name]) }
    return .enabled(if: isAllowed, "network namespaces need root and iproute2")
  }
}
