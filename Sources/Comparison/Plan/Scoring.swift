// What the final models are scored on: dev pairs and test data, read and checked before any run starts, and the
// arguments of the `mixcse evaluate` that does it. Made by ComparisonPlan.

import Evaluation
import Files
import Host
import Training

/// The pairs of the report and where they come from.
package struct Scoring: Sendable {
  /// A metric of the report and the name `evaluate` gives it.
  struct Metric: Sendable, Equatable {
    var name: String
    var key: String
  }

  /// Dev pairs, then test data.
  let metrics: [Metric]
  /// The sentences of each metric, in the same order.
  let sets: [ComparedSet]
  /// Of `mixcse evaluate`, without model and pooler.
  let arguments: [String]
  /// What is odd about the data, and what is not scored.
  package let warnings: [String]
  /// The hash of all sentences and gold scores, in order.
  package let digest: String

  /// - Parameters:
  ///   - evalData: A pair file, or a folder that is or holds SentEval's data: STS-B dev; as test data the STS sets.
  ///   - testData: Pair files and at most one folder; empty: the folder of `evalData`, if it is one.
  /// - Throws: `EvaluationError`; `ComparisonError.usage` for two folders.
  package init(evalData: String?, testData: [String]) throws {
    var suite = EvaluationSuite(mode: .test)
    var metrics: [Metric] = []
    var arguments: [String] = []
    var files: [(name: String, path: String)] = []
    let isEvalFolder = evalData.map(Path.isFolder) ?? false
    if let evalData {
      let dev = isEvalFolder ? try STSBenchmark.locate(.dev, in: evalData) : evalData
      files.append((isEvalFolder ? "STS-B dev" : Path.name(of: evalData), dev))
    }
    let folders = testData.filter(Path.isFolder) + (testData.isEmpty && isEvalFolder ? [evalData ?? ""] : [])
    if folders.count > 1 {
      throw ComparisonError.usage(
        place: "--test-data", expected: "at most one folder", found: folders.joined(separator: ", "),
        advice: "Further test data can be given as pair files")
    }
    files += testData.filter { path in !Path.isFolder(path) && !files.contains { $0.path == path } }.map {
      (Path.name(of: $0), $0)
    }
    for folder in folders {
      try suite.read(EvaluationTask.sts, in: folder, isSet: true)
      arguments += ["--data", folder, "--task-set", "sts"]
    }
    for file in files {
      try suite.readPairs(file.path)
      try suite.pairs.last.map { try STSTask(name: file.name, subsets: [$0.set]).checkRanking(path: file.path) }
      arguments += ["--pairs", file.path]
    }
    // Files of the same name in several folders go by their paths.
    metrics = files.map { file in
      Metric(name: files.filter { $0.name == file.name }.count > 1 ? file.path : file.name, key: file.path)
    }
    let tasks = suite.sts.map { Metric(name: Self.shortName($0.name), key: $0.name) }
    let devFiles = evalData == nil ? 0 : 1
    self.metrics = metrics.prefix(devFiles) + tasks + metrics.dropFirst(devFiles)
    var numbering = SentenceNumbering()
    // As the pair scores have them: sub-datasets one after the other.
    let ofFiles = suite.pairs.map { numbering.number($0.set) }
    let ofTasks = suite.sts.map { $0.subsets.flatMap { numbering.number($0) } }
    let sentences = ofFiles.prefix(devFiles) + ofTasks + ofFiles.dropFirst(devFiles)
    sets = zip(self.metrics, sentences).enumerated().map { index, item in
      ComparedSet(metric: item.0.name, isDev: index < devFiles, sentences: item.1)
    }
    self.arguments = arguments
    warnings = suite.warnings + suite.missing.map { "\($0.task.rawValue) is not scored: \($0.reason)" }
    digest = RunInputs.digest(suite.sts.flatMap(\.subsets) + suite.pairs.map(\.set))
  }

  private static func shortName(_ task: String) -> String {
    ["STSBenchmark": "STS-B", "SICKRelatedness": "SICK-R"][task] ?? task
  }
}
