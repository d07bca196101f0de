// A comparison as a user would get it, made up: strategies that differ a little, seeds, eight metrics, curves of 150
// steps, a failed and a dropped run, shadows. What the tests of the report, and CSE_SAMPLE_REPORT, write.

import Comparison
import Evaluation
import Files
import Foundation
import Kernels

struct SampleComparison {
  var labels = ["simcse", "mixcse", "mixcse:lambda=0.5", "ours", "infonce+mixcse+queue:size=256"]
  var seeds: [UInt64] = [42, 43, 44]
  var metrics = ["STS-B dev", "STS12", "STS13", "STS14", "STS15", "STS16", "STS-B test", "SICK-R"]
  var pairs = 300
  var steps = 150
  var hasFailures = true
  var hasShadows = true
  var hasBefore = false

  func results() -> ComparisonResults {
    let strategies = labels.map {
      ComparedStrategy(label: $0, text: $0, canonical: "sampler:\($0) loss:infonce:temperature=0.05")
    }
    var runs: [ComparedRun] = []
    for strategy in labels.indices {
      for seed in seeds { runs.append(run(strategy, seed)) }
    }
    var results = ComparisonResults(
      strategies: strategies, seeds: seeds, runs: runs,
      commandLine: ["mixcse", "compare"] + labels + ["--seeds", seeds.map { "\($0)" }.joined(separator: ",")]
        + ["--model", "models/all-MiniLM-L6-v2", "--train-file", "my sentences.txt", "--output-dir", "out/compare"],
      record: Self.record)
    results.sets = metrics.indices.map(set)
    if hasBefore { results.before = labels.map { _ in metrics.map(before) } }
    return results
  }

  /// Every tenth pair shares a sentence with the one before; the first twelve pairs of a set stand in the next one.
  private func set(_ index: Int) -> ComparedSet {
    let sentences = (0..<pairs).map { pair -> SentencePair in
      let first = 2 * (pairs * (index > 0 && pair < 12 ? index - 1 : index) + pair)
      return SentencePair(first: first, second: pair % 10 == 1 ? first - 1 : first + 1)
    }
    return ComparedSet(metric: metrics[index], isDev: metrics[index].hasSuffix("dev"), sentences: sentences)
  }

  private func run(_ strategy: Int, _ seed: UInt64) -> ComparedRun {
    var run = ComparedRun(
      strategy: strategy, seed: seed, outcome: .finished, folder: "out/compare/runs/\(strategy)-seed\(seed)",
      seconds: 74.5)
    var length = steps
    if hasFailures, strategy == 4, seed == seeds.last {
      run.outcome = .failed(reason: "the loss is not finite: NaN in \"dlogits\" at step 61 <of 'infonce'>")
      length = 60
    } else if hasFailures, strategy == 3, seed == seeds.first {
      run.outcome = .dropped(step: 100, reason: "dev Spearman 79.10 is 4.2 below the best at this step")
      length = 100
    }
    run.curve = curve(strategy, seed, steps: length)
    if run.outcome == .finished { run.scores = metrics.map { scores($0, strategy, seed) } }
    return run
  }

  private func scores(_ metric: String, _ strategy: Int, _ seed: UInt64) -> PairScores {
    let gold = normal(0, "gold \(metric)", pairs)
    let shared = normal(0, "shared \(metric)", pairs)
    let noise = normal(seed, "noise \(metric) \(strategy)", pairs)
    let strength = [1.0, 1.12, 1.08, 0.75, 1.0][strategy % 5] + 0.015 * normal(seed, "strength \(strategy)", 1)[0]
    return PairScores(
      metric: metric, gold: gold.map { (max(0, min(5, 2.5 + $0)) * 5).rounded() / 5 },
      predicted: gold.indices.map { strength * gold[$0] + 0.55 * shared[$0] + 0.12 * noise[$0] })
  }

  /// A model that knows less than any strategy's.
  private func before(_ metric: String) -> PairScores {
    let (gold, noise) = (normal(0, "gold \(metric)", pairs), normal(0, "before \(metric)", pairs))
    return PairScores(
      metric: metric, gold: gold.map { (max(0, min(5, 2.5 + $0)) * 5).rounded() / 5 },
      predicted: gold.indices.map { 0.6 * gold[$0] + 0.6 * noise[$0] })
  }

  private func curve(_ strategy: Int, _ seed: UInt64, steps: Int) -> [CurvePoint] {
    let noise = normal(seed, "curve \(strategy)", 8 * (steps + 1))
    let gain = [4.5, 5.2, 5.0, 1.5, 4.6][strategy % 5]
    var points: [CurvePoint] = []
    for step in 0...steps {
      let (at, progress) = (8 * step, Double(step) / Double(self.steps))
      if step % 25 == 0 {
        let risen = 1 - exp(-4 * progress)
        points.append(
          CurvePoint(
            step: step, isEvaluation: true,
            values: [
              "spearman": 79.73 + gain * risen + (step == 0 ? 0 : 0.1 * noise[at]), "pairs": 1500,
              "alignment": 0.24 - 0.05 * risen - 0.004 * Double(strategy) * risen + 0.001 * noise[at + 1],
              "uniformity": -2.4 - 0.5 * risen - 0.03 * Double(strategy) * risen + 0.004 * noise[at + 2],
            ]))
      }
      guard step > 0 else { continue }
      var values = [
        "loss": 0.02 + 0.4 * exp(-6 * progress) + 0.02 * Double(strategy) + 0.012 * abs(noise[at + 3]),
        "gradNorm": 1 + 4 * exp(-5 * progress) + 0.5 * abs(noise[at + 4]) + (step == 2 ? 60 : 0),
        "positiveLogit": 17 + 1.5 * progress + 0.15 * noise[at + 5], "learningRate": 3e-5 * (1 - progress),
        "otherLogit": 3 - 2 * progress + 0.1 * noise[at + 6],
      ]
      if strategy > 0 { values["mixedLogit"] = 9 - 1.5 * progress + 0.2 * noise[at + 7] }
      if hasShadows, strategy < 2 {
        values["shadow.hard.negatives.loss"] = 0.5 + 0.3 * exp(-5 * progress) + 0.02 * noise[at + 6]
        values["shadow.hard.negatives.cosine"] = 0.7 + 0.1 * progress + 0.05 * noise[at + 7]
      }
      points.append(CurvePoint(step: step, isEvaluation: false, values: values))
    }
    return points
  }

  private static var record: JSONObject {
    let plugin: JSONValue = .object(
      JSONObject([
        ("id", .string("mixcse.mixed/1")), ("version", .string("1.0.0")),
        ("sha256", .string(String(repeating: "8f1c0a5e", count: 8))),
      ]))
    let flags = JSONObject([
      ("--model", .string("models/all-MiniLM-L6-v2")), ("--train-file", .string("data/my sentences.txt")),
    ])
    return JSONObject([
      ("made", .string("2026-01-31T12:00:05Z")), ("mixcse", .string("0.9.0 (Swift 6.3, release)")),
      ("flags", .object(flags)),
      (
        "data",
        .object(
          JSONObject([
            ("trainFile", .string("my sentences.txt")), ("sentences", .integer(9600)),
            ("sha256", .string(String(repeating: "c0ffee42", count: 8))),
          ]))
      ),
      ("plugins", .array([plugin, plugin])),
      (
        "machine",
        .object(
          JSONObject([
            ("cpu", .string("AMD EPYC")), ("threads", .integer(2)),
            ("flags", .array([.string("avx2"), .string("fma")])),
          ]))
      ),
    ])
  }

  private func normal(_ seed: UInt64, _ name: String, _ count: Int) -> [Double] {
    var values = [Float](repeating: 0, count: count)
    values.withUnsafeMutableBufferPointer {
      RandomStream(seed: seed, name: "sample." + name).normal(step: 0, offset: 0, into: $0)
    }
    return values.map(Double.init)
  }
}
