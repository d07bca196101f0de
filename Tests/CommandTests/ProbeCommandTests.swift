// `mixcse probe` as a user meets it: embeddings with sentences, a model on a text file, and what is said of bad input.

import Foundation
import Kernels
import TestSupport
import Testing

@Suite struct ProbeCommandTests {
  /// Embeddings of `rows` rows as .npy files, related by noise.
  private func embeddings(_ world: CommandWorld, rows: Int, width: Int = 8) throws {
    let first = FloatBuffer(count: rows * width)
    let second = FloatBuffer(count: rows * width)
    for (buffer, name) in [(first, "probe.z1"), (second, "probe.noise")] {
      RandomStream(seed: 5, name: name).normal(
        step: 0, offset: 0, into: UnsafeMutableBufferPointer(start: buffer.pointer, count: rows * width))
    }
    for index in 0..<rows * width { second.pointer[index] = first.pointer[index] + 0.5 * second.pointer[index] }
    try NPYFile.write(first.matrix(rows: rows, columns: width), to: world.path("z1.npy"))
    try NPYFile.write(second.matrix(rows: rows, columns: width), to: world.path("z2.npy"))
  }

  private func probe(_ world: CommandWorld, _ more: [String]) throws -> ShellResult {
    try shell([Resources.command, "probe", "--z1", world.path("z1.npy"), "--z2", world.path("z2.npy")] + more)
  }

  private func object(_ result: ShellResult) throws -> [String: Any] {
    try #require(result.code == 0, "\(result.errors)")
    return try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
  }

  private func sum(_ items: Any?, _ key: String) -> Double {
    (items as? [[String: Any]] ?? []).reduce(0) { $0 + ($1[key] as? Double ?? .nan) }
  }

  @Test func embeddingsWithSentences() throws {
    let world = try CommandWorld()
    try embeddings(world, rows: 6)
    try world.write("texts.txt", "one\ntwo\nthree\ntwo\nfive\nsix\n")
    let report = try object(
      probe(
        world, ["--method", "mixcse", "--json", "--histogram", "--sentences", world.path("texts.txt"), "--top", "90"])
    )
    for key in ["softmaxShare", "gradientShare"] {
      #expect(isClose(sum(report["kinds"], key), 1, absolute: 1e-12), "\(key)")
      let positive = (report["positive"] as? [String: Any])?[key] as? Double ?? .nan
      #expect(isClose(sum(report["blocks"], key) + positive, 1, absolute: 1e-12))
    }
    let kinds = try #require(report["kinds"] as? [[String: Any]])
    #expect(kinds.map { $0["kind"] as? String } == ["positive", "in-batch", "mixed", "mixed", "masked"])
    #expect(kinds.map { $0["count"] as? Int } == [6, 30, 30, 30, 12])
    let top = try #require(report["top"] as? [[String: Any]])
    #expect(top.count == 90)
    let equal = top.filter { $0["isDuplicate"] as? Bool == true }
    #expect(
      equal.count == 2 && equal.allSatisfy { $0["text"] as? String == "two" && $0["columnText"] as? String == "two" })
    let duplicates = try #require(report["duplicates"] as? [String: Any])
    #expect(duplicates["count"] as? Int == 2)
    #expect(isClose(duplicates["softmaxShare"] as? Double ?? 0, sum(equal, "probability") / 6, relative: 1e-9))
    #expect(top.contains { ($0["nearest"] as? [String: Any])?["text"] != nil })
    let histogram = try #require(report["histogram"] as? [String: Any])
    #expect((histogram["cosineEdges"] as? [Double])?.count == 21)
    #expect((histogram["kinds"] as? [[String: Any]])?.count == 5)
  }

  @Test func methodsSideBySide() throws {
    let world = try CommandWorld()
    try embeddings(world, rows: 6)
    let result = try probe(world, ["--method", "simcse", "--method", "mixcse:lambda=0.4", "--histogram", "--top", "1"])
    #expect(result.code == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    #expect(lines[0].split(separator: " ") == ["simcse", "mixcse:lambda=0.4"])
    #expect(lines.contains { $0.hasPrefix("softmax share, mixed ") && $0.split(separator: " ")[3] == "-" })
    #expect(lines.count { $0.hasPrefix("the 1 heaviest negatives of ") } == 2)
    #expect(lines.count { $0.hasPrefix("cells of ") } == 4)
    let both = try object(probe(world, ["--method", "simcse", "--method", "mixcse", "--json"]))
    #expect((both["strategies"] as? [[String: Any]])?.map { $0["name"] as? String } == ["simcse", "mixcse"])
  }

  /// The batch is the first one of a training run with the same seed: so are its loss and its metrics.
  @Test func aModelSeesTheFirstBatchOfTraining() throws {
    let world = try CommandWorld()
    let shared = ["--method", "mixcse", "--pooler", "avg", "--batch-size", "16", "--seed", "9", "--threads", "2"]
    let trained = try shell(
      [
        Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
        "--output-dir", world.path("out"), "--max-steps", "1",
      ] + shared)
    try #require(trained.code == 0, "\(trained.errors)")
    let step = try #require(
      try JSONSerialization.jsonObject(with: Data(world.metrics("out")[0].utf8)) as? [String: Any])
    let report = try object(
      shell(
        [
          Resources.command, "probe", "--model", world.path("model"), "--input", world.path("train.txt"), "--json",
        ] + shared))
    #expect(isClose(report["loss"] as? Double ?? .nan, step["loss"] as? Double ?? 0, relative: 1e-6))
    let top = try #require(report["top"] as? [[String: Any]])
    let words = try String(contentsOfFile: world.path("train.txt"), encoding: .utf8).split(separator: "\n").map(
      String.init)
    #expect(top.count == 5 && top.allSatisfy { words.contains($0["text"] as? String ?? "") })
    #expect(report["duplicates"] is [String: Any])
  }

  @Test func whatCannotBeProbed() throws {
    let world = try CommandWorld()
    try embeddings(world, rows: 6)
    try world.write("short.txt", "one\ntwo\n")
    let short = try probe(world, ["--method", "simcse", "--sentences", world.path("short.txt")])
    #expect(short.code == 65 && short.errors.contains("expected 6 lines") && short.errors.contains("found 2"))
    for (arguments, says) in [
      (["--z1", "a.npy"], "--z2"), (["--model", "m", "--z1", "a.npy"], "either --model or --z1"),
      (["--model", "m"], "--input FILE"), (["--z1", "a", "--z2", "b", "--dropout", "0.1"], "--model DIR"),
      (["--z1", "a", "--z2", "b", "--sentences2", "c"], "--sentences FILE"),
      (["--z1", "a", "--z2", "b", "--top", "-1"], "0 to 10000"),
      (["--z1", "a", "--z2", "b", "--top-by", "loss"], "softmax or gradient"),
    ] {
      let result = try shell([Resources.command, "probe", "--method", "simcse"] + arguments)
      #expect(result.code == 64 && result.errors.contains(says), "\(arguments): \(result.errors)")
    }
    let missing = try shell([
      Resources.command, "probe", "--method", "simcse", "--model", world.path("model"), "--input",
      world.path("none.txt"),
    ])
    #expect(missing.code == 66 && missing.errors.contains("none.txt"), "\(missing.errors)")
  }
}
