// Further encodings of a batch in real runs: what they are, that averages follow the weights and are kept, that guides
// are read right, and what a run without them says.

import Foundation
import TestSupport
import Testing

struct EncodingCommandTests {
  let world: CommandWorld

  init() throws {
    world = try CommandWorld()
    try buildPlugin(Resources.fixture("training/encodings.c"), to: world.path("libencodings.so"))
  }

  private var spy: String { world.path("libencodings.so") + ":spy" }

  private func train(_ output: String, _ strategy: [String], _ more: [String] = []) throws -> ShellResult {
    try shell(
      [
        Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
        "--output-dir", world.path(output), "--pooler", "avg", "--batch-size", "8", "--max-steps", "5", "--threads",
        "2", "--learning-rate", "1e-2",
      ] + strategy + more)
  }

  /// A number of each step.
  // MARK: What they are

  /// The model itself is the guide: before the first step all encodings without dropout are the same; later the guide
  /// and an average of decay 1 stay where they were, and one of decay 0 goes with the weights.
  @Test(arguments: [1.0, 0.0]) func encodingsAreWhatTheySay(decay: Double) throws {
    let result = try train(
      "run", ["--sampler", "\(spy):decay=\(decay),guided=true", "--loss", "infonce"],
      ["--guide", world.path("model") + ":avg"])
    try #require(result.code == 0, "\(result.errors)")
    func spied(_ name: String) throws -> [Double] { try world.values("run", "spy." + name) }
    #expect(isClose(try spied("plain_guide")[0], 1, absolute: 1e-5))
    #expect(try spied("plain_guide")[4] < 0.999)
    let still = try spied("average_guide")
    for (average, guide) in zip(still, try spied("plain_guide")) {
      #expect(isClose(average, decay == 1 ? 1 : guide, absolute: 1e-5))
    }
    for likeness in try spied("plain_average").dropFirst() {
      #expect(decay == 1 ? likeness < 0.9999 : isClose(likeness, 1, absolute: 1e-5))
    }
    for square in try spied("guide_square") { #expect(isClose(square, 1, absolute: 1e-5)) }
    // Other masks than the views', and none.
    for name in ["masked_view", "plain_view"] {
      for likeness in try spied(name) { #expect(likeness > 0.5 && likeness < 0.9999, "\(name) \(likeness)") }
    }
  }

  /// What only looks on changes no number: not of the weights, nor of a sampler's.
  @Test func theTrainedPassStaysAsItIs() throws {
    #expect(try train("plain", ["--method", "mixcse"]).code == 0)
    #expect(try train("spied", ["--sampler", "mixcse", "--sampler", spy, "--loss", "infonce"]).code == 0)
    #expect(try world.values("plain") == world.values("spied"))
    #expect(try world.data("plain/model.safetensors") == world.data("spied/model.safetensors"))
    // What a sampler is given is the same whatever views others ask for.
    let alone = try train("alone", ["--method", "moco"])
    #expect(alone.code == 0, "\(alone.errors)")
    let watched = try train(
      "watched", ["--method", "moco"], ["--shadow", "infonce+queue:by=average,view=anchor,decay=0.999,dropout=true"])
    #expect(watched.code == 0, "\(watched.errors)")
    #expect(try world.values("alone") == world.values("watched"))
    // As a shadow, too, where equal wishes are one.
    let shadow = try train("shadow", ["--method", "mixcse"], ["--shadow", "moco"])
    #expect(shadow.code == 0, "\(shadow.errors)")
    #expect(try world.values("shadow") == world.values("plain"))
    #expect(try world.data("plain/model.safetensors") == world.data("shadow/model.safetensors"))
  }

  /// `average = decay * average + (1 - decay) * weights`, number for number, in two checkpoints a step apart.
  @Test func averagesFollowTheWeights() throws {
    let strategy = ["--method", "moco"]
    var averages: [[Float]] = []
    var weights: [[Float]] = []
    for step in 1...3 {
      let output = "run\(step)"
      let result = try train(output, strategy, ["--set", "momentum.decay=0.75", "--stop-after", "\(step)"])
      try #require(result.code == 75, "\(result.errors)")
      let file = try Checkpoint(world.data("\(output)/checkpoints/step-0000000\(step).ckpt"))
      let name = "encoder.layer.1.output.dense.weight"
      weights.append(try file.floats(ending: "/" + name, beginning: "value"))
      averages.append(try file.floats(ending: "/" + name, beginning: "average/0.75"))
    }
    for step in 1..<3 {
      for index in weights[step].indices {
        let expected = 0.75 * averages[step - 1][index] + 0.25 * weights[step][index]
        #expect(isClose(Double(averages[step][index]), Double(expected), absolute: 1e-7))
      }
    }
    #expect(averages[2] != weights[2])
  }

  // MARK: Kept, and the same everywhere

  @Test(arguments: [
    ["--method", "moco"], ["--sampler", "queue:by=average,size=20", "--loss", "infonce", "--dims", "32,8"],
  ])
  func resumedToTheBit(_ strategy: [String]) throws {
    let more = ["--max-steps", "30"]
    #expect(try train("whole", strategy, more).code == 0)
    #expect(try train("half", strategy, more + ["--stop-after", "11"]).code == 75)
    let rest = try train("half", strategy, more + ["--resume"])
    #expect(rest.code == 0 && !rest.errors.contains("starts over"), "\(rest.errors)")
    #expect(try world.values("half") == world.values("whole"))
    #expect(try world.data("half/model.safetensors") == world.data("whole/model.safetensors"))
  }

  /// Rows are embedded in other batches after a resume, and come in each epoch anew.
  @Test func guidedRunsResumeToTheBit() throws {
    let strategy = ["--method", "rankcse", "--guide", world.path("model") + ":cls_before_pooler"]
    let more = ["--max-steps", "60"]
    #expect(try train("whole", strategy, more).code == 0)
    #expect(try train("half", strategy, more + ["--stop-after", "27"]).code == 75)
    #expect(try train("half", strategy, more + ["--resume"]).code == 0)
    #expect(try world.values("half") == world.values("whole"))
    #expect(Set(try world.values("whole")).count == 60)
  }

  @Test(arguments: ["moco", "gist", "rankcse", "off-dropout"])
  func theSameInAProcessOfItsOwn(_ method: String) throws {
    let strategy = ["--method", method, "--guide", world.path("model") + ":avg"]
    #expect(try train("plain", strategy).code == 0)
    let isolated = try train("isolated", strategy, ["--isolate"])
    #expect(isolated.code == 0, "\(isolated.errors)")
    #expect(try world.values("plain") == world.values("isolated"))
  }

  // MARK: Guides

  /// Vectors in a file are those of the folder that made them; both ways give the same losses.
  @Test func guidesFromFiles() throws {
    let encoded = try shell([
      Resources.command, "encode", "--model", world.path("model"), "--pooler", "avg", "--input",
      world.path("train.txt"), "--output", world.path("guide.npy"),
    ])
    try #require(encoded.code == 0, "\(encoded.errors)")
    let strategy = ["--method", "distill"]
    #expect(try train("folder", strategy, ["--guide", world.path("model") + ":avg"]).code == 0)
    let file = try train("file", strategy, ["--guide", world.path("guide.npy")])
    #expect(file.code == 0, "\(file.errors)")
    for (a, b) in zip(try world.values("folder"), try world.values("file")) {
      #expect(isClose(a, b, absolute: 1e-5, relative: 1e-4))
    }
    // With --frozen, whose encoder does not run again, guides do all the same.
    let frozen = try train("frozen", strategy, ["--guide", world.path("guide.npy"), "--frozen", "--head", "mlp"])
    #expect(frozen.code == 0, "\(frozen.errors)")
    // Another file is another run.
    try world.write("other.txt", world.tiny.sentences(150, seed: 9).joined(separator: "\n") + "\n")
    _ = try shell([
      Resources.command, "encode", "--model", world.path("model"), "--pooler", "avg", "--input",
      world.path("other.txt"), "--output", world.path("guide.npy"),
    ])
    let other = ["--guide", world.path("guide.npy"), "--stop-after", "3", "--overwrite"]
    #expect(try train("file", strategy, other).code == 75)
    let resumed = try train("file", strategy, ["--guide", world.path("model") + ":avg", "--resume"])
    #expect(resumed.code == 64 && resumed.errors.contains("--guide 1"), "\(resumed.errors)")
  }

  /// Pairs have a vector for each side.
  @Test func guidesOfPairs() throws {
    let sentences = world.tiny.sentences(40)
    let pairs = (0..<20).map { "\(sentences[2 * $0])\t\(sentences[2 * $0 + 1])" }
    try world.write("pairs-to-train.tsv", pairs.joined(separator: "\n") + "\n")
    for (name, offset) in [("first", 0), ("second", 1)] {
      try world.write("\(name).txt", (0..<20).map { sentences[2 * $0 + offset] + "\n" }.joined())
      let encoded = try shell([
        Resources.command, "encode", "--model", world.path("model"), "--pooler", "avg", "--input",
        world.path("\(name).txt"), "--output", world.path("\(name).npy"),
      ])
      try #require(encoded.code == 0, "\(encoded.errors)")
    }
    func run(_ output: String, _ guide: String) throws -> ShellResult {
      try train(
        output, ["--method", "gist", "--guide", guide], ["--train-file", world.path("pairs-to-train.tsv")])
    }
    #expect(try run("folder", world.path("model") + ":avg").code == 0)
    let files = try run("files", world.path("first.npy") + "," + world.path("second.npy"))
    #expect(files.code == 0, "\(files.errors)")
    #expect(try world.values("folder", "gist.excluded") == world.values("files", "gist.excluded"))
    #expect(try world.values("folder", "gist.excluded").contains { $0 > 0 })
    let one = try run("one", world.path("first.npy"))
    #expect(one.code == 64 && one.errors.contains("expected 2 files, one for each text column"), "\(one.errors)")
    let wrong = try train("wrong", ["--method", "distill"], ["--guide", world.path("first.npy")])
    #expect(wrong.code == 65 && wrong.errors.contains("expected 150 rows"), "\(wrong.errors)")
  }

  /// A probed batch has its guides, and embeddings stand in for what only training makes.
  @Test func probed() throws {
    func probe(_ method: String, _ more: [String]) throws -> ShellResult {
      try shell(
        [
          Resources.command, "probe", "--model", world.path("model"), "--pooler", "avg", "--input",
          world.path("train.txt"), "--batch-size", "8", "--method", method, "--json",
        ] + more)
    }
    let folder = try probe("distill", ["--guide", world.path("model") + ":avg"])
    #expect(folder.code == 0, "\(folder.errors)")
    let encoded = try shell([
      Resources.command, "encode", "--model", world.path("model"), "--pooler", "avg", "--input",
      world.path("train.txt"), "--output", world.path("guide.npy"),
    ])
    try #require(encoded.code == 0, "\(encoded.errors)")
    let file = try probe("distill", ["--guide", world.path("guide.npy")])
    #expect(file.code == 0, "\(file.errors)")
    func loss(_ result: ShellResult) throws -> Double {
      let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
      return try #require(object?["loss"] as? Double)
    }
    #expect(isClose(try loss(folder), try loss(file), absolute: 1e-6, relative: 1e-5))
    let stand = try probe("off-dropout", [])
    #expect(stand.code == 0 && stand.errors.contains("here it is z2 itself"), "\(stand.errors)")
    #expect(isClose(try loss(stand), try loss(probe("simcse", [])), relative: 1e-6))
    let none = try probe("gist", [])
    #expect(none.code == 69 && none.errors.contains("with --guide"), "\(none.errors)")
  }

  /// A run in a file, a run again, and the runs of a comparison have their guides.
  @Test func guidesAreWrittenDown() throws {
    let guide = world.path("model") + ":avg"
    #expect(try train("run", ["--method", "distill"], ["--guide", guide]).code == 0)
    let again = try shell([
      Resources.command, "train", "--from", world.path("run/run.json"), "--output-dir", world.path("again"),
    ])
    #expect(again.code == 0, "\(again.errors)")
    #expect(try world.values("again") == world.values("run"))
    func compare(_ more: [String]) throws -> ShellResult {
      try shell(
        [
          Resources.command, "compare", "simcse", "distill", "--model", world.path("model"), "--pooler", "avg",
          "--train-file", world.path("train.txt"), "--eval-data", world.path("pairs.tsv"), "--output-dir",
          world.path("compared"), "--batch-size", "8", "--max-steps", "3", "--seeds", "1,2",
        ] + more)
    }
    let guided = try compare(["--guide", guide])
    #expect(guided.code == 0 && !guided.errors.contains("failed"), "\(guided.errors)")
    let measured = try compare(["--dry-run", "--seeds", "3,4"])
    #expect(measured.output.contains("not measured: plugin org.mixcse.guided.distill"), "\(measured.output)")
  }

  @Test func whatIsMissingIsSaid() throws {
    for (strategy, more, code, text) in [
      (["--method", "rankcse"], [], Int32(69), "it reads guide 1, and this run has none: name one with --guide"),
      (
        ["--method", "rankcse", "--set", "listmle.guides=2"], ["--guide", world.path("model") + ":avg"], 69,
        "it reads guide 2, and this run has 1"
      ),
      (["--method", "moco"], ["--frozen", "--head", "mlp"], 64, "one that asks for z2 by the moving average"),
      (["--method", "gist"], ["--guide", world.path("model")], 64, "expected a folder that records its pooler"),
      (["--method", "gist"], ["--guide", world.path("nowhere.npy")], 66, "nowhere.npy"),
      (["--method", "gist"], ["--guide", world.path("nowhere")], 66, "nowhere"),
      (["--method", "gist"], ["--guide", world.path("model") + ":agv"], 69, "agv"),
    ] {
      let result = try train("refused", strategy, more)
      #expect(result.code == code && result.errors.contains(text), "\(result.code) \(result.errors)")
      #expect(!world.exists("refused/metrics.jsonl"))
    }
    let unread = try train("unread", ["--method", "simcse"], ["--guide", world.path("model") + ":avg"])
    #expect(unread.code == 0)
    #expect(unread.errors.contains(":avg: no sampler or loss of this run reads it"), "\(unread.errors)")
  }
}

/// The tensors of a checkpoint, read by hand.
private struct Checkpoint {
  private let bytes: Data
  private let tensors: [[String: Any]]

  init(_ bytes: Data) throws {
    self.bytes = bytes
    func number(_ at: Int) -> Int { (0..<8).reduce(0) { $0 | Int(bytes[bytes.count - 32 + at + $1]) << (8 * $1) } }
    let table = bytes[number(0)..<number(0) + number(8)]
    let document = try #require(try JSONSerialization.jsonObject(with: table) as? [String: Any])
    tensors = try #require(document["tensors"] as? [[String: Any]])
  }

  func floats(ending: String, beginning: String) throws -> [Float] {
    let names = tensors.compactMap { $0["name"] as? String }
    let found = try #require(
      tensors.first { tensor in
        let name = tensor["name"] as? String ?? ""
        return name.hasSuffix(ending) && name.hasPrefix(beginning)
      }, "none of \(names)")
    let (offset, count) = (try #require(found["offset"] as? Int), try #require(found["bytes"] as? Int))
    return bytes[offset..<offset + count].withUnsafeBytes { raw in
      (0..<count / 4).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }
}
