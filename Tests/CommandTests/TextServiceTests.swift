// What plugins may ask of text and views in real runs: texts of rows, the tokenizer, dropout of single views, views
// that augmenters add; and who is refused before the first step, with which reason.

import Foundation
import TestSupport
import Testing

struct TextServiceTests {
  let world: CommandWorld

  init() throws { world = try CommandWorld() }

  private func train(_ output: String, _ strategy: [String]) throws -> ShellResult {
    try shell(
      [
        Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
        "--output-dir", world.path(output), "--batch-size", "8", "--max-steps", "6", "--threads", "2",
        "--learning-rate", "1e-3",
      ] + strategy)
  }

  private func losses(_ output: String, _ strategy: [String]) throws -> [Double] {
    let result = try train(output, strategy)
    try #require(result.code == 0, "\(result.errors)")
    return try world.values(output)
  }

  @Test func textsOfRows() throws {
    let plain = try losses("plain", ["--method", "simcse"])
    #expect(try losses("all", ["--method", "word-overlap", "--set", "word-overlap.threshold=1"]) == plain)
    let some = try losses("some", ["--method", "word-overlap", "--set", "word-overlap.threshold=0.05"])
    #expect(some != plain)
    // The share of pairs that have a word in common is that of the file's own lines, batch by batch.
    let excluded = try world.values("some", "word-overlap.excluded")
    #expect(excluded.allSatisfy { (0.1..<1).contains($0) })
    let resumed = try train("half", ["--method", "word-overlap", "--stop-after", "3"])
    #expect(resumed.code == 75, "\(resumed.errors)")
    #expect(try train("half", ["--method", "word-overlap", "--resume"]).code == 0)
    #expect(try world.values("half") == losses("whole", ["--method", "word-overlap"]))
  }

  @Test func whereTextsAreNotShown() throws {
    let isolated = try train("isolated", ["--method", "word-overlap", "--isolate"])
    #expect(isolated.code == 69, "\(isolated.errors)")
    #expect(isolated.errors.contains("which a process of its own is not shown: leave word-overlap out of --isolate"))
    #expect(!world.exists("isolated/metrics.jsonl"))
    let others = try train("others", ["--method", "word-overlap", "--isolate=infonce"])
    #expect(others.code == 0, "\(others.errors)")
    let probed = try shell([
      Resources.command, "probe", "--model", world.path("model"), "--pooler", "avg", "--input",
      world.path("train.txt"), "--batch-size", "8", "--method", "word-overlap",
    ])
    #expect(probed.code == 65 && probed.errors.contains("it reads the texts of the data"), "\(probed.errors)")
  }

  @Test func theTokenizer() throws {
    let uncased = try train("uncased", ["--method", "simcse", "--augment", "switch-case"])
    #expect(uncased.code == 69 && uncased.errors.contains("needs a cased tokenizer"), "\(uncased.errors)")
    #expect(!world.exists("uncased/metrics.jsonl"))
    let isolated = try train("isolated", ["--method", "simcse", "--augment", "switch-case", "--isolate"])
    #expect(isolated.code == 69 && isolated.errors.contains("there is no tokenizer here"), "\(isolated.errors)")
  }

  /// The tiny model drops a tenth of everything: said once more, it changes no bit.
  @Test func dropoutOfAView() throws {
    let plain = try losses("plain", ["--method", "mixcse"])
    let same = try losses("same", ["--method", "mixcse", "--augment", "dropout:rate=0.1,edits=both"])
    #expect(same == plain)
    #expect(try world.data("same/model.safetensors") == world.data("plain/model.safetensors"))
    let other = ["--method", "mixcse", "--augment", "dropout:rate=0.3,spread=0.1"]
    let more = try losses("more", other)
    #expect(more != plain)
    #expect(try losses("isolated", other + ["--isolate"]) == more)
    #expect(try losses("one", other + ["--threads", "1"]) == more)
    // Masked words are hidden in a pass of their own, which keeps the run's dropout.
    #expect(try losses("masked", other + ["--mlm"]) != more)
  }

  @Test func viewsThatAreAdded() throws {
    let plain = try losses("plain", ["--method", "simcse"])
    // Nobody looks at it: it is no hard negative, whatever the weight of those.
    let idle = try losses(
      "idle", ["--method", "simcse", "--augment", "delete:edits=added,rate=0.5", "--hard-negative-weight", "1"])
    #expect(idle[0] == plain[0])
    #expect(zip(idle, plain).allSatisfy { abs($0 - $1) < 1e-4 })
    let read = [
      "--loss", "infonce", "--loss", "0.5*sncse", "--augment", "delete:edits=added,rate=0.5", "--batch-size", "8",
    ]
    let soft = try losses("soft", read)
    #expect(soft[0] > plain[0])
    #expect(try losses("isolated", read + ["--isolate"]) == soft)
    // With hard negatives in the data it is the fourth view, and those stay what they are.
    let lines = try String(decoding: world.data("train.txt"), as: UTF8.self).split(separator: "\n")
    let rows = (0..<40).map { "\(lines[$0])\t\(lines[$0 + 40])\t\(lines[$0 + 80])" }
    try world.write("three.tsv", "anchor\tpositive\tnegative\n" + rows.joined(separator: "\n") + "\n")
    let three = ["--train-file", world.path("three.tsv"), "--method", "simcse"]
    let hard = try losses("hard", three)
    let both = try losses("both", three + ["--augment", "delete:edits=added,rate=0.5"])
    #expect(both[0] == hard[0])
    let guided = try train(
      "guided", ["--method", "gist", "--guide", world.path("model") + ":avg", "--augment", "delete:edits=added"])
    #expect(guided.code == 69 && guided.errors.contains("an augmenter of this run made that view"), "\(guided.errors)")
  }
}
