// `mixcse train --shadow`: the run is the same bit for bit, also when it is resumed, and says what its shadows say.

import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct ShadowCommandTests {
  let world: CommandWorld

  init() throws { world = try CommandWorld() }

  private let shadows = [
    "--shadow", "simcse", "--shadow", "mixcse:lambda=0.1|0.5", "--shadow", "remembers=infonce+fifo:size=24+noise",
  ]

  private func records(_ output: String) throws -> [[String: Any]] {
    try world.metrics(output).map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  /// The lines without what shadows add.
  private func leaderLines(_ output: String) throws -> [String] {
    try records(output).map { record in
      let own = record.filter { !$0.key.hasPrefix("shadow.") && $0.key != "embeddingGradNorm" }
      return String(decoding: try JSONSerialization.data(withJSONObject: own, options: .sortedKeys), as: UTF8.self)
    }
  }

  @Test func theRunIsTheSameWithAndWithout() throws {
    for more in [[], ["--gradient-accumulation", "2"]] {
      let name = "\(more.count)"
      let plain = try world.train("plain" + name, ["--max-steps", "25"] + more)
      let watched = try world.train("watched" + name, ["--max-steps", "25"] + more + shadows)
      try #require(plain.code == 0 && watched.code == 0, "\(watched.errors)")
      #expect(try leaderLines("watched" + name) == world.metrics("plain" + name))
      let model = "/model.safetensors"
      #expect(try world.data("watched" + name + model) == world.data("plain" + name + model))
      #expect(watched.output.replacing("watched", with: "plain").hasPrefix("25 steps"))
      let step = try #require(records("watched" + name).last { $0["loss"] != nil })
      for label in ["simcse", "mixcse:lambda=0.1", "mixcse:lambda=0.5", "remembers"] {
        let (loss, norm) = (step["shadow.\(label).loss"] as? Double, step["shadow.\(label).gradNorm"] as? Double)
        let cosine = try #require(step["shadow.\(label).cosine"] as? Double, "\(label) in \(step.keys.sorted())")
        #expect((loss ?? 0) > 0 && (norm ?? 0) > 0 && abs(cosine) <= 1)
        #expect(watched.errors.contains("\n\(label) "), "\(watched.errors)")
      }
      let record = try #require(
        try JSONSerialization.jsonObject(with: world.data("watched" + name + "/run.json")) as? [String: Any])
      let entries = try #require(record["shadows"] as? [[String: Any]])
      #expect(entries.map { $0["label"] as? String }.last == "remembers")
      #expect(entries.last?["strategy"] as? String == "sampler:fifo:size=24 sampler:noise loss:infonce")
    }
  }

  /// Stopped in the middle and resumed: log, weights, and the table over the whole run.
  @Test func resumeIsExactAndOtherShadowsStartAnew() throws {
    try world.write("stop", "")
    let more = ["--sampler", "fails:from=33,file=\(world.path("stop"))", "--max-steps", "50"]
    let failed = try world.train("halted", more + shadows)
    #expect(failed.code == 69, "\(failed.errors)")
    let copied = try shell(["cp", "-r", world.path("halted"), world.path("others")])
    try #require(copied.code == 0)
    try FileManager.default.removeItem(atPath: world.path("stop"))
    let whole = try world.train("whole", more + shadows)
    let resumed = try world.train("halted", more + shadows + ["--resume"])
    #expect(whole.code == 0 && resumed.code == 0, "\(resumed.errors)")
    #expect(try world.metrics("halted") == world.metrics("whole"))
    #expect(!resumed.errors.contains("starts over"), "\(resumed.errors)")
    func table(_ result: ShellResult) -> [Substring] {
      let lines = result.errors.split(separator: "\n").drop { !$0.hasPrefix("shadows:") }.dropFirst()
      return Array(lines.prefix { !$0.contains("checkpoint") })
    }
    #expect(table(whole).count > 4 && table(resumed) == table(whole))

    let others = try world.train(
      "others", more + ["--resume", "--shadow", "simcse", "--shadow", "remembers=infonce+fifo:size=23+noise"])
    #expect(others.code == 0, "\(others.errors)")
    #expect(others.errors.contains("note: shadow remembers is not in the checkpoint; it starts over here"))
    #expect(!others.errors.contains("shadow simcse is not"), "\(others.errors)")
    #expect(try leaderLines("others") == leaderLines("whole"))
    #expect(try world.data("others/model.safetensors") == world.data("whole/model.safetensors"))
  }

  @Test(arguments: [false, true])
  func aFailingShadowIsDroppedAndTheRunGoesOn(nan: Bool) throws {
    try world.write("stop", "")
    let shadow = "bad=infonce+fails:from=9,file=\"\(world.path("stop"))\",nan=\(nan)"
    let result = try world.train("run", ["--max-steps", "20", "--shadow", shadow, "--shadow", "simcse"])
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.errors.components(separatedBy: "shadow bad is dropped").count == 2, "\(result.errors)")
    let lines = try records("run").filter { $0["loss"] != nil }
    #expect(lines.map { $0["shadow.bad.loss"] != nil } == (0..<20).map { $0 < 9 })
    #expect(lines.allSatisfy { $0["shadow.simcse.loss"] != nil })
    #expect(result.errors.contains("dropped\n"), "\(result.errors)")
  }

  @Test func whatShadowsRefuse() throws {
    let cases: [(arguments: [String], code: Int32, text: String)] = [
      (["--shadow", "mixces"], 69, "mixcse"), (["--shadow", "mixcse:lambda=7"], 64, "lambda"),
      (["--shadow", "simcse", "--shadow", "simcse"], 64, "a second 'simcse'"),
      (["--shadow", "ours=mixcse:lambda=0.1|0.2"], 64, "label"), (["--shadow", "mixcse:lambda=0.1|"], 64, "column 19"),
    ]
    for (arguments, code, text) in cases {
      let result = try world.train("refused", arguments)
      #expect(result.code == code, "\(arguments): \(result.code) \(result.errors)")
      #expect(result.errors.contains(text), "\(arguments): \(result.errors)")
    }
  }
}
