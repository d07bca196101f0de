// Carries a plan out: runs are child processes, several at a time, the first seed of every strategy before the
// second; finished ones are found again, unfinished ones go on from their checkpoint. Used by the compare command.

import Files
import FoundationEssentials
import Glibc
import Processes
import Training

/// Runs all runs of a comparison. One thread: it starts children, watches them and redraws the table.
package final class ComparisonRunner {
  /// What came of it.
  package struct Outcome {
    /// Of all runs, finished or not.
    package var results: ComparisonResults
    /// Of runs that failed, by name.
    package var failed: [String]
    /// How many runs are finished.
    package var finished: Int
    /// How many are trained to their end, scored or not.
    package var trained: Int
    /// Runs that are still to be trained, by strategy; strategies that are the same run count once.
    package var left: [Int]
    /// Whether a signal or the end of its time ended it.
    package var isInterrupted: Bool
    /// What is left to others: the comparison is not at its end.
    package var handover: Handover?
  }

  let plan: ComparisonPlan
  let display: ComparisonDisplay
  private(set) var tasks: [RunTask] = []
  /// Models before training that are scored, by the place of their first strategy.
  private(set) var beginnings: [RunTask] = []
  /// Each strategy's place in `beginnings`; nil where its model cannot be scored before training.
  private(set) var beginningOf: [Int?] = []
  /// Whether trained models are scored; not where runs only choose values by their dev scores.
  private(set) var scores = true
  /// Each row's place in `tasks`, strategy by strategy.
  private(set) var rows: [Int] = []
  private(set) var decisions: [JSONValue] = []
  /// The pipe that ends children's standard input with this process.
  private(set) var lifeline: PipeEnds?
  var isStopping = false
  /// What is left to others; nil: nothing.
  var handover: Handover?
  private var lock: FolderLock?
  private var looks = LookRecord()

  /// A comparison before its first run.
  package init(_ plan: ComparisonPlan, display: ComparisonDisplay) {
    self.plan = plan
    self.display = display
  }

  /// Brings every run to its end, or as far as that goes.
  /// - Throws: `ComparisonError` where nothing can be run at all; what fails in a run is in its outcome.
  package func run() throws -> Outcome {
    Interruption.install()
    try prepare()
    for note in plan.notes { display.note(note) }
    try assignFolders()
    try addBeginnings()
    openEvents()
    for rung in plan.budget?.rungs ?? [] where isGoingOn {
      try drive(to: rung)
      if isGoingOn { decide(at: rung) }
    }
    if isGoingOn { try drive(to: nil) }
    show(isLast: true)
    display.finish()
    try endLaunch()
    var outcome = try outcome()
    guard let look = try plan.look() else { return outcome }
    // Before anything is shown, so that no look is forgotten. Verdicts wait for runs that are still to come.
    if isGoingOn, outcome.finished > 0, plan.strategies.count > 1 {
      looks.add(look)
      try looks.write(to: plan.outputFolder)
    }
    outcome.results.family = looks.family(of: look)
    return outcome
  }

  /// Whether this command is to do more: nobody stopped it, and nothing is left to others.
  private var isGoingOn: Bool { !isStopping && handover == nil }

  /// Brings every run that is still in it to `rung`, or to its end and its scores.
  private func drive(to rung: Int?) throws {
    if plan.request.launcher == .local { try runHere(to: rung) } else { try launch(to: rung) }
  }

  /// Trains every run to its end and scores none: the dev scores are all that is wanted.
  /// - Returns: by strategy, each seed's best dev score after training began; nil where a run failed or was stopped;
  ///   and what is left to others.
  /// - Throws: `ComparisonError` where nothing can be run at all.
  package func trainOnly() throws -> (scores: [[Double?]], isInterrupted: Bool, handover: Handover?) {
    scores = false
    Interruption.install()
    try prepare()
    try assignFolders()
    try drive(to: nil)
    show(isLast: true)
    display.finish()
    try endLaunch()
    let found = plan.strategies.indices.map { strategy in
      tasks(of: strategy).map { task in
        task.state == .trained ? task.tail.scores.filter { $0.key > 0 }.values.max() : nil
      }
    }
    return (found, isStopping, handover)
  }

  /// What the folder has already, without starting or writing anything.
  /// - Throws: `ComparisonError`, `TrainingError` where a file of the folder cannot be read.
  package func preview() throws -> Outcome {
    looks = try LookRecord(folder: plan.outputFolder)
    for note in plan.notes { display.note(note) }
    try assignFolders()
    try addBeginnings()
    var outcome = try outcome()
    outcome.results.family = try plan.look().map(looks.family)
    return outcome
  }

  // MARK: - Start

  private func prepare() throws {
    let folder = plan.outputFolder
    try RunFolders.check(folder)
    try FileManager.default.createDirectory(atPath: folder + "/runs", withIntermediateDirectories: true)
    do throws(FolderLockFailure) {
      lock = try FolderLock(
        folder: folder, isInherited: true,
        waiting: {
          display.note("waiting for runs of a comparison that is gone to write their checkpoints in \(folder)")
        },
        // Its runs see the end of their input and write checkpoints.
        lost: { other in
          StandardError.write("error: expected the lock of the comparison, found that \(other) took it meanwhile\n")
          _exit(75)
        })
    } catch {
      switch error {
      case .inUse(let owner): throw ComparisonError.inUse(folder: folder, owner: "\(owner)")
      case .system(let failure):
        throw ComparisonError.system(path: folder, operation: failure.operation, code: failure.code)
      }
    }
    Temporary.removeStale(in: folder) { _ in true }
    looks = try LookRecord(folder: folder)
    try sayLooks()
    do { lifeline = try PipeEnds() } catch {
      throw ComparisonError.system(path: folder, operation: error.operation, code: error.code)
    }
  }

  /// A number of looks is planned once, before the first.
  private func sayLooks() throws {
    guard let look = try plan.look() else { return }
    let planned = looks.family(of: look).looks.first?.planned ?? look.planned
    if planned != look.planned {
      display.note(
        "note: --looks \(look.planned): the first look at this comparison planned \(planned), and that stays")
    }
  }

  /// One task for each distinct run, in a folder of its own.
  private func assignFolders() throws {
    let names = RunFolders.safeNames(plan.strategies.map(\.compared.label))
    var hashes: [String: Int] = [:]
    var wanted: [WantedRun] = []
    var owners: [(strategy: Int, seed: UInt64)] = []
    for strategy in plan.strategies.indices {
      for seed in plan.seeds {
        if plan.strategies[strategy].failure != nil {
          rows.append(-1)
          continue
        }
        let identity = try plan.identity(strategy: strategy, seed: seed)
        if let same = hashes[identity.hash] {
          rows.append(same)
          let label = plan.strategies[strategy].compared.label
          if seed == plan.seeds[0] {
            let other = plan.strategies[owners[same].strategy].compared.label
            display.note("note: \(label) is the same as \(other); both rows show the same runs")
          }
          continue
        }
        hashes[identity.hash] = wanted.count
        rows.append(wanted.count)
        wanted.append(WantedRun(name: "\(names[strategy])-seed\(seed)", identity: identity))
        owners.append((strategy, seed))
      }
    }
    let runs = plan.outputFolder + "/runs"
    let assigned = RunFolders.assign(wanted, known: try RunFolders.known(in: runs))
    for (index, assignment) in assigned.enumerated() {
      if let note = assignment.note { display.note(note) }
      let (strategy, seed) = owners[index]
      let task = RunTask(
        strategy: strategy, seed: seed, label: plan.strategies[strategy].compared.label,
        identity: wanted[index].identity, folder: runs + "/" + assignment.folder)
      tasks.append(task)
      task.poll()
      if task.result != nil {
        task.state = scores && FileManager.default.fileExists(atPath: scoresPath(task)) ? .finished : .trained
      }
    }
    addUnloadable(names)
    sayWhatIsThere()
  }

  /// One task for each distinct model that runs begin with; it is there already, so it is only scored.
  private func addBeginnings() throws {
    let folder = plan.outputFolder + "/before"
    for strategy in plan.strategies.indices {
      guard let (model, key) = plan.before(strategy: strategy) else {
        beginningOf.append(nil)
        continue
      }
      let scores = folder + "/pair-scores-\(key).json"
      if let known = beginnings.firstIndex(where: { $0.scores == scores }) {
        beginningOf.append(known)
        continue
      }
      let task = RunTask(
        strategy: strategy, seed: plan.seeds.first ?? 0, label: "before training", identity: RunIdentity([]),
        folder: folder)
      (task.model, task.scores) = (model, scores)
      task.state = FileManager.default.fileExists(atPath: scores) ? .finished : .trained
      beginningOf.append(beginnings.count)
      beginnings.append(task)
    }
  }

  /// Failed runs for strategies that cannot be loaded, in the rows left open for them.
  private func addUnloadable(_ names: [String]) {
    for row in rows.indices where rows[row] < 0 {
      let (strategy, seed) = (row / plan.seeds.count, plan.seeds[row % plan.seeds.count])
      let planned = plan.strategies[strategy]
      let task = RunTask(
        strategy: strategy, seed: seed, label: planned.compared.label, identity: RunIdentity([]),
        folder: plan.outputFolder + "/runs/\(names[strategy])-seed\(seed)")
      let reason = planned.failure ?? ""
      task.state = .failed(reason)
      rows[row] = tasks.count
      tasks.append(task)
      display.note("\(task.name): failed: \(reason)")
    }
  }

  func describe(_ task: RunTask) throws {
    try FileManager.default.createDirectory(atPath: task.folder, withIntermediateDirectories: true)
    let again = plan.outputFolder + "/again/" + (task.folder.split(separator: "/").last.map(String.init) ?? "")
    let command = [
      plan.program.name, "train", "--from", RunFolders.description(of: task.folder), "--output-dir", again,
    ]
    try RunFolders.describe(
      task.folder, run: plan.run(strategy: task.strategy, seed: task.seed, folder: task.folder), of: task.identity,
      program: plan.program.origin, command: ShellWords.join(command))
  }

  private func sayWhatIsThere() {
    let finished = tasks.count { $0.state == .finished || $0.state == .trained }
    let begun = tasks.count { $0.state == .waiting && $0.tail.step > 0 }
    var parts: [String] = []
    if finished > 0 { parts.append("\(finished) of \(tasks.count) runs are there already") }
    if begun > 0 { parts.append("\(begun) go on from a checkpoint") }
    if !parts.isEmpty { display.note(parts.joined(separator: ", ")) }
  }

  /// Curves for TensorBoard while runs go on; the report writes them again, with the final scores.
  private func openEvents() {
    guard plan.request.writesTensorBoard, plan.request.launcher == .local else { return }
    let labels = plan.strategies.map(\.compared.label)
    let places = rows.indices.map { (strategy: $0 / plan.seeds.count, seed: plan.seeds[$0 % plan.seeds.count]) }
    for (row, name) in zip(rows, TensorBoardFiles.names(labels, places)) where tasks[row].events == nil {
      guard case .waiting = tasks[row].state else { continue }
      tasks[row].events = EventLog(
        folder: plan.outputFolder + "/\(ComparisonReport.tensorBoardName)/" + name,
        group: tasks[row].label, settings: tasks[row].identity.hyperparameters, say: display.note)
    }
  }

  // MARK: - Budget

  /// Gives up what clearly loses at a rung.
  private func decide(at rung: Int) {
    for task in tasks { task.isPaused = false }
    let scores: [[Double]?] = plan.strategies.indices.map { strategy in
      let mine = tasks(of: strategy)
      let found = mine.compactMap { task -> Double? in
        if case .dropped = task.state { return nil }
        return task.tail.scores[rung]
      }
      return found.count == mine.count ? found : nil
    }
    for drop in Budget.drops(scores) {
      let label = plan.strategies[drop.strategy].compared.label
      display.note("\(label): given up after step \(rung): dev \(drop.reason)")
      decisions.append(
        .object(JSONObject([("strategy", .string(label)), ("step", .integer(rung)), ("reason", .string(drop.reason))])))
      for task in tasks(of: drop.strategy) where task.state == .waiting {
        task.state = .dropped(step: rung, reason: drop.reason)
      }
    }
  }

  /// The runs of a strategy, in the order of the seeds.
  private func tasks(of strategy: Int) -> [RunTask] {
    let first = strategy * plan.seeds.count
    return rows[first..<first + plan.seeds.count].map { tasks[$0] }
  }

  // MARK: - Display and results

  func show(isLast: Bool = false) {
    let statuses = rows.indices.map { row in
      let strategy = plan.strategies[row / plan.seeds.count]
      return tasks[rows[row]].status(label: strategy.compared.label, totalSteps: strategy.totalSteps)
    }
    display.update(statuses, isLast: isLast, jobs: plan.request.jobsAtATime, areScored: scores)
  }

  /// Named by what is scored, so that other test data is scored again.
  func scoresPath(_ task: RunTask) -> String {
    task.scores ?? task.folder + "/pair-scores-\(plan.scoringDigest(task.strategy).prefix(12)).json"
  }
}
