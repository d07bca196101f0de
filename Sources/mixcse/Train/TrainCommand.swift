// `mixcse train`: flags to a TrainingPlan, and the result to the user.

import ArgumentParser
import Commit
import Files
import Foundation
import Host
import Kernels
import Objective
import Training
import Version

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Trains a sentence encoder with a strategy chosen by flag.",
    discussion: """
      Example: mixcse train --model bert-base-uncased --train-file wiki.txt --eval-data SentEval/data --method mixcse \
      --output-dir runs/mixcse

      Exit codes: 0 done; 64 wrong usage; 65 bad input data; 66 a file is missing; 69 a plugin cannot be had or failed; \
      75 stopped by --stop-after or a full disk, resumable; 130 interrupted (a checkpoint was written).
      """)

  @Option(
    help: ArgumentHelp(
      "A Hugging Face folder: config.json, model.safetensors or pytorch_model.bin, tokenizer files.", valueName: "dir"))
  var model: String
  @OptionGroup(title: "Strategy") var strategy: StrategyOptions
  @Option(
    name: .customLong("shadow"),
    help: ArgumentHelp(
      "A strategy that looks on: its loss on each batch, its gradient's norm and cosine to the leader's; repeatable.",
      discussion: """
        Written as in a comparison: simcse, ours=mixcse:lambda=0.5, infonce+queue:size=256, mixcse:lambda=0.1|0.3 for \
        two. Nothing it says changes the run; metrics.jsonl has shadow.LABEL.loss, .gradNorm and .cosine.
        """, valueName: "strategy"))
  var shadows: [String] = []
  @OptionGroup(title: "Training") var training: TrainingFlags
  @OptionGroup(title: "Run") var runFlags: RunFlags
  @OptionGroup(title: "Plugins") var plugins: PluginOptions
  @OptionGroup(title: "Plugins under work") var watch: WatchOptions
  @OptionGroup var threads: ThreadOptions
  @Flag(help: "Print the result as one JSON document on standard output.") var json = false

  func run() throws {
    runFlags.watchInput()
    let logger = commandLogger()
    let services = HostServices(
      pool: ThreadPool(threads: threads.count), logger: logger, stopRequestedAt: { Interruption.requestedAt })
    let registry = try plugins.registry(logger: logger, services: services, copied: watch.isOn)
    let plan = try makePlan(registry)
    try checkWatch(plan)
    let steps = plan.options.maximumSteps ?? 1000
    let display = ProgressDisplay(plainInterval: max(1, min(50, steps / 10)))
    for expansion in plan.strategy.expansions { display.note(expansion) }
    let training = try plan.prepare(registry: registry, services: services, display: display)
    try registry.isolation?.checkNames()
    let result = try training.run()
    print(json ? result.json.text() : summary(result))
  }

  /// What `--watch` cannot be combined with.
  private func checkWatch(_ plan: TrainingPlan) throws {
    let others = [
      ("--isolate", plugins.isolation.isolate != nil), ("--frozen", training.frozen),
      ("--schedule", !plan.schedules.isEmpty),
    ]
    guard watch.isOn, let other = others.first(where: { $0.1 })?.0 else { return }
    throw TrainingError.usage(
      place: "--watch \(other)", expected: "one of the two", found: "both", advice: "Leave one of them out")
  }

  private func makePlan(_ registry: PluginRegistry) throws -> TrainingPlan {
    let (spec, pooler) = try strategy.resolve(with: registry)
    let head = try strategy.objective.headKind(for: pooler, registry)
    var options = training.options
    runFlags.apply(to: &options)
    var plan = TrainingPlan(
      modelFolder: model, options: options, strategy: spec, pooler: pooler, head: head)
    plan.headTrainOnly = strategy.objective.headTrainOnly
    plan.schedules = try (spec.schedules + runFlags.schedules).map {
      try ValueSchedule(parsing: $0, registry: registry)
    }
    plan.evaluationPooler = try training.evalPooler.map { try PoolerSpec(parsing: $0) }
    plan.temperature = strategy.objective.temperature
    plan.learnTemperature = strategy.objective.learnTemperature
    plan.hardNegativeWeight = strategy.objective.hardNegativeWeight
    plan.shadows = try shadowStrategies(registry)
    plan.reload = watch.settings
    plan.record = [
      ("mixcse", .string("\(ProgramVersion.text)")), ("commit", .string(SourceCommit.text)),
      ("compiler", .string(ProgramVersion.compiler)),
      ("commandLine", .array(CommandLine.arguments.map { .string($0) })),
    ]
    return plan
  }

  private func shadowStrategies(_ registry: PluginRegistry) throws -> [ShadowStrategy] {
    var result: [ShadowStrategy] = []
    for text in try shadows.flatMap(StrategyGrid.expand) {
      let strategy = try StrategyRequest.resolve(comparison: text, with: registry).strategy
      let label = strategy.label ?? text
      guard !result.contains(where: { $0.label == label }) else {
        throw TrainingError.usage(
          place: "--shadow \(text)", expected: "a name of its own", found: "a second '\(label)'",
          advice: "Write LABEL=STRATEGY with another label, or leave it out")
      }
      result.append(ShadowStrategy(label: label, strategy: strategy))
    }
    return result
  }

  private func summary(_ result: TrainingResult) -> String {
    let rate = result.seconds > 0 ? Double(result.rows) / result.seconds : 0
    var lines = [
      "\(result.steps) steps on \(result.rows) sentences in \(fixed(result.seconds, 1)) s"
        + " (\(fixed(rate, 0)) sentences/s)"
    ]
    let scores = [("before training", result.baseline), ("last step", result.last), ("best", result.best)]
    for case (let name, let score?) in scores {
      lines.append("Spearman \(fixed(score.spearman, 2))  \(name) (step \(score.step))")
    }
    if let score = result.withoutHead {
      lines.append("Spearman \(fixed(score.spearman, 2))  the frozen embeddings without the head")
    }
    return (lines + ["model: \(result.outputFolder)"]).joined(separator: "\n")
  }
}
