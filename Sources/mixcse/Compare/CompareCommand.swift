// `mixcse compare`: strategies x seeds on the same batches, order and dropout; a plan file and flags to a
// ComparisonRequest, the outcome to the reports.

import ArgumentParser
import Comparison
import Files
import FoundationEssentials
import Host
import Kernels
import Processes
import Training

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Trains several strategies with several seeds on identical batches, and says which differ.",
    discussion: """
      Example: mixcse compare simcse mixcse:lambda=0.1|0.2 ours=./libmine.so --seeds 42,43,44 --model bert-base-uncased \
      --train-file wiki.txt --eval-data SentEval/data --output-dir runs/mixing

      The metric that decides is the mean over the test sets (SentEval's folder: the seven STS sets), or what \
      --decide-by names beforehand.

      Each run is a `mixcse train` of its own in OUTPUT/runs. Stopped and started again, the comparison goes on where it \
      was; runs that are there already are used.

      Exit codes: 0 done; 64 wrong usage; 65 bad input data; 66 a file is missing; 69 a plugin cannot be had, or a run \
      failed; 75 stopped by --max-hours, or runs are left to a cluster, 130 interrupted (the same command goes on).
      """)

  @Argument(
    help: ArgumentHelp(
      "What is compared; the others with the first.",
      discussion: """
        A recipe (mixcse), samplers and losses joined by + (infonce+mixcse+queue:size=256), a library (./libmine.so), \
        with parameters after a colon and a label in front (ours=./libmine.so). Several values of a parameter separated by | \
        stand for as many strategies. One text may name a course of strategies in one run, 'simcse then \
        500:mixcse:lambda=0.3': the second takes over after step 500.
        """, valueName: "strategy"), completion: .strategies)
  var strategies: [String] = []
  @Option(help: ArgumentHelp("Separated by commas, each 0 to 2^64-1. (default: 42,43,44,45,46)", valueName: "n,..."))
  var seeds: String?
  @Option(
    help: ArgumentHelp(
      "A comparison as TOML, or as JSON where the name ends in .json: strategies, seeds, flags by their long names. "
        + "What is typed as well counts instead.", valueName: "file"), completion: .file())
  var from: String?
  @Option(
    help: ArgumentHelp(
      "A Hugging Face folder: config.json, model.safetensors or pytorch_model.bin, tokenizer files.", valueName: "dir"),
    completion: .directory)
  var model: String?
  @Option(
    name: .customLong("test-data"),
    help: ArgumentHelp(
      "What final models are scored on besides --eval-data: a pair file, or a folder that holds or is SentEval's "
        + "downstream (the seven STS sets); may be repeated. (default: the folder of --eval-data, if it is one)",
      valueName: "path"), completion: .file())
  var testData: [String] = []
  @Option(
    name: .customLong("task-set"),
    help: "The tasks of the folder of test data. (default: sts)") var taskSet: EvaluateCommand.TaskSet?
  @Option(
    help: ArgumentHelp(
      "A flag and the values it takes: each combination with each strategy is a row. Repeatable.",
      discussion: "For example --vary learning-rate=1e-5,3e-5 --vary pooler=cls,avg.", valueName: "flag=value,..."))
  var vary: [String] = []
  @Option(
    help: ArgumentHelp(
      "A flag whose best value each strategy gets, chosen by the dev score with seeds of its own. Repeatable.",
      valueName: "flag=value,..."))
  var tune: [String] = []
  @Option(
    name: .customLong("tune-seeds"),
    help: ArgumentHelp("The seeds that choose. (default: the two behind the largest of --seeds)", valueName: "n,..."))
  var tuneSeeds: String?
  @Option(
    help: ArgumentHelp(
      "A further metric, such as mean(STS12,STS13); the first decides unless --decide-by is there. Repeatable.",
      valueName: "metric"))
  var metric: [String] = []
  @Option(
    name: .customLong("decide-by"),
    help: ArgumentHelp(
      "What verdicts rest on: a set, STS mean, or mean(NAME,NAME,...). (default: the mean over the test sets)",
      valueName: "metric"))
  var decideBy: String?
  @Option(help: "What each strategy is compared with. (default: first)") var against: Against?
  @Option(help: "How the verdicts are printed: in words, or as one table of strategies by sets. (default: text)")
  var table: ScoreMatrix.Format?
  @Option(
    help: ArgumentHelp(
      "Runs at a time, 1 to 256; they share --threads. (default: 1; with --launcher slurm as many as the cluster lets "
        + "run)", valueName: "n"))
  var jobs: Int?
  @Option(
    help: ArgumentHelp(
      "Who carries the runs out. (default: local)",
      discussion: """
        slurm submits an array of jobs, a run a task, and ends with 75; the same command again shows how far it is, \
        submits what has to go on, and writes the report at the end. script prints a command a line for anything else.
        """))
  var launcher: Launcher?
  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "With --launcher slurm: options of sbatch for each task, '--partition=cpu --time=4:00:00'. Repeatable.",
      valueName: "options"))
  var sbatch: [String] = []
  @Option(
    help: ArgumentHelp(
      "The size of a difference (Spearman x 100): how many seeds show it is said beside the verdicts and by --dry-run. "
        + "(default: 0.5)", valueName: "x"))
  var detect: Double?
  @Option(
    help: ArgumentHelp(
      "How often the verdicts will be looked at, with more seeds each time, 1 to 20; the looks share the level. "
        + "(default: 1)", valueName: "n"))
  var looks: Int?
  @Flag(
    name: .customLong("dry-run"),
    help: """
      Look everything up, do two steps and an evaluation of each strategy, say what all runs would take and how many \
      seeds show a difference of --detect; write nothing.
      """)
  var dryRun = false
  @Flag(
    help: """
      Successive halving: after a quarter and half of the steps, strategies whose dev score clearly lies below the best \
      are given up.
      """)
  var budget = false
  @Option(
    name: .customLong("shadow"),
    help: ArgumentHelp("A strategy evaluated on the first one's batches without training; may be repeated."))
  var shadows: [String] = []
  @Flag(
    name: .customLong("before-head"),
    help: "Score the pooler's vector before the head also where --eval-pooler names the training pooler.")
  var beforeHead = false
  @Flag(help: "Write curves for TensorBoard too.") var tensorboard = false
  @Flag(help: "Print results.json's document on standard output, and nothing else there.") var json = false
  @OptionGroup(title: "Around the strategies") var objective: ObjectiveOptions
  @OptionGroup(title: "Training") var training: TrainingFlags
  @OptionGroup(title: "Encoder") var encoder: EncoderOptions
  @OptionGroup(title: "Plugins") var plugins: PluginOptions
  @OptionGroup var limit: HoursOption
  @OptionGroup var threads: ThreadOptions

  enum Against: String, ExpressibleByArgument, CaseIterable { case first, all }

  func run() throws {
    let request = try request()
    let logger = commandLogger()
    let registry = try request.run.plugins.registry(logger: logger)
    let threads = request.run.threads ?? ThreadPool.availableThreads()
    let program = Program(
      file: ThisProcess.executable ?? ThisProcess.link,
      name: CommandLine.arguments.first ?? "mixcse", origin: .thisProgram)
    let display = ComparisonDisplay()
    if request.launcher == .slurm, !dryRun { try SlurmQueue.check() }
    if dryRun { return try preview(request, program, registry, display, threads: threads) }
    if let warning = PipeAdvice.warning { printToStandardError("warning: " + warning) }
    let tuning =
      try request.tune.isEmpty
      ? nil : Tuning(request, program: program, threads: threads, registry: registry, display: display)
    if let handover = tuning?.handover { try hand(handover, over: request) }
    if let tuning, tuning.isInterrupted {
      throw request.interruption(finished: tuning.finished, total: tuning.total)
    }
    let plan = try ComparisonPlan(
      request, variants: tuning?.variants, program: program, threads: threads, registry: registry)
    var outcome = try ComparisonRunner(plan, display: display).run()
    outcome.results.choices = tuning?.choices ?? []
    if let handover = outcome.handover { try hand(handover, over: request) }
    if outcome.finished > 0 || request.printsJSON { try report(outcome.results, of: request, threads: threads) }
    let total = outcome.results.runs.count
    if outcome.isInterrupted { throw request.interruption(finished: outcome.finished, total: total) }
    if !outcome.failed.isEmpty { throw ComparisonError.failed(runs: outcome.failed, total: total) }
  }

  // MARK: - The request

  /// The plan of the file with what was typed over it.
  private func request() throws -> ComparisonRequest {
    var request = ComparisonRequest()
    let file = try from.map { try DescriptionFile(path: $0) }
    if let file { try request.read(file) }
    if !strategies.isEmpty { request.strategies = strategies }
    if let seeds { request.seeds = try Self.seedList(seeds) }
    if !testData.isEmpty { request.testData = testData }
    if let taskSet { request.taskSet = taskSet.rawValue }
    if !vary.isEmpty { request.vary = vary }
    if !tune.isEmpty { request.tune = tune }
    if let tuneSeeds { request.tuneSeeds = try Self.seedList(tuneSeeds, of: "--tune-seeds") }
    if !metric.isEmpty { request.metrics = metric }
    if let decideBy { request.decideBy = decideBy }
    if let against { request.against = against.rawValue }
    if let jobs { request.jobs = jobs }
    if let launcher { request.launcher = launcher }
    if !sbatch.isEmpty { request.sbatch = sbatch }
    if let detect { request.detect = detect }
    if let looks { request.looks = looks }
    request.usesBudget = request.usesBudget || budget
    request.beforeHead = request.beforeHead || beforeHead
    request.writesTensorBoard = request.writesTensorBoard || tensorboard
    request.printsJSON = request.printsJSON || json
    request.maximumHours = limit.maximumHours
    request.run.take(\.model, model)
    request.run.take(\.strategy.shadows, list: shadows)
    objective.apply(to: &request.run)
    training.apply(to: &request.run)
    plugins.apply(to: &request.run)
    request.run.take(\.threads, threads.threads)
    encoder.apply(to: &request.run)
    try check(request, from: file)
    return request
  }

  private func check(_ request: ComparisonRequest, from file: DescriptionFile?) throws {
    if request.strategies.isEmpty {
      throw ValidationError("expected strategies, found none; for example: mixcse compare simcse mixcse ...")
    }
    try request.check(from: file)
    try checkWords(request.strategies)
    try request.run.checkRequired(from: file, strategies: true)
    if request.run.training.evalData == nil, request.testData.isEmpty {
      throw ValidationError("nothing to score: give --eval-data PATH, --test-data PATH or both")
    }
    if let table, table != .text, request.printsJSON || dryRun {
      throw ValidationError(
        "--table \(table.rawValue) \(dryRun ? "--dry-run" : "--json"): expected one of the two, found both")
    }
    if !request.tune.isEmpty, request.run.training.evalData == nil {
      throw ValidationError(
        "--tune: expected --eval-data PATH beside it, found none; values are chosen by the dev score")
    }
    if request.tune.isEmpty, !request.tuneSeeds.isEmpty {
      throw ValidationError("--tune-seeds: expected --tune FLAG=VALUE,... beside it, found none")
    }
    if dryRun, request.printsJSON { throw ValidationError("--dry-run --json: expected one of the two, found both") }
    if request.usesBudget, request.run.training.evalData == nil {
      throw ValidationError("--budget: expected --eval-data PATH beside it, found none; rungs look at the dev score")
    }
  }

  /// Words that only look like strategies: seeds behind a blank, files behind a flag that takes one.
  private func checkWords(_ words: [String]) throws {
    let numbers = words.filter { UInt64($0) != nil }
    if let first = numbers.first {
      let all = ([seeds ?? "42"] + numbers).joined(separator: ",")
      throw ValidationError(
        "'\(first)': expected a strategy, found a number; seeds are separated by commas: --seeds \(all)")
    }
    if let place = words.firstIndex(of: "then"), place > 0, place + 1 < words.count {
      throw ValidationError(
        "'then': expected a course of strategies as one word, found three; quote it: "
          + "'\(words[place - 1]) then \(words[place + 1])'")
    }
    let file = words.first { word in
      [".txt", ".csv", ".tsv", ".json", ".jsonl", ".gz"].contains(where: word.hasSuffix)
        || word.contains("/") && FileManager.default.fileExists(atPath: word + "/")
    }
    if let file {
      throw ValidationError(
        "'\(file)': expected a strategy, found a file or folder; it belongs to --train-file, --eval-data or "
          + "--test-data, which takes one at a time")
    }
  }

  private static func seedList(_ text: String, of flag: String = "--seeds") throws -> [UInt64] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { text in
      guard let seed = UInt64(text) else {
        throw ValidationError("\(flag): expected numbers from 0 to 2^64-1 separated by commas, found '\(text)'")
      }
      return seed
    }
  }

  // MARK: - Report

  /// Says what is left to others, and ends: the same command goes on.
  private func hand(_ handover: Handover, over request: ComparisonRequest) throws {
    switch handover {
    case .script(let commands, let elsewhere):
      for command in commands { try StandardOutput.print(command) }
      printToStandardError(
        "\(commands.count) runs to be done, one a line, and \(elsewhere) going on elsewhere; a line that ends with 75 "
          + "or 130 goes on when it is run again. The same command shows what is left, and writes the report at the end"
      )
    case .slurm(let said): if request.printsJSON { printToStandardError(said) } else { try printText(said) }
    }
    throw ExitCode(75)
  }

  /// What would be run, what it would take, and what it could show.
  private func preview(
    _ request: ComparisonRequest, _ program: Program, _ registry: PluginRegistry, _ display: ComparisonDisplay,
    threads: Int
  ) throws {
    if !request.tune.isEmpty {
      let plan = try Tuning.plan(request, program: program, threads: threads, registry: registry)
      try printText("First, to choose values:")
      try preview(plan, display, finishedWithoutScores: true)
      try printText("Then, with the values that were chosen:")
    }
    // Until values are chosen, the first of each list stands for them.
    let variants = try request.tune.isEmpty ? nil : Tuning.candidates(request).compactMap(\.all.first)
    let plan = try ComparisonPlan(
      request, variants: variants, program: program, threads: threads, registry: registry)
    let results = try preview(plan, display)
    let analysis = ComparisonAnalysis(results, pool: ThreadPool(threads: threads))
    if results.strategies.count > 1 { try printText(DetectionText.text(results, analysis)) }
  }

  @discardableResult
  private func preview(
    _ plan: ComparisonPlan, _ display: ComparisonDisplay, finishedWithoutScores: Bool = false
  ) throws -> ComparisonResults {
    let runner = ComparisonRunner(plan, display: display)
    let outcome = try runner.preview()
    let results = outcome.results
    let there = finishedWithoutScores ? outcome.trained : outcome.finished
    try printText(
      "\(results.runs.count) runs (strategies x seeds: \(results.strategies.count) x \(results.seeds.count)), "
        + "\(there) of them \(finishedWithoutScores ? "finished" : "finished and scored"); nothing is run (--dry-run)")
    let forecast = try CostForecast(plan, left: outcome.left) { display.note($0) }
    for line in forecast.lines { try printText(line) }
    return results
  }

  /// Files in the output folder, and on standard output the verdicts or the JSON document.
  private func report(_ results: ComparisonResults, of request: ComparisonRequest, threads: Int) throws {
    let pool = ThreadPool(threads: threads)
    let analysis = ComparisonAnalysis(results, pool: pool)
    let folder = request.run.outputFolder ?? ""
    try ComparisonReport.write(results, analysis, to: folder, tensorBoard: request.writesTensorBoard)
    if request.printsJSON {
      try printText(ComparisonReport.json(results, analysis).text())
    } else if let table, table != .text {
      try printText(ScoreMatrix(results, analysis).text(table))
    } else {
      let width = Terminal.outputColumns.map { min(max($0, 40), 160) } ?? VerdictTable.width
      try printText(VerdictTable.text(results, analysis, width: width))
      try printText("report: \(folder)/\(ComparisonReport.pageName)")
    }
  }
}

extension ScoreMatrix.Format: ExpressibleByArgument {}
extension Launcher: ExpressibleByArgument {}
