// `mixcse compare`: strategies x seeds on the same batches, order and dropout; flags to a ComparisonPlan, the outcome
// to the reports.

import ArgumentParser
import Comparison
import Files
import Foundation
import Host
import Kernels
import Objective
import Processes
import Training
import Version

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
        with parameters after a colon and a label in front (ours=./libmine.so). Several values of a parameter parted by | \
        stand for as many strategies.
        """, valueName: "strategy"))
  var strategies: [String] = []
  @Option(help: ArgumentHelp("Parted by commas, each 0 to 2^64-1.", valueName: "n,..."))
  var seeds = "42,43,44"
  @Option(
    help: ArgumentHelp(
      "A comparison as TOML, or as JSON where the name ends in .json: strategies, seeds, and flags by their long"
        + " names. "
        + "What is typed as well counts instead.", valueName: "file"))
  var from: String?
  @Option(
    help: ArgumentHelp(
      "A Hugging Face folder: config.json, model.safetensors or pytorch_model.bin, tokenizer files.", valueName: "dir"))
  var model: String
  @Option(
    name: .customLong("test-data"),
    help: ArgumentHelp(
      "What final models are scored on besides --eval-data: a pair file, or a folder that holds or is SentEval's "
        + "downstream (the seven STS sets); may be repeated. (default: the folder of --eval-data, if it is one)",
      valueName: "path"))
  var testData: [String] = []
  @Option(help: ArgumentHelp("Runs at a time, 1 to 256; they share --threads.", valueName: "n"))
  var jobs = 1
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

  func validate() throws {
    _ = try seedList()
    guard (1...256).contains(jobs) else { throw ValidationError("--jobs: expected 1 to 256, found \(jobs)") }
    if training.evalData == nil, testData.isEmpty {
      throw ValidationError("nothing to score: give --eval-data PATH, --test-data PATH or both")
    }
    if budget, training.evalData == nil {
      throw ValidationError("--budget: expected --eval-data PATH beside it, found none; rungs look at the dev score")
    }
    if beforeHead, training.frozen {
      throw ValidationError("--before-head: expected no --frozen beside it, which trains and scores the head alone")
    }
    if strategies.isEmpty, from == nil {
      throw ValidationError("expected strategies, found none; for example: mixcse compare simcse mixcse ...")
    }
  }

  func run() throws {
    let logger = commandLogger()
    let registry = try plugins.registry(logger: logger)
    let outcome = try ComparisonRunner(
      ComparisonPlan(try request(registry), registry: registry), display: ComparisonDisplay()
    ).run()
    if outcome.finished > 0 || json { try report(outcome.results) }
    let total = outcome.results.runs.count
    if outcome.isInterrupted { throw ComparisonError.interrupted(finished: outcome.finished, total: total) }
    if !outcome.failed.isEmpty { throw ComparisonError.failed(runs: outcome.failed, total: total) }
  }

  // MARK: - Flags

  private func seedList() throws -> [UInt64] {
    let texts = seeds.split(separator: ",", omittingEmptySubsequences: false)
    return try texts.enumerated().map { index, text in
      guard let seed = UInt64(text) else {
        throw ValidationError("--seeds: expected numbers from 0 to 2^64-1 parted by commas, found '\(text)'")
      }
      if texts[..<index].contains(text) { throw ValidationError("--seeds: \(seed) stands there twice") }
      return seed
    }
  }

  private func request(_ registry: PluginRegistry) throws -> ComparisonRequest {
    let plan = try from.map { try PlanFile(path: $0) }
    let pooler = try PoolerSpec(parsing: objective.pooler)
    let evaluationPooler = try evaluationPooler(training: pooler)
    let flags =
      try objective.flags(for: pooler, registry)
      + [("--eval-pooler", evaluationPooler == nil ? .null : training.evalPooler.map { .string($0) } ?? .null)]
    let names = try strategies.isEmpty ? plan?.strategies() ?? [] : strategies
    guard !names.isEmpty else {
      throw ComparisonError.usage(
        place: "strategies", expected: "one or more", found: "none",
        advice: "Name them on the command line, or in the plan file as strategies = [\"simcse\", \"mixcse\"]")
    }
    var request = ComparisonRequest(
      strategies: names, seeds: try seedList(), modelFolder: model, training: training.options, objective: flags,
      pooler: pooler, pluginArguments: plugins.arguments, threads: threads.count,
      program: ComparisonRequest.Program(
        file: ThisProcess.executable ?? ThisProcess.link,
        name: CommandLine.arguments.first ?? "mixcse", version: "\(ProgramVersion.text)",
        compiler: ProgramVersion.compiler),
      commandLine: CommandLine.arguments)
    request.evaluationPooler = evaluationPooler
    request.hasHead = try objective.headKind(for: pooler, registry) != HeadKind.none
    request.shadows = shadows
    request.testData = testData
    request.jobs = jobs
    request.usesBudget = budget
    request.planText = plan?.text
    return request
  }

  /// The pooler of --eval-pooler; none where --before-head turns it into what is scored anyway.
  /// - Throws: `ComparisonError.usage` where dev scores would go through a head that final models do not have.
  private func evaluationPooler(training pooler: PoolerSpec) throws -> PoolerSpec? {
    guard let text = training.evalPooler else { return nil }
    let asked = try PoolerSpec(parsing: text)
    guard asked.chain == pooler.chain else { return asked }
    if beforeHead { return nil }
    if objective.headTrainOnly, !asked.skipsHead {
      throw ComparisonError.usage(
        place: "--eval-pooler \(asked.text) --head-train-only", expected: "vectors that final models have, too",
        found: "vectors through a head that is dropped after training",
        advice: "Leave --eval-pooler out, or write --before-head beside it")
    }
    return asked
  }

  // MARK: - Report

  /// Files in the output folder, and on standard output the verdicts or the JSON document.
  private func report(_ results: ComparisonResults) throws {
    let pool = ThreadPool(threads: threads.count)
    let analysis = ComparisonAnalysis(results, seed: training.options.seed, pool: pool)
    let folder = training.outputDir
    try ComparisonReport.write(results, analysis, to: folder, tensorBoard: tensorboard)
    if json {
      print(ComparisonReport.json(results, analysis).text())
    } else {
      print(VerdictTable.text(results, analysis))
      print("report: \(folder)/\(ComparisonReport.pageName)")
    }
  }
}
