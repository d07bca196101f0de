// Everything one run of `mixcse evaluate` scores: read and checked whole before anything is encoded, then scored on one
// table of embeddings per pooler.

import Files
package import Kernels

/// Tasks and pair files, read.
package struct EvaluationSuite: Sendable {
  /// Which figures are made: test, dev or fasttest.
  package let mode: EvaluationMode
  /// The STS tasks, in the order they were asked for.
  package private(set) var sts: [STSTask] = []
  /// The transfer tasks, in the order they were asked for.
  package private(set) var transfer: [TransferTask] = []
  /// Pair files that were named, with their pairs.
  package private(set) var pairs: [(path: String, set: PairSet)] = []
  /// Tasks of the set that cannot be scored, and why.
  package private(set) var missing: [(task: EvaluationTask, reason: String)] = []

  /// Without any task.
  package init(mode: EvaluationMode) { self.mode = mode }

  /// Reads `tasks` from `path`: the folder that holds or is `downstream`, or STSBenchmark alone.
  ///
  /// A task whose folder is not there is `missing` where `isSet`, since copies of the data often lack some.
  /// - Throws: `EvaluationError` naming file and line, also for a missing folder of a task that was named.
  package mutating func read(_ tasks: [EvaluationTask], in path: String, isSet: Bool) throws {
    guard let downstream = try folder(path) else { return try readBenchmarkAlone(tasks, in: path, isSet: isSet) }
    for task in tasks {
      if mode.isDev, !task.hasDev {
        missing.append((task, "it has no development part"))
      } else if isSet, !downstream.holds(task) {
        missing.append((task, "\(downstream.file(task.folder)) is not there"))
      } else if task.isTransfer {
        transfer.append(try TransferTask.read(task, in: downstream))
      } else {
        sts.append(try readSTS(task, in: downstream))
      }
    }
  }

  /// Reads a file of pairs.
  /// - Throws: `EvaluationError`.
  package mutating func readPairs(_ path: String) throws { pairs.append((path, try PairFile.read(path))) }

  private func folder(_ path: String) throws -> DownstreamFolder? {
    do {
      return try DownstreamFolder(path: path)
    } catch let error as EvaluationError {
      let file = "sts-\(mode.isDev ? "dev" : "test")"
      let places = [path, path + "/STSBenchmark"].flatMap { ["\($0)/\(file).csv", "\($0)/\(file).tsv"] }
      if places.contains(where: Path.isFile) { return nil }
      throw error
    }
  }

  private mutating func readBenchmarkAlone(_ tasks: [EvaluationTask], in path: String, isSet: Bool) throws {
    for task in tasks {
      if task == .stsBenchmark {
        sts.append(try STSBenchmark.read(mode.isDev ? .dev : .test, in: path))
      } else if isSet {
        missing.append((task, "\(path) holds STSBenchmark only"))
      } else {
        throw EvaluationError.notFound(path: path, expected: "SentEval's downstream with \(task.rawValue)")
      }
    }
  }

  private func readSTS(_ task: EvaluationTask, in downstream: DownstreamFolder) throws -> STSTask {
    switch task {
    case .stsBenchmark: try STSBenchmark.read(mode.isDev ? .dev : .test, in: downstream.path)
    case .sickRelatedness: try SICKRelatedness.read(mode, in: downstream)
    default: try STSYear.read(task, in: downstream)
    }
  }

  /// What a user should know before trusting a figure.
  package var warnings: [String] {
    sts.flatMap(\.warnings) + transfer.flatMap(\.warnings) + pairs.flatMap(\.set.warnings)
  }

  /// The distinct sentences of all tasks.
  package var sentences: SentenceCollection {
    var collection = SentenceCollection()
    for task in sts { collection.add(task.sentences) }
    for task in transfer { collection.add(task.sentences) }
    for file in pairs { collection.add(file.set.sentences) }
    return collection
  }

  /// All figures on one table of embeddings; `progress` hears of the classifiers of each transfer task, which the
  /// processes of `group` share.
  package func score(
    _ table: SentenceTable, pool: ThreadPool, intervals: Bool = false, group: (any TransferGroup)? = nil,
    progress: @escaping (_ task: String, _ done: Int, _ total: Int) -> Void = { _, _, _ in }
  ) -> EvaluationScores {
    var scores = EvaluationScores(mode: mode)
    let profile = pool.profile
    scores.sts = sts.map { task in profile.measure("similarity/\(task.name)") { task.score(table) } }
    scores.pairs = profile.measure("similarity/pairs") {
      pairs.map { ($0.path, STSTask(name: $0.set.name, subsets: [$0.set]).score(table)) }
    }
    let benchmark = sts.first { $0.name == EvaluationTask.stsBenchmark.rawValue }
    let spaceTask = benchmark ?? pairs.first.map { STSTask(name: $0.set.name, subsets: [$0.set]) }
    scores.space = profile.measure("similarity/space") { spaceTask.flatMap { SpaceStatistics($0, table, pool: pool) } }
    scores.spaceOf = spaceTask?.name
    if intervals {
      for (key, score) in scores.sts.map({ ($0.name, $0) }) + scores.pairs {
        scores.intervals[key] = profile.measure("similarity/intervals") { SpearmanInterval.of(score) }
      }
    }
    scores.transfer = transfer.map { task in
      profile.measure("classifiers/\(task.task.rawValue)") {
        TransferScorer(mode: mode, pool: pool, group: group) { progress(task.task.rawValue, $0, $1) }.score(task, table)
      }
    }
    return scores
  }
}

/// All figures of one pooler.
package struct EvaluationScores: Sendable {
  /// Which figures are made: test, dev or fasttest.
  package let mode: EvaluationMode
  /// Scores of the STS tasks, in order.
  package var sts: [STSTaskScore] = []
  /// Scores of the transfer tasks, in order.
  package var transfer: [TransferScore] = []
  /// Scores of the pair files, in order.
  package var pairs: [(path: String, score: STSTaskScore)] = []
  /// Of STS-B's part of this mode, else of the first file of pairs.
  package var space: SpaceStatistics?
  /// Name of the pairs that the statistics of the space are of; nil without them.
  package var spaceOf: String?
  /// 95 per cent intervals of Spearman, by task or path of a pair file.
  package var intervals: [String: ClosedRange<Double>] = [:]

  /// Without any task.
  package init(mode: EvaluationMode) { self.mode = mode }

  /// Correlations that are undefined, and why.
  package var undefined: [(name: String, problem: String)] {
    let all = sts.map { ($0.name, $0.all) } + pairs.map { ($0.path, $0.score.all) }
    return all.compactMap { name, score in score.problem.map { (name, $0) } }
  }

  /// Whether any figure came out.
  package var isEmpty: Bool { transfer.isEmpty && undefined.count == sts.count + pairs.count }

  /// The mean Spearman x 100 of the STS tasks that were scored; nil where none was.
  package var stsAverage: Double? { mean(sts.map { 100 * $0.all.spearman }) }
  /// The mean reported accuracy of the transfer tasks that were scored.
  package var transferAverage: Double? { mean(transfer.map { $0.reported(mode) }) }

  private func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }
}
