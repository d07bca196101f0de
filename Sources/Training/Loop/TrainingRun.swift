// The training loop: evaluate, save, step, until the last step; and everything that makes a run repeatable and
// resumable. Made by the train command; each turn of the loop leaves a state that a checkpoint can carry.

import Encoder
import Files
import Host
import Kernels
import Objective

/// One training run.
package final class TrainingRun {
  var setup: TrainingSetup
  let folder: OutputFolder
  var optimizer: AdamW
  let totalSteps: Int
  var state = RunState()
  private let schedule: LearningRateSchedule
  private let order: DataOrder
  var log: RunLog?
  private var events: EventLog?
  var savedStep = -1
  var evaluatedStep = -1
  /// A step was cut short after the optimiser had moved the weights.
  private(set) var isTorn = false
  private var smoothedStepSeconds = 0.0
  private var notesSaid: Set<String> = []
  let snapshot: StateSnapshot
  private let stepClock = StepClock()
  /// A rebuilt plugin, or a strategy that was asked for, until its first step is done.
  var trial: StepTrial?
  /// What whoever asked for a strategy will hear once it is in a checkpoint.
  var swapAnswer: SwapAnswer?
  /// What became of rebuilt plugins, for run.json.
  var reloads: [JSONValue] = []
  /// The strategies that took over, for run.json.
  var strategyChanges: [JSONValue] = []
  var needsCheckpoint = false
  private var scheduled: [(name: String, value: Double)] = []
  private var scheduledRate: Double?

  var options: TrainingOptions { setup.description.training }

  /// A run before its first step; nothing is written yet.
  package init(_ setup: TrainingSetup) {
    self.setup = setup
    folder = setup.folder
    snapshot = StateSnapshot(pool: setup.pool)
    optimizer = AdamW(
      parameters: setup.model.parameters, weightDecay: Float(setup.description.training.weightDecay), pool: setup.pool,
      device: setup.model.device)
    totalSteps = setup.description.training.totalSteps(rows: setup.data.rows)
    schedule = LearningRateSchedule(
      peak: setup.description.training.learningRate, totalSteps: totalSteps,
      warmupSteps: setup.description.training.warmupSteps)
    order = DataOrder(
      rows: setup.data.rows, seed: setup.description.training.seed, isShuffled: setup.description.training.isShuffled)
  }

  /// Trains to the last step and puts the best model (without evaluation data: the last) into the output folder.
  /// - Throws: the errors of all modules below, after a checkpoint of the last whole step was written.
  package func run() throws -> TrainingResult {
    Interruption.install()
    if let result = try resultOfFinishedRun() { return result }
    try start()
    defer { setup.display.finish() }
    saveWhenAPluginHangs()
    defer { PluginGuard.onGivingUp(nil) }
    do {
      try loop()
    } catch let failure as PluginFailure where failure.reason == .cancelled {
      throw try interrupted()
    } catch let error {
      if (error as? TrainingError)?.isStop ?? false { throw error }
      saveAfter(failure: error)
      if case .notFinite(let what, let row)? = error as? ObjectiveError {
        throw TrainingError.notFinite(what: "\(what), row \(row)", step: state.step)
      }
      throw error
    }
    return try finish()
  }

  // MARK: - Start and end

  private func start() throws {
    try optimizer.clearGradients()
    try folder.checkSpace(neededSpace)
    if setup.control.resume {
      try restore()
    } else if setup.control.overwrite {
      try folder.clear()
    }
    log = try RunLog(path: folder.logPath, length: state.logLength)
    try openEvents()
    try writeRecord(result: nil)
    if options.evalSteps > totalSteps, setup.evaluate != nil {
      setup.display.note(
        "note: --eval-steps \(options.evalSteps) is beyond the last step; the model is scored at the end")
    }
  }

  /// Bytes that must be free in the output folder.
  var neededSpace: OutputFolder.Space {
    // Strategies that follow may have larger states than the first.
    folder.space(
      parameterBytes: setup.model.parameters.reduce(0) { $0 + $1.count * 4 }
        + (setup.laterBytes.map(\.parameters).max() ?? 0),
      stateBytes: (setup.model.states + setup.model.averages).reduce(0) { $0 + $1.memory.count }
        + (setup.laterBytes.map(\.states).max() ?? 0),
      modelBytes: setup.model.exportedBytes)
  }

  private func finish() throws -> TrainingResult {
    if setup.control.showsProfile { setup.display.note(ProfileReport(setup.pool.profile).text) }
    let isLost = isBestModelLost
    if isLost {
      setup.display.note("warning: \(lostModelText), and the model of the last step takes its place")
    }
    let step = isLost ? state.step : state.best?.step ?? state.step
    let source = folder.checkpoints.bestPath(step: step)
    if isLost || state.best == nil { try report(notes: setup.model.export(to: source)) }
    try folder.publish(source)
    for line in setup.model.closingLines { setup.display.note(line) }
    var result = TrainingResult(
      outputFolder: folder.path, steps: state.step, rows: state.rowsSeen, seconds: state.seconds, loss: state.lastLoss,
      modelStep: step)
    (result.baseline, result.last, result.best) = (state.baseline, state.last, state.best)
    result.endedEarly = endsEarly
    (result.withoutHead, result.lostModel) = (setup.withoutHead, isLost ? lostModelText : nil)
    try writeRecord(result: result)
    if let warning = result.warning { setup.display.note("warning: " + warning) }
    events?.finish()
    if let problem = missingScore { throw TrainingError.noScore(folder: folder.path, problem: problem) }
    // Where something was lost, what is left may be wanted.
    if !options.keepsCheckpoints, !isLost { removeCheckpoints() }
    return result
  }

  func writeRecord(result: TrainingResult?) throws {
    var members: [(String, JSONValue)] = [("finished", .bool(result != nil)), ("totalSteps", .integer(totalSteps))]
    members += [
      (RunRecord.description, setup.description.json), (RunRecord.hash, .string(setup.identity.hash)),
      (RunRecord.identity, .object(setup.identity.members)), ("data", setup.data.report.json),
    ]
    members += setup.record + [("plugins", setup.plugins())]
    if !reloads.isEmpty { members.append(("reloads", .array(reloads))) }
    if !strategyChanges.isEmpty { members.append(("strategyChanges", .array(strategyChanges))) }
    if let result { members.append(("result", result.json)) }
    if result != nil { members.append(("profile", ProfileReport(setup.pool.profile).json)) }
    let text = JSONValue.object(JSONObject(members)).text() + "\n"
    try AtomicFile.write(to: folder.recordPath) { try $0.write(text) }
  }

  /// Says each note once, however often the model is written.
  func report(notes: [String]) {
    for note in notes where notesSaid.insert(note).inserted { setup.display.note("note: " + note) }
  }

  // MARK: - The loop

  private func loop() throws {
    while true {
      try applySchedules()
      if isEvaluationDue { try evaluate() }
      if isCheckpointDue { try save() }
      if isOver { return }
      let limit = reachedLimit
      if Interruption.isRequested || limit != nil {
        let interruption = try interrupted()
        guard let limit else { throw interruption }
        throw TrainingError.stopped(
          by: limit, checkpoint: folder.checkpoints.checkpointPath(step: state.step), step: state.step)
      }
      try changeStrategy()
      try reloadPlugins()
      try swapStrategy()
      try setup.pool.profile.step("training/rest") { try step() }
    }
  }

  /// The flag that says to stop here; nil where none does. A step that would end beyond the hours is not begun.
  private var reachedLimit: String? {
    let control = setup.control
    if let step = control.stopAfter, state.step >= step { return "--stop-after" }
    guard let hours = control.maximumHours else { return nil }
    let seconds = (ContinuousClock.now - control.began).seconds + smoothedStepSeconds
    return seconds >= hours * 3600 ? "--max-hours \(hours)" : nil
  }

  /// Saves the state after the last whole step; what a step cut short has done is dropped.
  private func interrupted() throws -> TrainingError {
    if savedStep != state.step { try save() }
    return .interrupted(checkpoint: folder.checkpoints.checkpointPath(step: state.step), step: state.step)
  }

  /// Sets what the schedules say for the next step; after the last step of the run, or of a strategy, its numbers stay,
  /// also for the evaluation.
  func applySchedules() throws {
    let epoch = state.epochFraction(rows: setup.data.rows)
    scheduled = []
    for schedule in setup.course?.schedules ?? [] {
      let value = try schedule.apply(step: state.step, total: totalSteps, epoch: epoch)
      if schedule.drivesLearningRate { scheduledRate = value } else { scheduled.append((schedule.metric, value)) }
    }
  }

  private var isEvaluationDue: Bool {
    setup.evaluate != nil && evaluatedStep != state.step
      && (state.step % options.evalSteps == 0 || state.step == totalSteps)
  }

  private var isCheckpointDue: Bool {
    state.step > 0 && savedStep != state.step
      && (state.step % options.stepsBetweenCheckpoints == 0 || isOver
        || state.best?.step == state.step
        || needsCheckpoint)
  }

  /// One optimiser step: gradients of one or more batches, clip, AdamW, log.
  func step() throws {
    let began = ContinuousClock.now
    let rate = scheduledRate ?? schedule.rate(step: state.step)
    let batches = stepBatches(after: state)
    let (outcome, norm) = try safeGradients(of: batches)
    try checkContrast(outcome, batches)
    try optimizer.step(
      learningRate: rate, gradientScale: AdamW.clipFactor(norm: norm, limit: options.maximumGradientNorm))
    do { try setup.model.didStep() } catch {
      isTorn = true
      throw error
    }
    let epoch = state.epochFraction(rows: setup.data.rows)
    state.advance(by: batches, ofRows: setup.data.rows)
    let seconds = (ContinuousClock.now - began).seconds
    state.seconds += seconds
    state.lastLoss = outcome.loss
    let rows = batches.reduce(0) { $0 + $1.count }
    try record(outcome, epoch: epoch, norm: norm, rate: rate, sentencesPerSecond: Double(rows) / seconds)
    show(seconds: seconds, rows: rows)
  }

  /// The rows of each batch of the step that follows; the last step of an epoch may have fewer and shorter ones.
  func stepBatches(after state: RunState) -> [[Int]] {
    (0..<options.gradientAccumulation).map {
      order.batch(
        epoch: state.epoch, position: state.position + $0 * options.batchSize, size: options.batchSize)
    }.filter { !$0.isEmpty }
  }

  /// The mean gradient of the batches, and its norm; plugins have taken the batches into their states.
  func gradients(of batches: [[Int]]) throws -> (outcome: StepOutcome, norm: Double) {
    var outcome = StepOutcome()
    for (index, rows) in batches.enumerated() {
      let position = position(ofBatch: index)
      let batch = try setup.pool.profile.measure("training/rows and tokens") {
        try setup.batches.batch(rows: rows, at: position)
      }
      setup.model.device?.batchFollows(isLast: index == batches.count - 1)
      var report: StepReport
      do {
        report = try setup.model.accumulate(batch, at: position, scale: 1 / Double(batches.count))
      } catch let error as EncoderError {
        throw setup.data.problem(error, ofRow: rows[error.sequence % rows.count])
      }
      report.metrics += setup.batches.augmentation?.metrics ?? []
      outcome.add(report, committed: try setup.model.commit())
      if setup.model.device != nil { prepareRows(after: index, of: batches) }
    }
    let norm = try setup.pool.profile.measure("optimizer/gradient norm") { try optimizer.gradientNorm() }
    guard norm.isFinite, outcome.loss.isFinite else {
      let what = try optimizer.parameterWithBadGradient().map { "the gradient of \($0)" } ?? "the loss"
      throw TrainingError.notFinite(what: what, step: state.step)
    }
    return (outcome, norm)
  }

  /// Reads what comes after a batch while the device computes: the next batch of the step, or the first of the step
  /// that follows, if there is one.
  private func prepareRows(after index: Int, of batches: [[Int]]) {
    var end = state
    end.advance(by: batches, ofRows: setup.data.rows)
    let isLast = end.step == totalSteps || end.step == setup.control.stopAfter
    let following = index + 1 < batches.count ? batches[index + 1] : isLast ? nil : stepBatches(after: end).first
    guard let following else { return }
    setup.pool.profile.measure("training/next rows") { setup.batches.prepare(rows: following) }
  }

  /// Where the batch number `index` of the next step stands.
  func position(ofBatch index: Int) -> StepPosition {
    StepPosition(
      step: Int64(state.step), totalSteps: Int64(totalSteps), epoch: state.epochFraction(rows: setup.data.rows),
      batch: UInt64(state.batches + index))
  }

  // MARK: - Log and progress

  private func record(
    _ outcome: StepOutcome, epoch: Double, norm: Double, rate: Double, sentencesPerSecond: Double
  ) throws {
    var members: [(String, JSONValue)] = [
      ("step", .integer(state.step)), ("epoch", .number(epoch)), ("loss", .number(outcome.loss)),
      ("gradNorm", .number(norm)), ("learningRate", .number(rate)),
      ("sentencesPerSecond", .number(sentencesPerSecond)),
    ]
    members += scheduled.map { ($0.name, .number($0.value)) }
    members += outcome.metrics.map { ($0.name, $0.value.isFinite ? .number($0.value) : .null) }
    if setup.control.showsProfile { members.append(("phases", stepClock.seconds(setup.pool.profile))) }
    try appendToLog(members)
  }

  func appendToLog(_ members: [(String, JSONValue)]) throws {
    defer { state.logLength = log?.length ?? 0 }
    let members = members + [(LoggedLine.timeName, .number(LoggedLine.now))]
    try log?.append(members)
    if let events, let line = LoggedLine(JSONObject(members)) { events.append(line) }
  }

  /// The events file with the lines of the log so far.
  private func openEvents() throws {
    guard setup.control.writesTensorBoard else { return }
    let events = EventLog(
      folder: folder.eventsPath, group: Path.name(of: folder.path), settings: setup.identity.hyperparameters,
      say: setup.display.note)
    let lines = try log?.lines() ?? []
    events.show(count: lines.count) { lines[$0] }
    self.events = events
  }

  private func show(seconds: Double, rows: Int) {
    smoothedStepSeconds = smoothedStepSeconds == 0 ? seconds : 0.9 * smoothedStepSeconds + 0.1 * seconds
    var figures = ProgressFigures(
      step: state.step, totalSteps: totalSteps, loss: state.lastLoss,
      sentencesPerSecond: Double(rows) / smoothedStepSeconds,
      secondsLeft: Double(totalSteps - state.step) * smoothedStepSeconds)
    (figures.lastScore, figures.bestScore) = (state.last?.score, state.best?.score)
    figures.bestStep = state.best?.step
    setup.display.show(figures)
  }
}
