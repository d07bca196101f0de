// Runs as children of this command: started, watched, stopped. A part of ComparisonRunner.

import Files
import FoundationEssentials
import Glibc
import Processes
import Training

extension ComparisonRunner {
  /// Brings every run that is still in it to `rung`, or to its end and its scores.
  func runHere(to rung: Int?) throws {
    let work = self.work
    while true {
      if Interruption.isRequested || plan.request.isOutOfTime, !isStopping { stop() }
      for task in work where task.child != nil { try watch(task, rung: rung) }
      while !isStopping, work.count(where: { $0.child != nil }) < plan.request.jobsAtATime,
        let next = work.first(where: { scores && $0.state == .trained })
          ?? work.first(where: { isDue($0, rung: rung) })
      {
        try start(next, rung: rung)
      }
      show()
      if !work.contains(where: { $0.child != nil }) { return }
      usleep(20_000)
    }
  }

  /// All runs in the order in which they are started, models before training first.
  var work: [RunTask] {
    beginnings + RunOrder.seedsFirst(tasks.map { ($0.strategy, $0.seed) }, seeds: plan.seeds).map { tasks[$0] }
  }

  /// Whether a run is still to be trained to `rung`, or to its end.
  func isDue(_ task: RunTask, rung: Int?) -> Bool {
    guard task.state == .waiting, !task.isPaused else { return false }
    guard let rung else { return true }
    return task.tail.scores[rung] == nil
  }

  private func start(_ task: RunTask, rung: Int?) throws {
    let program = plan.program.file
    if task.state == .trained {
      // It has no row of its own in the table of runs.
      if task.model != nil { display.note("scoring the model before training") }
      let arguments = plan.evaluateArguments(
        strategy: task.strategy, model: task.model ?? task.folder, scores: scoresPath(task))
      return try task.start(.scoring, program, arguments, input: lifeline)
    }
    try describe(task)
    let arguments = trainArguments(task, rung: rung) + ["--stop-with-input"]
    try task.start(.training, program, arguments, input: lifeline)
  }

  /// What trains a run whose description is written.
  func trainArguments(_ task: RunTask, rung: Int?) -> [String] {
    ["train", "--from", RunFolders.description(of: task.folder), "--output-dir", task.folder, "--resume"]
      + (rung.map { ["--stop-after", String($0)] } ?? [])
  }

  /// Looks whether a child has ended, and what that means.
  private func watch(_ task: RunTask, rung: Int?) throws {
    let ending = task.child?.poll()
    task.poll()
    guard let ending else { return }
    task.child = nil
    switch (task.state, ending) {
    case (.training, .exited(0)): task.state = .trained
    case (.scoring, .exited(0)) where FileManager.default.fileExists(atPath: scoresPath(task)):
      task.finishScoring()
      if task.model == nil { discardCheckpoints(task) }
    case (.training, .exited(75)) where rung.map { task.tail.scores[$0] != nil } ?? false:
      task.state = .waiting
      task.isPaused = true
    // Trained to the end, and only the last words found no place.
    case (.training, .exited) where task.result != nil: task.state = .trained
    case (.training, _) where isStopping: task.state = .waiting
    case (.scoring, _) where isStopping: task.state = .trained
    // Somebody stopped this run alone: it has a checkpoint, and goes on from there.
    case (.training, .exited(130)) where task.hasMoved:
      task.state = .waiting
      display.note("\(task.name): interrupted after step \(task.tail.step); it goes on")
    default:
      fail(task, task.failure(ending))
    }
  }

  /// Gives a run up.
  func fail(_ task: RunTask, _ reason: String) {
    task.state = .failed(reason)
    display.note("\(task.name): failed: \(reason) (all it said: \(task.logPath))")
  }

  /// A finished and scored run needs its checkpoints no more; they are several times the model.
  func discardCheckpoints(_ task: RunTask) {
    let folder = task.folder + "/checkpoints"
    guard !plan.request.run.training.keepsCheckpoints, Path.exists(folder) else { return }
    do { try Folder.remove(folder) } catch {
      display.note("note: \(error)")
    }
  }

  /// Passes the wish to stop on, once to each child.
  private func stop() {
    isStopping = true
    display.note("stopping: each run finishes its step and writes a checkpoint")
    for task in beginnings + tasks { task.child?.send(SIGINT) }
  }
}
