// `--dims`: training at several widths at once, from the flag to scores of each, resumed to the bit.

import Foundation
import TestSupport
import Testing

struct DimensionsCommandTests {
  let world: CommandWorld

  init() throws { world = try CommandWorld() }

  private var width: Int { world.tiny.hiddenSize }
  private var dims: String { "\(width),\(width / 2),4" }

  @Test func everyWidthIsTrainedAndScored() throws {
    let result = try world.train("run", ["--dims", dims, "--max-steps", "40", "--keep-checkpoints"])
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.errors.contains("(of the first \(width / 2): ") && result.errors.contains(", 4: "))
    let lines = try world.metrics("run")
    #expect(lines.contains { $0.contains("\"dims4.loss\"") && $0.contains("\"dims\(width / 2).loss\"") })
    let record = try #require(try JSONSerialization.jsonObject(with: world.data("run/run.json")) as? [String: Any])
    let scored = try #require((record["result"] as? [String: Any])?["best"] as? [String: Any])
    let narrow = try #require(scored["dims"] as? [String: Any])
    #expect(Set(narrow.keys) == ["\(width / 2)", "4"])
    // The command scores the same numbers.
    let scores = try shell([
      Resources.command, "evaluate", "--model", world.path("run"), "--pairs", world.path("pairs.tsv"), "--dims", "4",
      "--json", "--threads", "1",
    ])
    #expect(scores.code == 0, "\(scores.errors)")
    #expect(scores.output.contains(", first 4\""), "\(scores.output)")
    // A run that was stopped goes on to the bit.
    let first = try world.train("half", ["--dims", dims, "--max-steps", "40", "--stop-after", "13"])
    #expect(first.code == 75, "\(first.errors)")
    let rest = try world.train("half", ["--dims", dims, "--max-steps", "40", "--resume"])
    #expect(rest.code == 0, "\(rest.errors)")
    #expect(try world.data("half/model.safetensors") == world.data("run/model.safetensors"))
    #expect(try world.metrics("half") == lines)
    let other = try world.train("half", ["--dims", "\(width),4", "--max-steps", "40", "--resume"])
    #expect(other.code == 64 && other.errors.contains("--dims"), "\(other.errors)")
  }

  @Test func aScheduleDrivesEveryWidth() throws {
    func losses(_ output: String, _ more: [String]) throws -> [Double] {
      let result = try world.train(output, ["--dims", dims, "--max-steps", "6"] + more)
      #expect(result.code == 0, "\(result.errors)")
      return try world.metrics(output).compactMap { line in
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        return object?["dims4.loss"] as? Double
      }
    }
    let plain = try losses("plain", [])
    let set = try losses("set", ["--set", "mixcse.lambda=0.4"])
    let driven = try losses("driven", ["--schedule", "mixcse.lambda=linear(0.4,0.4)"])
    #expect(driven == set && driven != plain && plain.count == 6)
  }

  @Test func whatCannotBeIsSaid() throws {
    for (more, code, text) in [
      (["--dims", "4,8"], Int32(64), "--dims: expected two or more widths"),
      (["--dims", "\(2 * width),4"], 65, "--dims: expected \(width), the embeddings' width, as the first"),
      (["--dims", dims, "--watch"], 64, "--watch --dims"),
    ] {
      let result = try world.train("refused", more + ["--overwrite"])
      #expect(result.code == code && result.errors.contains(text), "\(more): \(result.code) \(result.errors)")
    }
    let wide = try shell([
      Resources.command, "evaluate", "--model", world.path("model"), "--pairs", world.path("pairs.tsv"), "--dims",
      "\(width + 1)",
    ])
    #expect(wide.code == 64 && wide.errors.contains("found \(width + 1)"), "\(wide.errors)")
  }
}
