// `mixcse evaluate`: STS and transfer figures of a model, and how its embeddings lie in their space.

import ArgumentParser
import Evaluation
import Host
import Kernels
import ModelFiles
import Objective
import Ranks
import Training

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract:
      "Scores a model: seven STS sets (Spearman x 100), seven transfer tasks (accuracy in per cent), own pairs.",
    discussion: """
      Example: mixcse evaluate --model bert-base-uncased --pooler avg --data SentEval/data --task-set full

      All data is read and checked before anything is scored: a broken file is an error that names file and line, a file \
      that differs from the published one a warning.

      Exit codes: 0 done; 64 wrong usage; 65 bad input data; 66 a file is missing; 69 a plugin cannot be had or failed.
      """)

  enum TaskSet: String, ExpressibleByArgument, CaseIterable { case sts, transfer, full, na }

  @OptionGroup var model: EmbedderOptions
  @OptionGroup(title: "Ranks") var ranks: RankOptions
  @Option(
    name: .customLong("task-set"),
    help: """
      sts: the seven STS sets. transfer: the seven transfer tasks. full: both. na: what --tasks and --pairs name. \
      (default: sts with --data, else na)
      """)
  var taskSet: TaskSet?
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Single tasks instead of a set: \(EvaluationTask.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "name"))
  var tasks: [String] = []
  @Option(
    help: """
      test: test figures, classifiers with ten folds. dev: figures of the development parts. fasttest: test figures, \
      classifiers with five folds and quicker settings.
      """)
  var mode: EvaluationMode = .test
  @Option(
    help: ArgumentHelp("The folder that holds or is SentEval's downstream.", valueName: "dir"), completion: .directory)
  var data: String?
  @Option(
    help: ArgumentHelp(
      "Pairs as .tsv, .csv, .json or .jsonl under a header of known names, else sentence1, sentence2, score or STS-B's"
        + " seven columns. Repeatable.",
      valueName: "file"), completion: .file())
  var pairs: [String] = []
  @Flag(name: .customLong("all-poolers"), help: "Score every pooler and head there is, in one encoding pass.")
  var allPoolers = false
  @Option(
    help: ArgumentHelp(
      "Print published figures beside one's own; repeatable: "
        + PublishedFigures.all.map(\.name).joined(separator: ", ") + ".", valueName: "name"))
  var published: [String] = []
  @Flag(help: "95 per cent intervals of every STS figure: over other pairs, where those that share sentences are one.")
  var intervals = false
  @Option(name: .customLong("interval-seed"), help: .hidden) var intervalSeed: UInt64?
  @Option(
    name: .customLong("pair-scores"),
    help: ArgumentHelp(
      "Write gold score and cosine of every scored pair, exactly, and which samples of transfer tasks were labelled "
        + "right, as JSON: {\"sets\": [{\"name\", \"gold\", \"cosine\"}], \"tasks\": [{\"name\", \"right\"}]}.",
      valueName: "file"), completion: .file())
  var pairScores: String?
  @Option(
    help: ArgumentHelp(
      "Score the first so many dimensions of the embeddings, too, each as a row of its own.", valueName: "width,..."))
  var dims: String?
  @Flag(help: "Print each sub-dataset, and their mean and weighted mean, too.") var subsets = false
  @Flag(help: "Print where the time goes, by phase and task; with --json under profile.") var profile = false
  @Flag(help: "Print one JSON document.") var json = false

  func validate() throws {
    if !tasks.isEmpty, let taskSet, taskSet != .na {
      throw ValidationError("expected either --tasks or --task-set \(taskSet), found both")
    }
    if data == nil, !tasks.isEmpty || (taskSet != nil && taskSet != .na) {
      throw ValidationError("expected --data DIR with --task-set and --tasks, found none")
    }
    if pairs.isEmpty, data == nil || (taskSet == .na && tasks.isEmpty) {
      throw ValidationError("nothing to score: give --data DIR (with --tasks where --task-set is na) or --pairs FILE")
    }
    if mode.isDev, !published.isEmpty {
      throw ValidationError("--published: expected --mode test or fasttest, since papers give test figures, found dev")
    }
    if dims != nil, allPoolers || pairScores != nil {
      throw ValidationError("--dims: expected neither --all-poolers nor --pair-scores beside it, found one of them")
    }
    if allPoolers, pairScores != nil {
      throw ValidationError("--pair-scores: expected one pooler, found --all-poolers")
    }
    if allPoolers, model.beforeHead {
      throw ValidationError("expected either --before-head or --all-poolers, which scores both, found both")
    }
    if allPoolers, model.pooler != nil {
      throw ValidationError("expected either --pooler or --all-poolers, found both")
    }
  }

  func run() throws { try ranks.run(evaluate) }

  private func evaluate(_ group: RankGroup?) throws {
    if let pairScores {
      try refuseOutput(pairScores, of: "--pair-scores", over: pairs + [model.model] + (data.map { [$0] } ?? []))
    }
    let rows = try published.map(PublishedFigures.named)
    let pool = ThreadPool(threads: model.threads.threads ?? ranks.threads(group))
    let (suite, results) = try pool.profile.step("evaluation/rest") { try score(group, pool) }
    if let pairScores, let only = results.first {
      try PairScoresFile.write(only.scores, model: model.model, pooler: only.pooler, to: pairScores)
    }
    for result in results {
      for (name, problem) in result.scores.undefined {
        printToStandardError("warning: \(name): the correlation is undefined with \(result.pooler): \(problem)")
      }
    }
    for (task, reason) in suite.missing { printToStandardError("note: \(task.rawValue) is not scored: \(reason)") }
    let report = profile ? ProfileReport(pool.profile, of: .run) : nil
    if json {
      try printJSON(
        EvaluationDocument(model: model.model, mode: mode, results: results, suite: suite, profile: report?.json))
    } else {
      let tables = EvaluationTables(
        results: results, published: rows, showsSubsets: subsets, missing: suite.missing)
      try printText(([tables.text] + [report?.text].compactMap(\.self)).joined(separator: "\n"))
    }
    try checkScored(results, suite)
  }

  private func score(_ group: RankGroup?, _ pool: ThreadPool) throws -> (EvaluationSuite, [PoolerResult]) {
    let folder = try pool.profile.measure("model/settings") { try model.folder() }
    let suite = try pool.profile.measure("data/reading and checks") { try readSuite() }
    for warning in suite.warnings { printToStandardError("warning: \(warning)") }
    if intervalSeed != nil {
      printToStandardError("note: --interval-seed changes nothing: intervals are computed without random draws")
    }
    if let text = group?.text(threads: pool.threads) { printToStandardError(text) }
    let scorer = ModelScorer(
      suite: suite, options: model, intervals: intervals, progress: ProgressLine(), ranks: group, pool: pool)
    return (suite, allPoolers ? try scorer.scoreAll(folder) : try scorer.scoreOne(folder, dimensions: dimensions()))
  }

  /// - Throws: `ValidationError`
  private func dimensions() throws -> [Int] {
    guard let dims else { return [] }
    let widths = dims.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard widths.allSatisfy({ $0 > 0 }) else {
      throw ValidationError("--dims \(dims): expected widths above 0, such as 256,128")
    }
    return widths
  }

  /// A command that gives no figure has not succeeded.
  private func checkScored(_ results: [PoolerResult], _ suite: EvaluationSuite) throws {
    guard results.allSatisfy(\.scores.isEmpty) else { return }
    let problems = (results.first?.scores.undefined ?? []).map { "\($0.name): \($0.problem)" }
    throw EvaluationError.nothingScored(
      reasons: problems + suite.missing.map { "\($0.task.rawValue): \($0.reason)" })
  }

  private func readSuite() throws -> EvaluationSuite {
    var suite = EvaluationSuite(mode: mode)
    if let data {
      let named = try tasks.flatMap { $0.split(separator: ",") }.map { try EvaluationTask(named: String($0)) }
      let set: [EvaluationTask] =
        switch taskSet ?? .sts {
        case .sts: EvaluationTask.sts
        case .transfer: EvaluationTask.transfer
        case .full: EvaluationTask.allCases
        case .na: []
        }
      let wanted = EvaluationTask.allCases.filter((named.isEmpty ? set : named).contains)
      try suite.read(wanted, in: data, isSet: named.isEmpty)
    }
    for path in pairs { try suite.readPairs(path) }
    return suite
  }
}

extension EvaluationMode: ExpressibleByArgument {}
