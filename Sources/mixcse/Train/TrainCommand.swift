// `mixcse train`: a file and flags to the description of a run, and the result to the user.

import ArgumentParser
import Files
import Host
import Kernels
import Ranks
import Training

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Trains a sentence encoder with a strategy chosen by flag.",
    discussion: """
      Example: mixcse train --model bert-base-uncased --train-file wiki.txt --eval-data SentEval/data --method mixcse \
      --output-dir runs/mixcse

      Exit codes: 0 done; 64 wrong usage; 65 bad input data; 66 a file is missing; 69 a plugin cannot be had or failed; \
      75 stopped by --stop-after, --max-hours or a full disk, resumable; 130 interrupted (a checkpoint was written).
      """)

  @Option(
    help: ArgumentHelp(
      "A description of the run: TOML, JSON where the name ends in .json, or the run.json of a run, which repeats it.",
      discussion: """
        Keys are the long names of these flags. What is typed as well counts instead. A run is repeated on the data, the \
        model and the plugins that its run.json names by their hashes; where one is another now, that is an error.
        """, valueName: "file"), completion: .file())
  var from: String?
  @Flag(
    name: .customLong("accept-changes"),
    help: "With --from run.json: train on the data, model and plugins that are there now, whatever changed.")
  var acceptsChanges = false
  @Flag(
    name: .customLong("dry-run"),
    help:
      "Say what would be run, with rows, steps, tokens, memory, disk and the seconds of two real steps; write nothing.")
  var dryRun = false
  @Option(
    help: ArgumentHelp(
      "A Hugging Face folder: config.json, model.safetensors or pytorch_model.bin, tokenizer files.", valueName: "dir"),
    completion: .directory)
  var model: String?
  @OptionGroup(title: "Strategy") var strategy: StrategyOptions
  @Option(
    name: .customLong("shadow"),
    help: ArgumentHelp(
      "A strategy that looks on: its loss on each batch, its gradient's norm and cosine to the leader's; repeatable.",
      discussion: """
        Written as in a comparison: simcse, ours=mixcse:lambda=0.5, infonce+queue:size=256, mixcse:lambda=0.1|0.3 for \
        two. Nothing it says changes the run; metrics.jsonl has shadow.LABEL.loss, .gradNorm and .cosine.
        """, valueName: "strategy"), completion: .strategies)
  var shadows: [String] = []
  @OptionGroup(title: "Training") var training: TrainingFlags
  @OptionGroup(title: "Encoder") var encoder: EncoderOptions
  @OptionGroup(title: "Run") var runFlags: RunFlags
  @OptionGroup(title: "Plugins") var plugins: PluginOptions
  @OptionGroup(title: "Plugins under work") var watch: WatchOptions
  @OptionGroup(title: "Ranks") var ranks: RankOptions
  @OptionGroup var threads: ThreadOptions
  @Flag(help: "Print the result as one JSON document on standard output.") var json = false

  func validate() throws {
    if acceptsChanges, from == nil {
      throw ValidationError("--accept-changes: expected --from run.json beside it, found none")
    }
    if dryRun, runFlags.resume { throw ValidationError("--dry-run --resume: expected one of the two, found both") }
  }

  func run() throws {
    try ranks.run(train)
  }

  private func train(_ group: RankGroup?) throws {
    runFlags.watchInput()
    let file = try from.map { try DescriptionFile(path: $0) }
    var repeated = try file.flatMap { try RepeatedRun($0) }
    repeated?.acceptsChanges = acceptsChanges
    let description = try describe(file)
    let logger = commandLogger()
    let services = HostServices(
      pool: ThreadPool(threads: description.threads ?? ranks.threads(group)), logger: logger,
      stopRequestedAt: { Interruption.requestedAt })
    let registry = try description.plugins.registry(logger: logger, services: services, copied: watch.isOn)
    var plan = try TrainingPlan(description, registry: registry, origin: .thisProgram)
    (plan.control, plan.reload, plan.repeated, plan.isTrial) = (runFlags.control, watch.settings, repeated, dryRun)
    plan.ranks = group
    let steps = description.training.maximumSteps ?? 1000
    let display = ProgressDisplay(plainInterval: max(1, min(50, steps / 10)))
    if let text = group?.text(threads: services.pool.threads) { display.note(text) }
    for expansion in plan.strategy.expansions { display.note(expansion) }
    let training = try plan.prepare(registry: registry, services: services, display: display)
    try registry.isolation?.checkNames()
    if dryRun {
      let forecast = try training.measure()
      display.finish()
      return try printText(json ? forecast.json.text() : forecast.text)
    }
    let result = try training.run()
    try printText(json ? result.json.text() : summary(result))
  }

  /// The run of the file with what was typed over it.
  private func describe(_ file: DescriptionFile?) throws -> RunDescription {
    var run = try file.map { try RunDescription($0) } ?? RunDescription()
    run.take(\.model, model)
    strategy.apply(to: &run)
    run.take(\.strategy.shadows, list: shadows)
    training.apply(to: &run)
    encoder.apply(to: &run)
    runFlags.apply(to: &run)
    plugins.apply(to: &run)
    run.take(\.threads, threads.threads)
    try run.check(from: file)
    try run.checkRequired(from: file)
    return run
  }

  private func summary(_ result: TrainingResult) -> String {
    let rate = result.seconds > 0 ? Double(result.rows) / result.seconds : 0
    var lines = [
      "\(result.steps) steps on \(result.rows) sentences in \(fixed(result.seconds, 1)) s"
        + " (\(fixed(rate, 0)) sentences/s)"
    ]
    let scores = [("before training", result.baseline), ("last step", result.last), ("best", result.best)]
    for case (let name, let score?) in scores {
      lines.append("Spearman \(score.text)  \(name) (step \(score.step))")
    }
    if let score = result.withoutHead {
      lines.append("Spearman \(score.text)  the frozen embeddings without the head")
    }
    if let reason = result.endedEarly { lines.append("ended after step \(result.steps): \(reason)") }
    return (lines + ["model: \(result.outputFolder)"]).joined(separator: "\n")
  }
}
