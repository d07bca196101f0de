// `mixcse train`: flags to a TrainingPlan, and the result to the user.

import ArgumentParser
import Encoder
import Foundation
import Host
import Kernels
import Objective
import Training

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Trains a sentence encoder with a strategy chosen by flag.",
    discussion: """
      Example: mixcse train --model bert-base-uncased --train-file wiki.txt --eval-data SentEval/data --method mixcse \
      --output-dir runs/mixcse

      Exit codes: 0 done; 64 wrong usage; 65 bad input data; 66 a file is missing; 69 a plugin cannot be had or failed; \
      75 stopped by a full disk, resumable; 130 interrupted (a checkpoint was written).
      """)

  @Option(
    help: ArgumentHelp(
      "A Hugging Face folder: config.json, model.safetensors or pytorch_model.bin, tokenizer files.", valueName: "dir"))
  var model: String
  @OptionGroup(title: "Strategy") var strategy: StrategyOptions
  @OptionGroup(title: "Training") var training: TrainingFlags
  @OptionGroup(title: "Plugins") var plugins: PluginOptions
  @OptionGroup var threads: ThreadOptions
  @Flag(help: "Print the result as one JSON document on standard output.") var json = false

  func run() throws {
    let logger = commandLogger()
    let services = HostServices(pool: ThreadPool(threads: threads.count), logger: logger)
    let registry = try plugins.registry(logger: logger, services: services)
    let plan = try makePlan(registry)
    let steps = plan.options.maximumSteps ?? 1000
    let display = ProgressDisplay(plainInterval: max(1, min(50, steps / 10)))
    for expansion in plan.strategy.expansions { display.note(expansion) }
    let training = try plan.prepare(registry: registry, services: services, display: display)
    try registry.isolation?.checkNames()
    let result = try training.run()
    print(json ? result.json.text() : summary(result))
  }

  private func makePlan(_ registry: PluginRegistry) throws -> TrainingPlan {
    let (spec, pooler) = try strategy.resolve(with: registry)
    let head = try strategy.headKind(for: pooler)
    if strategy.headTrainOnly, head == .none {
      throw TrainingError.usage(
        place: "--head-train-only", expected: "a head", found: "--head none or a pooler without one",
        advice: "Add --head mlp, or leave --head-train-only out")
    }
    var plan = TrainingPlan(
      modelFolder: model, options: training.options, strategy: spec, pooler: pooler, head: head)
    plan.headTrainOnly = strategy.headTrainOnly
    plan.evaluationPooler = try training.evalPooler.map { try PoolerSpec(parsing: $0) }
    plan.temperature = strategy.temperature
    plan.learnTemperature = strategy.learnTemperature
    plan.hardNegativeWeight = strategy.hardNegativeWeight
    plan.record = [
      ("mixcse", .string(programVersion)), ("compiler", .string(compilerVersion)),
      ("commandLine", .array(CommandLine.arguments.map { .string($0) })),
    ]
    return plan
  }

  private func summary(_ result: TrainingResult) -> String {
    let rate = result.seconds > 0 ? Double(result.rows) / result.seconds : 0
    var lines = [
      "\(result.steps) steps on \(result.rows) sentences in \(fixed(result.seconds, 1)) s (\(fixed(rate, 0)) sentences/s)"
    ]
    let scores = [("before training", result.baseline), ("last step", result.last), ("best", result.best)]
    for case (let name, let score?) in scores {
      lines.append("Spearman \(fixed(score.spearman, 2))  \(name) (step \(score.step))")
    }
    return (lines + ["model: \(result.outputFolder)"]).joined(separator: "\n")
  }
}

/// The version of this program.
let programVersion = "0.1.0"

/// The compiler this program was built with.
var compilerVersion: String {
  #if compiler(>=6.4)
    "Swift 6.4 or later"
  #elseif compiler(>=6.3)
    "Swift 6.3"
  #else
    "Swift 6.2"
  #endif
}
