// What came of the runs: their scores from the files that evaluations wrote, curves and endings. Called by
// ComparisonRunner at its end, and for a preview.

import Evaluation
import Files
import Training

extension ComparisonRunner {
  /// All that is known of the runs now.
  func outcome() throws -> Outcome {
    let runs = try rows.indices.map { row in
      try comparedRun(tasks[rows[row]], strategy: row / plan.seeds.count)
    }
    var results = ComparisonResults(
      strategies: plan.strategies.map(\.compared), seeds: plan.seeds, runs: runs,
      commandLine: plan.program.origin.commandLine,
      record: JSONObject(
        try plan.record() + [
          ("budget", .array(decisions)),
          ("runs", .object(JSONObject(tasks.map { ($0.folder, .string($0.identity.hash)) }))),
        ]))
    (results.sets, results.detect) = (plan.scoring.sets, plan.request.detect)
    (results.means, results.decideBy) = (plan.means, plan.decideBy)
    results.isAgainstAll = plan.request.isAgainstAll
    let before = try beginnings.map { $0.state == .finished ? try pairScores(scoresPath($0)) : [] }
    results.before = beginningOf.map { place in place.map { before[$0] } ?? [] }
    return Outcome(
      results: results, failed: tasks.filter { $0.phase == .failed }.map(\.name),
      finished: tasks.count { $0.state == .finished },
      trained: tasks.count { $0.state == .finished || $0.state == .trained },
      left: plan.strategies.indices.map { strategy in
        tasks.count { $0.strategy == strategy && $0.state == .waiting }
      }, isInterrupted: isStopping, handover: handover)
  }

  /// The scores of a file, in the order of the report.
  private func pairScores(_ path: String) throws -> [PairScores] {
    let (sets, tasks) = try PairScoresFile.read(path)
    return plan.scoring.metrics.compactMap { metric in
      switch metric.measure {
      case .spearman:
        sets.first { $0.name == metric.key }.map {
          PairScores(metric: metric.name, gold: $0.gold, predicted: $0.predicted)
        }
      case .accuracy:
        tasks.first { $0.name == metric.key }.map { PairScores(metric: metric.name, isRight: $0.isRight) }
      }
    }
  }

  private func comparedRun(_ task: RunTask, strategy: Int) throws -> ComparedRun {
    var run = ComparedRun(strategy: strategy, seed: task.seed, outcome: .unfinished, folder: task.folder)
    run.curve = task.tail.curve
    run.settings = task.identity.hyperparameters
    run.seconds = task.result?["seconds"]?.double ?? 0
    switch task.state {
    case .finished:
      run.outcome = .finished
      run.scores = try pairScores(scoresPath(task))
    case .failed(let reason): run.outcome = .failed(reason: reason)
    case .dropped(let step, let reason): run.outcome = .dropped(step: step, reason: reason)
    case .waiting, .training, .scoring, .trained: run.outcome = .unfinished
    }
    return run
  }
}
