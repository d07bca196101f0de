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
    var measure = Measure.spearman
  }

  /// Dev pairs, then test data.
  let metrics: [Metric]
  /// The sentences of each metric, in the same order.
  let sets: [ComparedSet]
  /// Of `mixcse evaluate`, without model and pooler.
  let arguments: [String]
  /// Distinct sentences of all that is scored.
  let sentences: Int
  /// What is odd about the data, and what is not scored.
  package let warnings: [String]
  /// The hash of all sentences and gold scores, in order.
  package let digest: String

  /// - Parameters:
  ///   - evalData: A pair file, or a folder that is or holds SentEval's data: STS-B dev; as test data the STS sets.
  ///   - testData: Pair files and at most one folder; empty: the folder of `evalData`, if it is one.
  ///   - taskSet: Which of the folder's tasks: `sts`, `transfer`, `full` or `na`; nil: the STS sets.
  /// - Throws: `EvaluationError`; `ComparisonError.usage` for two folders, or a set of tasks without one.
  package init(evalData: String?, testData: [String], taskSet: String? = nil) throws {
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
    let tasks = Self.tasks(of: taskSet)
    if let taskSet, !tasks.isEmpty, folders.isEmpty {
      throw ComparisonError.usage(
        place: "--task-set \(taskSet)", expected: "SentEval's folder in --test-data or --eval-data", found: "none",
        advice: "Name the folder that holds or is SentEval's downstream")
    }
    for folder in folders where !tasks.isEmpty {
      try suite.read(tasks, in: folder, isSet: true)
      arguments += ["--data", folder, "--task-set", taskSet ?? "sts"]
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
    let ofSuite =
      suite.sts.map { Metric(name: Self.shortName($0.name), key: $0.name) }
      + suite.transfer.map { Metric(name: $0.task.rawValue, key: $0.task.rawValue, measure: .accuracy) }
    let devFiles = evalData == nil ? 0 : 1
    self.metrics = metrics.prefix(devFiles) + ofSuite + metrics.dropFirst(devFiles)
    var numbering = SentenceNumbering()
    // As the pair scores have them: sub-datasets one after the other.
    let ofFiles = suite.pairs.map { numbering.number($0.set) }
    let ofTasks =
      suite.sts.map { $0.subsets.flatMap { numbering.number($0) } }
      + suite.transfer.map { $0.numbered(by: &numbering) }
    let sentences = ofFiles.prefix(devFiles) + ofTasks + ofFiles.dropFirst(devFiles)
    sets = zip(self.metrics, sentences).enumerated().map { index, item in
      ComparedSet(metric: item.0.name, isDev: index < devFiles, measure: item.0.measure, sentences: item.1)
    }
    self.arguments = arguments
    self.sentences = suite.sentences.sentences.count
    warnings = suite.warnings + suite.missing.map { "\($0.task.rawValue) is not scored: \($0.reason)" }
    let ofPairs = RunInputs.digest(suite.sts.flatMap(\.subsets) + suite.pairs.map(\.set))
    let lines = suite.transfer.flatMap(\.lines)
    digest =
      lines.isEmpty ? ofPairs : SHA256.digits(of: Array(([ofPairs] + lines).joined(separator: "\n").utf8))
  }

  private static func tasks(of set: String?) -> [EvaluationTask] {
    switch set {
    case "transfer": EvaluationTask.transfer
    case "full": EvaluationTask.allCases
    case "na": []
    default: EvaluationTask.sts
    }
  }

  private static func shortName(_ task: String) -> String {
    ["STSBenchmark": "STS-B", "SICKRelatedness": "SICK-R"][task] ?? task
  }

  // MARK: - Metrics that were named

  /// The means that `--metric` and `--decide-by` ask for.
  /// - Throws: `ComparisonError.usage` for sets that are not scored.
  func means(_ request: ComparisonRequest) throws -> [MeanMetric] {
    var means: [MeanMetric] = []
    for (flag, text) in Self.named(request) {
      guard let mean = try mean(text, flag), !means.contains(mean) else { continue }
      means.append(mean)
    }
    return means
  }

  /// The metric that decides, by the name of the reports; nil where nothing was named.
  /// - Throws: `ComparisonError.usage`
  func decideBy(_ request: ComparisonRequest) throws -> String? {
    let named = request.decideBy.map { ("--decide-by", $0) } ?? request.metrics.first.map { ("--metric", $0) }
    return try named.map { try name(of: $0.1, $0.0) }
  }

  /// The metric that decides, named or not.
  func deciding(_ request: ComparisonRequest) throws -> String? {
    if let name = try decideBy(request) { return name }
    let tests = zip(metrics, sets).filter { !$0.1.isDev }.map { (name: $0.0.name, measure: $0.0.measure) }
    return MeanMetric.usual(tests).first?.name ?? tests.first?.name ?? metrics.first?.name
  }

  private static func named(_ request: ComparisonRequest) -> [(flag: String, text: String)] {
    request.metrics.map { ("--metric", $0) } + (request.decideBy.map { [("--decide-by", $0)] } ?? [])
  }

  private func name(of text: String, _ flag: String) throws -> String {
    if let mean = try mean(text, flag) { return mean.name }
    let tests = zip(metrics, sets).filter { !$0.1.isDev }.map { (name: $0.0.name, measure: $0.0.measure) }
    let known = MeanMetric.usual(tests).map(\.name) + metrics.map(\.name)
    // The names of the tasks are known, too: STSBenchmark is STS-B.
    let key = Self.key(text)
    if let name = known.first(where: { Self.key($0) == key }) { return name }
    if let metric = metrics.first(where: { Self.key($0.key) == key }) { return metric.name }
    throw ComparisonError.usage(
      place: "\(flag) \(text)", expected: "a metric that is scored: \(known.joined(separator: ", "))",
      found: "'\(text)'" + didYouMean(nearestNames(to: text, among: known)),
      advice: "Several are joined as mean(\(known.suffix(2).joined(separator: ",")))")
  }

  private static func key(_ name: String) -> String { name.lowercased().filter { !"-_ ".contains($0) } }

  /// The mean that a text asks for; nil for a single metric.
  private func mean(_ text: String, _ flag: String) throws -> MeanMetric? {
    guard let members = MeanMetric.members(text) else { return nil }
    func bad(_ expected: String, _ found: String) -> ComparisonError {
      .usage(place: "\(flag) \(text)", expected: expected, found: found, advice: "For example mean(STS12,STS13)")
    }
    let names = try members.map { member in
      guard MeanMetric.members(member) == nil else { throw bad("sets within the parentheses", "another mean") }
      return try name(of: member, flag)
    }
    guard Set(names).count == names.count, names.count > 1 else {
      throw bad("two different sets or more", names.joined(separator: ", "))
    }
    let found = names.compactMap { name in metrics.first { $0.name == name } }
    guard found.count == names.count else { throw bad("sets within the parentheses", "another mean") }
    guard Set(found.map(\.measure)).count == 1 else {
      throw bad("sets of one measure", "Spearman's correlations and accuracies")
    }
    return MeanMetric(name: "mean(\(names.joined(separator: ",")))", sets: names)
  }
}
