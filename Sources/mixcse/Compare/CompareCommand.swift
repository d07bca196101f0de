// `mixcse compare`: strategies x seeds on the same batches, order and dropout; a plan file and flags to a
// ComparisonRequest, the outcome to the reports.

import ArgumentParser
import Comparison
import Files
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

      Each run is a `mixcse train` of its own in OUTPUT/runs. Stopped and started again, the comparison goes on where it \
      was; runs that are there already are used.

      Exit codes: 0 done; 64 wrong usage; 65 bad input data; 66 a file is missing; 69 a plugin cannot be had, or a run \
      failed; 130 interrupted (the same command goes on).
      """)

  @Argument(
    help: ArgumentHelp(
      "What is compared; the others with the first.",
      discussion: """
        A recipe (mixcse), samplers and losses joined by + (infonce+mixcse+queue:size=256), a library (./libmine.so), \
        with parameters after a colon and a label in front (ours=./libmine.so). Several values of a parameter separated by | \
        stand for as many strategies.
        """, valueName: "strategy"))
  var strategies: [String] = []
  @Option(help: ArgumentHelp("Separated by commas, each 0 to 2^64-1. (default: 42,43,44,45,46)", valueName: "n,..."))
  var seeds: String?
  @Option(
    help: ArgumentHelp(
      "A comparison as TOML, or as JSON where the name ends in .json: strategies, seeds, flags by their long names. "
        + "What is typed as well counts instead.", valueName: "file"))
  var from: String?
  @Option(
    help: ArgumentHelp(
      "A Hugging Face folder: config.json, model.safetensors or pytorch_model.bin, tokenizer files.", valueName: "dir"))
  var model: String?
  @Option(
    name: .customLong("test-data"),
    help: ArgumentHelp(
      "What final models are scored on besides --eval-data: a pair file, or a folder that holds or is SentEval's "
        + "downstream (the seven STS sets); may be repeated. (default: the folder of --eval-data, if it is one)",
      valueName: "path"))
  var testData: [String] = []
  @Option(help: ArgumentHelp("Runs at a time, 1 to 256; they share --threads. (default: 1)", valueName: "n"))
  var jobs: Int?
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
    help: "Look everything up, say what would be run and how many seeds show a difference of --detect; write nothing.")
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
  @OptionGroup(title: "Plugins") var plugins: PluginOptions
  @OptionGroup var threads: ThreadOptions

  func run() throws {
    let request = try request()
    let logger = commandLogger()
    let registry = try request.run.plugins.registry(logger: logger)
    let threads = request.run.threads ?? ThreadPool.availableThreads()
    let program = Program(
      file: ThisProcess.executable ?? ThisProcess.link,
      name: CommandLine.arguments.first ?? "mixcse", origin: .thisProgram)
    let plan = try ComparisonPlan(request, program: program, threads: threads, registry: registry)
    if dryRun { return try preview(plan, threads: threads) }
    let outcome = try ComparisonRunner(plan, display: ComparisonDisplay()).run()
    if outcome.finished > 0 || request.printsJSON { try report(outcome.results, of: request, threads: threads) }
    let total = outcome.results.runs.count
    if outcome.isInterrupted { throw ComparisonError.interrupted(finished: outcome.finished, total: total) }
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
    if let jobs { request.jobs = jobs }
    if let detect { request.detect = detect }
    if let looks { request.looks = looks }
    request.usesBudget = request.usesBudget || budget
    request.beforeHead = request.beforeHead || beforeHead
    request.writesTensorBoard = request.writesTensorBoard || tensorboard
    request.printsJSON = request.printsJSON || json
    request.run.take(\.model, model)
    request.run.take(\.strategy.shadows, list: shadows)
    objective.apply(to: &request.run)
    training.apply(to: &request.run)
    plugins.apply(to: &request.run)
    request.run.take(\.threads, threads.threads)
    try check(request, from: file)
    try request.settleEvaluationPooler()
    return request
  }

  private func check(_ request: ComparisonRequest, from file: DescriptionFile?) throws {
    if request.strategies.isEmpty {
      throw ValidationError("expected strategies, found none; for example: mixcse compare simcse mixcse ...")
    }
    try request.check(from: file)
    try request.run.checkRequired(from: file)
    if request.run.training.evalData == nil, request.testData.isEmpty {
      throw ValidationError("nothing to score: give --eval-data PATH, --test-data PATH or both")
    }
    if dryRun, request.printsJSON { throw ValidationError("--dry-run --json: expected one of the two, found both") }
    if request.usesBudget, request.run.training.evalData == nil {
      throw ValidationError("--budget: expected --eval-data PATH beside it, found none; rungs look at the dev score")
    }
  }

  private static func seedList(_ text: String) throws -> [UInt64] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { text in
      guard let seed = UInt64(text) else {
        throw ValidationError("--seeds: expected numbers from 0 to 2^64-1 separated by commas, found '\(text)'")
      }
      return seed
    }
  }

  // MARK: - Report

  /// What would be run, and what it could show.
  private func preview(_ plan: ComparisonPlan, threads: Int) throws {
    let outcome = try ComparisonRunner(plan, display: ComparisonDisplay()).preview()
    let results = outcome.results
    let analysis = ComparisonAnalysis(results, pool: ThreadPool(threads: threads))
    try printText(
      "\(results.runs.count) runs of \(plan.totalSteps) steps (strategies x seeds: \(results.strategies.count) x "
        + "\(results.seeds.count)), \(outcome.finished) of them finished and scored; nothing is run (--dry-run)")
    if results.strategies.count > 1 { try printText(DetectionText.text(results, analysis)) }
  }

  /// Files in the output folder, and on standard output the verdicts or the JSON document.
  private func report(_ results: ComparisonResults, of request: ComparisonRequest, threads: Int) throws {
    let pool = ThreadPool(threads: threads)
    let analysis = ComparisonAnalysis(results, pool: pool)
    let folder = request.run.outputFolder ?? ""
    try ComparisonReport.write(results, analysis, to: folder, tensorBoard: request.writesTensorBoard)
    if request.printsJSON {
      try printText(ComparisonReport.json(results, analysis).text())
    } else {
      try printText(VerdictTable.text(results, analysis))
      try printText("report: \(folder)/\(ComparisonReport.pageName)")
    }
  }
}
