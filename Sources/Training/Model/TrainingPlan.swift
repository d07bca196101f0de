// From a description to a run ready to start: names looked up, then model, data, evaluation opened and checked. Used
// by the train command; the comparison makes plans to know its runs, and leaves the running to children.

import Encoder
import Evaluation
import Files
package import Host
import Kernels
import ModelFiles
package import Objective
package import Ranks
import Processes
import Tokenizer

/// A training run, looked up: what its description means with the plugins there are.
package struct TrainingPlan {
  /// The description in full: recipes spelled out, settings at their components, every choice made.
  package var description: RunDescription
  /// The recipe as it was named; nil where samplers and losses were, or in a comparison.
  let method: String?
  /// What is contrasted, and the losses.
  package let strategy: Strategy
  /// The pooler of training.
  package let pooler: Pooler
  /// Behind the pooler.
  package let head: HeadKind
  /// The pooler of evaluations that was asked for.
  package let evaluationPooler: Pooler?
  /// Numbers that change from step to step.
  package let schedules: [ValueSchedule]
  /// Strategies that take over on the way, in the order of their steps.
  package let changes: [PlannedChange]
  /// What computes in place of this program's own encoder; nil for that.
  package private(set) var encoder: EncoderChoice?
  /// Strategies that look on.
  package let shadows: [ShadowStrategy]
  /// How the run starts and stops.
  package var control = RunControl()
  /// Lets rebuilt plugins in; the registry must have copied its libraries.
  package var reload: PluginReloader.Settings?
  /// For the record.
  package var origin: RunOrigin
  /// The run that is to be repeated.
  package var repeated: RepeatedRun?
  /// Nothing is written, and two steps are all that is done.
  package var isTrial = false
  /// The processes that share the work, of which this is the first; nil where there is one.
  package var ranks: RankGroup? { didSet { encoder = ranks.flatMap { encoder?.seated(in: $0) } ?? encoder } }

  var options: TrainingOptions { description.training }
  private var guideNames: [GuideName] { description.strategy.guides.map(GuideName.init) }

  /// Looks every name up and checks every value; reads no data.
  /// - Parameter comparison: the strategy as a comparison names it, in place of the description's.
  /// - Throws: `PluginError`, `UsageError`, `TrainingError.usage`
  package init(
    _ asked: RunDescription, comparison: String? = nil, registry: PluginRegistry, origin: RunOrigin
  ) throws {
    try asked.check()
    let names = asked.strategy
    let course = comparison.map(StrategySequence.init)
    let found =
      try course.map {
        try StrategyRequest.resolve(
          comparison: $0.first, pooler: asked.pooling.pooler, with: registry, schedulable: true)
      }
      ?? StrategyRequest(
        method: names.method, augmenters: names.augmenters, samplers: names.samplers, metrics: names.metrics,
        losses: names.losses,
        pooler: asked.pooling.pooler, settings: names.settings
      ).resolve(with: registry, schedulable: true)
    strategy = found.strategy
    pooler = try found.pooler ?? Pooler(parsing: asked.pooling.pooler, in: registry)
    head = try asked.pooling.headKind(for: pooler)
    evaluationPooler = try asked.pooling.evaluationPooler.map { try Pooler(parsing: $0, in: registry) }
    schedules = try (strategy.schedules + names.schedules).map { try ValueSchedule(parsing: $0, registry: registry) }
    changes = try PlannedChange.all(
      course?.changes ?? names.changes, of: asked, flag: course == nil ? "--then" : "then", registry: registry)
    encoder = try asked.encoder.choice(in: registry)
    shadows = try ShadowStrategy.named(names.shadows, registry: registry)
    self.origin = origin
    method = comparison == nil ? names.method : nil
    description = asked.spelledOut(strategy, pooler, head, schedules: schedules.map(\.text), changes: changes)
    if let total = options.maximumSteps { try checkChanges(totalSteps: total) }
  }

  /// Takes over what an encoder said of itself when it was opened elsewhere: the version of what computes, which
  /// transformers do not say before.
  package mutating func take(encoderVersion version: String) { encoder = encoder?.running(version) }

  /// Opens, reads and checks everything; training has not started.
  /// - Throws: the errors of all modules below, each with its exit code.
  package func prepare(
    registry: PluginRegistry, services: HostServices, display: ProgressDisplay
  ) throws -> TrainingRun {
    try control.check()
    try checkReload()
    try checkFrozenFlags()
    try checkEncoderFlags()
    try checkRanks()
    let source = try openModel(services, masked: options.trainsMaskedLanguage)
    let modelFiles = Background { [folder = description.model] in try RunInputs.modelFiles(folder) }
    try description.check(maximumTokens: source.shape.maximumPositions)
    for note in source.notesForTraining { display.note("note: " + note) }
    // What has no vector is looked for in the data below, and said there.
    let tokenizer = try source.openTokenizer { _ in }
    let task = try options.evalData.map { try STSBenchmark.dev(in: $0) }
    try task?.checkRanking(path: options.evalData ?? "")
    for warning in task?.warnings ?? [] { display.note("warning: " + warning) }
    let (folder, lock) = try openFolder(display)
    let data = try TrainingData(
      path: options.trainFile, columns: options.columns, spoolFolder: isTrial ? Folder.temporary : folder.path)
    try VocabularyCheck(
      tokenizer: tokenizer, limit: source.shape.vocabularySize, maximumLength: options.maximumLength
    ).run(data, pairs: task.map { (options.evalData ?? "", $0.sentences) }, say: display.note)
    let inputs = RunInputs(
      trainFile: data.report.sha256, evalData: task?.subsets, model: try modelFiles.value(),
      guides: try guideNames.map(RunInputs.digest))
    let guides = try guideNames.map {
      try Guide(
        $0, data: data, visited: visits(data.rows).rows, registry: registry, services: services, say: display.note)
    }
    let augmentation = try self.augmentation(
      strategy, source, views: max(2, data.columns), tokenizer, services: services)
    let model = try makeModel(
      source, inputs.model, data, tokenizer, guides, addedViews: augmentation?.addedViews ?? 0, services: services,
      display: display)
    let batches = BatchMaker(
      data: data, tokenizer: tokenizer, maximumLength: options.maximumLength, threads: services.pool.threads,
      augmentation: augmentation)
    try checkEncoder(strategy, batches, rows: data.rows)
    let course = try makeCourse(model, batches, tokenizer, data, services: services)
    let later = try checkCourse(course, rows: data.rows)
    try checkData(data, guides, model.objective, later, say: display.note)
    var known = self
    known.encoder = encoder?.after(opening: source)
    let identify = known.identify(inputs, model.objective)
    let identity = try identify()
    try repeated?.compare(identity, description, by: origin, say: display.note)
    var setup = TrainingSetup(
      description: description, control: control, folder: folder, data: data, batches: batches, model: model,
      pool: services.pool, identity: identity, record: record(model, threads: services.pool.threads),
      display: display)
    setup.lock = lock
    setup.ranks = ranks?.size ?? 1
    setup.method = method
    setup.identify = identify
    setup.plugins = { Self.pluginRecord(model.objective, batches.augmentation) }
    setup.course = course
    if !isTrial {
      setup.swapper = StrategySwapper(
        folder: folder.path,
        .init(
          model: model.objective, registry: registry, plan: self, settings: reload ?? PluginReloader.Settings(),
          note: { display.note($0) }))
    }
    setup.laterBytes = later.map { ($0.parameterBytes, $0.stateBytes) }
    try addEvaluation(
      to: &setup, model, task: task, tokenizer: tokenizer, services: services)
    setup.reloader = try reload.map {
      try PluginReloader(
        model: model.objective, registry: registry, settings: $0, seed: options.seed, note: { display.note($0) })
    }
    return TrainingRun(setup)
  }

  /// The model's folder, as the encoder of the run reads it; `masked`: with its head for masked words.
  func openModel(_ services: HostServices, masked: Bool) throws -> ModelFolder {
    guard let encoder else { return try ModelFolder(path: description.model) }
    return try placed {
      try encoder.openFolder(
        description.model,
        .init(
          seed: options.seed, dropout: options.dropout, deadline: description.plugins.deadline, services: services,
          masked: masked))
    }
  }

  /// The files that the run reads beside its model, with the flags that name them.
  private var inputFiles: [(flag: String, path: String)] {
    let uses = strategies.flatMap(\.uses) + pooler.uses + (evaluationPooler?.uses ?? [])
    let side = uses.flatMap { use in
      zip(use.parameters.declarations, use.parameters.texts).filter { $0.0.type == .path && !$0.1.1.isEmpty }.map {
        (flag: "\(use.name).\($0.0.name)", path: $0.1.1)
      }
    }
    let guides = guideNames.flatMap { guide in guide.paths.map { (flag: "--guide", path: $0) } }
    return [("--train-file", options.trainFile)] + guides + (options.evalData.map { [("--eval-data", $0)] } ?? [])
      + uses.map { ("the plugin", $0.component.library.path) } + side
  }

  /// The folder of the run, made and locked unless nothing is to be written.
  private func openFolder(_ display: ProgressDisplay) throws -> (OutputFolder, FolderLock?) {
    guard let path = description.outputFolder else {
      throw TrainingError.usage(
        place: "--output-dir", expected: "a folder of its own for the run", found: "none",
        advice: repeated.map { "A run that repeats \($0.path) needs one, too" } ?? "Name a new or empty folder")
    }
    let folder = OutputFolder(path: path)
    func check() throws {
      try folder.check(
        resume: control.resume, overwrite: control.overwrite, model: description.model, inputs: inputFiles)
    }
    try check()
    if isTrial { return (folder, nil) }
    let lock = try folder.lock(say: display.note)
    // Another run may have begun and ended since the first look.
    try check()
    try folder.prepare()
    return (folder, lock)
  }

  /// What `--watch` cannot be combined with.
  private func checkReload() throws {
    let others = [
      ("--isolate", description.plugins.isolate != nil), ("--frozen", options.isFrozen),
      ("--schedule", !schedules.isEmpty), ("--augment", !strategy.augmenters.isEmpty),
      ("--dims", description.strategy.dimensions != nil), ("--then", !changes.isEmpty),
    ]
    guard reload != nil, let other = others.first(where: { $0.1 })?.0 else { return }
    throw TrainingError.usage(
      place: "--watch \(other)", expected: "one of the two", found: "both", advice: "Leave one of them out")
  }
}
