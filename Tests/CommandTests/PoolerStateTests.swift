// Poolers that remember: what a run leaves in their states is what its model folder holds, and the folder's vectors are
// those of the run's own evaluations.

import Foundation
import TestSupport
import Testing

struct PoolerStateTests {
  let world: CommandWorld

  init() throws { world = try CommandWorld() }

  private func train(_ output: String, _ pooler: String, _ more: [String] = []) throws -> ShellResult {
    try shell(
      [
        Resources.command, "train", "--method", "simcse", "--model", world.path("model"), "--train-file",
        world.path("train.txt"), "--output-dir", world.path(output), "--pooler", pooler, "--batch-size", "8",
        "--max-steps", "12", "--eval-data", world.path("pairs.tsv"), "--eval-steps", "12", "--threads", "2",
        "--learning-rate", "1e-3",
      ] + more)
  }

  private func encode(_ model: String, _ name: String, _ more: [String] = []) throws -> [[Double]] {
    let result = try shell(
      [
        Resources.command, "encode", "--model", world.path(model), "--input", world.path("train.txt"), "--output",
        world.path(name),
      ] + more)
    try #require(result.code == 0, "\(result.errors)")
    let bytes = try world.data(name)
    let start = 10 + Int(bytes[8]) + Int(bytes[9]) << 8
    let numbers = bytes[start...].withUnsafeBytes { raw in
      (0..<raw.count / 4).map { Double(raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)) }
    }
    let width = numbers.count / 150
    return (0..<150).map { Array(numbers[$0 * width..<($0 + 1) * width]) }
  }

  /// The float32 tensors of a model's mixcse_plugins.safetensors.
  private func kept(_ model: String) throws -> [String: [Double]] {
    let bytes = try world.data(model + "/mixcse_plugins.safetensors")
    let length = (0..<8).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
    let header = try #require(
      try JSONSerialization.jsonObject(with: bytes[8..<8 + length]) as? [String: [String: Any]])
    var result: [String: [Double]] = [:]
    for (name, entry) in header where entry["dtype"] as? String == "F32" {
      let range = try #require(entry["data_offsets"] as? [Int])
      result[name] = bytes[(8 + length + range[0])..<(8 + length + range[1])].withUnsafeBytes { raw in
        (0..<raw.count / 4).map { Double(raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)) }
      }
    }
    return result
  }

  /// The score of the run's last evaluation is that of its folder, and a resumed run is the same to the bit.
  @Test(arguments: ["idf", "avg+whiten", "idf+whiten:decay=0.9"])
  func whatIsTrainedIsWhatIsExported(_ pooler: String) throws {
    let result = try train("run", pooler)
    try #require(result.code == 0, "\(result.errors)")
    #expect(!result.errors.contains("does not hold"))
    let record = try #require(try JSONSerialization.jsonObject(with: world.data("run/run.json")) as? [String: Any])
    let best = try #require((record["result"] as? [String: Any])?["best"] as? [String: Any])
    let evaluated = try shell([
      Resources.command, "evaluate", "--model", world.path("run"), "--pairs", world.path("pairs.tsv"), "--json",
    ])
    try #require(evaluated.code == 0, "\(evaluated.errors)")
    let expected = try #require(best["spearman"] as? Double)
    #expect(evaluated.output.contains("\(expected)".prefix(8)), "\(expected) \(evaluated.output)")
    #expect(try train("half", pooler, ["--stop-after", "5"]).code == 75)
    #expect(try train("half", pooler, ["--resume"]).code == 0)
    for file in ["model.safetensors", "mixcse_plugins.safetensors"] {
      #expect(try world.data("half/" + file) == world.data("run/" + file))
    }
  }

  /// In the tiny vocabulary a word is a token, so the shares can be counted in the text.
  @Test func idfCountsTheTextsOfTheRun() throws {
    #expect(try train("run", "idf").code == 0)
    let shares = try #require(kept("run")["state.plugin.idf.shares"])
    let vocabulary = try String(decoding: world.data("model/vocab.txt"), as: UTF8.self).split(separator: "\n")
    let texts = try String(decoding: world.data("train.txt"), as: UTF8.self).split(separator: "\n")
      .map { Set($0.split(separator: " ")) }
    try #require(shares.count == vocabulary.count && texts.count == 150)
    for (id, token) in vocabulary.enumerated() {
      let special = ["[CLS]", "[SEP]"].contains(token)
      let expected = special ? 1 : Double(texts.count { $0.contains(token) }) / 150
      #expect(isClose(shares[id], expected, absolute: 1e-6), "\(token)")
    }
    #expect(shares.contains { $0 > 0 && $0 < 1 })
    let none = try shell([
      Resources.command, "encode", "--model", world.path("model"), "--pooler", "idf", "--input",
      world.path("train.txt"), "--output", world.path("none.npy"),
    ])
    #expect(none.code == 69 && none.errors.contains("document frequencies of the training text"), "\(none.errors)")
    // A folder that keeps something else says what it lacks.
    #expect(try train("attention", "attention").code == 0)
    let other = try shell([
      Resources.command, "encode", "--model", world.path("attention"), "--pooler", "idf", "--input",
      world.path("train.txt"), "--output", world.path("none.npy"),
    ])
    #expect(other.code == 65 && other.errors.contains("which the folder lacks"), "\(other.errors)")
  }

  /// After one batch the mean is the batch's; products of whitened vectors are those of the centred ones in the metric
  /// of the inverse covariance.
  @Test func whiteningIsWhatItSays() throws {
    let more = ["--max-steps", "1", "--no-shuffle", "--dropout", "0", "--learning-rate", "0", "--batch-size", "50"]
    #expect(try train("run", "avg+whiten:ridge=0.05", more).code == 0)
    let states = try kept("run")
    let (sums, moments) = try (
      #require(states["state.plugin.whiten.mean"]), #require(states["state.plugin.whiten.second_moment"])
    )
    let weight = try #require(states["state.plugin.whiten.weight"])[0]
    let x = try encode("model", "plain.npy", ["--pooler", "avg"])
    let y = try encode("run", "white.npy")
    let width = x[0].count
    let mean = sums.map { $0 / weight }
    for k in 0..<width {
      #expect(isClose(mean[k], x[..<50].reduce(0) { $0 + $1[k] } / 50, absolute: 1e-5))
    }
    var covariance = (0..<width).map { i in
      (0..<width).map { j in moments[i * width + j] / weight - mean[i] * mean[j] }
    }
    let variance = (0..<width).reduce(0) { $0 + covariance[$1][$1] } / Double(width)
    for i in 0..<width { covariance[i][i] += 0.05 * variance }
    for (i, j) in [(0, 1), (3, 3), (20, 140), (77, 5)] {
      let solved = solve(covariance, (0..<width).map { x[j][$0] - mean[$0] })
      let expected = (0..<width).reduce(0) { $0 + (x[i][$1] - mean[$1]) * solved[$1] }
      let found = (0..<width).reduce(0) { $0 + y[i][$1] * y[j][$1] }
      #expect(isClose(found, expected, absolute: 2e-3 * Double(width)), "\(i), \(j): \(found), not \(expected)")
    }
  }

  /// Gaussian elimination with the largest pivot.
  private func solve(_ matrix: [[Double]], _ right: [Double]) -> [Double] {
    var rows = zip(matrix, right).map { $0 + [$1] }
    let n = right.count
    for k in 0..<n {
      let pivot = (k..<n).max { abs(rows[$0][k]) < abs(rows[$1][k]) } ?? k
      rows.swapAt(k, pivot)
      for i in k + 1..<n {
        let factor = rows[i][k] / rows[k][k]
        for j in k...n { rows[i][j] -= factor * rows[k][j] }
      }
    }
    var result = [Double](repeating: 0, count: n)
    for i in (0..<n).reversed() {
      result[i] = (rows[i][n] - (i + 1..<n).reduce(0) { $0 + rows[i][$1] * result[$1] }) / rows[i][i]
    }
    return result
  }
}
