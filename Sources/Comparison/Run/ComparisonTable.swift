// The table of runs while they go on, as lines of text: one a run where they fit, else one a strategy. Pure; drawn by
// ComparisonDisplay.

import Files
import Training

/// One run as the table shows it.
package struct RunStatus: Sendable, Equatable {
  /// How far a run is.
  package enum Phase: Sendable, Equatable {
    case waiting, training, paused, scoring, finished, dropped, failed
  }

  /// Of the strategy.
  package var label: String
  /// Of the run.
  package var seed: UInt64
  /// How far it is.
  package var phase: Phase
  /// Optimiser steps done.
  package var step: Int
  /// Of the whole run.
  package var totalSteps: Int
  /// Of the last step.
  package var loss: Double?
  /// The best dev score after a step so far: that of the model the run would leave.
  package var best: DevelopmentBest?
  /// Of training, where it can be known.
  package var secondsLeft: Double?
  /// Of one step, as far as this process has seen it.
  package var secondsPerStep: Double?
  /// Of scoring the model, once it is scored.
  package var scoringSeconds: Double?

  /// A run of which no step is known yet.
  package init(label: String, seed: UInt64, phase: Phase = .waiting, step: Int = 0, totalSteps: Int) {
    (self.label, self.seed, self.phase) = (label, seed, phase)
    (self.step, self.totalSteps) = (step, totalSteps)
  }

  var progress: String {
    switch phase {
    case .waiting: step > 0 ? "\(step)/\(totalSteps)" : "-"
    case .training, .paused: "\(step)/\(totalSteps)"
    case .scoring: "scoring"
    case .finished: "done"
    case .dropped: "dropped"
    case .failed: "failed"
    }
  }
}

/// A dev score and where it was made.
package struct DevelopmentBest: Sendable, Equatable {
  /// Spearman x 100.
  package var score: Double
  /// Optimiser steps done then.
  package var step: Int

  /// A score after a step.
  package init(score: Double, step: Int) { (self.score, self.step) = (score, step) }

  var text: String { "\(fixed(score, 2)) at \(step)" }
}

/// Makes lines of runs.
package enum ComparisonTable {
  /// Lines of at most `width` characters, at most `height` of them if that can be.
  /// - Parameter left: seconds until all runs are done; nil where they are not known.
  package static func lines(_ runs: [RunStatus], width: Int, height: Int, left: Double? = nil) -> [String] {
    let perRun = runs.map { run in
      [run.label, String(run.seed), run.progress, number(run.loss, 4), run.best?.text ?? "", time(run.secondsLeft)]
    }
    let body =
      runs.count + 2 <= height
      ? table([["strategy", "seed", "step", "loss", "best dev", "left"]] + perRun, width: width)
      : table([["strategy", "seeds", "step", "loss", "best dev", "left"]] + byStrategy(runs), width: width)
    return body + [summary(runs, left: left)]
  }

  /// Seconds until all runs are trained and scored, at the speed seen so far; nil before the first step.
  /// - Parameters:
  ///   - jobs: runs at a time.
  ///   - areScored: whether scoring belongs to a run.
  package static func secondsLeft(_ runs: [RunStatus], jobs: Int, areScored: Bool = true) -> Double? {
    let speeds = runs.compactMap(\.secondsPerStep)
    guard !speeds.isEmpty else { return nil }
    let usual = speeds.reduce(0, +) / Double(speeds.count)
    let scorings = runs.compactMap(\.scoringSeconds)
    // Until a model is scored, nobody knows how long that takes.
    let scoring = scorings.isEmpty || !areScored ? 0 : scorings.reduce(0, +) / Double(scorings.count)
    var seconds = 0.0
    for run in runs {
      switch run.phase {
      case .waiting, .training, .paused:
        // Rows of one strategy take as long as each other; what was never seen takes what is usual.
        let own = run.secondsPerStep ?? runs.first { $0.label == run.label && $0.secondsPerStep != nil }?.secondsPerStep
        seconds += Double(run.totalSteps - run.step) * (own ?? usual) + scoring
      case .scoring: seconds += scoring
      case .finished, .dropped, .failed: break
      }
    }
    let unfinished = runs.count { [.waiting, .training, .paused, .scoring].contains($0.phase) }
    return unfinished == 0 ? nil : seconds / Double(max(1, min(jobs, unfinished)))
  }

  /// One row a strategy: finished seeds, the run that goes on, the mean of the best dev scores.
  private static func byStrategy(_ runs: [RunStatus]) -> [[String]] {
    var labels: [String] = []
    for run in runs where !labels.contains(run.label) { labels.append(run.label) }
    return labels.map { label in
      let mine = runs.filter { $0.label == label }
      let active = mine.first { $0.phase == .training || $0.phase == .scoring } ?? mine.last { $0.phase != .waiting }
      let scores = mine.compactMap { $0.best?.score }
      let mean = scores.isEmpty ? nil : scores.reduce(0, +) / Double(scores.count)
      return [
        label, "\(mine.count { $0.phase == .finished })/\(mine.count)", active?.progress ?? "-",
        number(active?.loss, 4), number(mean, 2), time(active?.secondsLeft),
      ]
    }
  }

  private static func summary(_ runs: [RunStatus], left: Double?) -> String {
    let counts: [(String, Int)] = [
      ("finished", runs.count { $0.phase == .finished }), ("dropped", runs.count { $0.phase == .dropped }),
      ("failed", runs.count { $0.phase == .failed }),
    ]
    let others = counts.dropFirst().filter { $0.1 > 0 }.map { ", \($0.1) \($0.0)" }.joined()
    return "\(counts[0].1) of \(runs.count) runs finished\(others)" + (left.map { ", about \(time($0)) left" } ?? "")
  }

  /// Columns two apart, the first one left-aligned and cut to what the others leave: in its middle, since the labels of
  /// a grid begin alike.
  private static func table(_ cells: [[String]], width: Int) -> [String] {
    let rows = cells.map { $0.map(\.visibleOnOneLine) }
    let columns = rows.first?.count ?? 0
    let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
    let first = max(8, min(widths.first ?? 0, width - widths.dropFirst().reduce(0) { $0 + $1 + 2 }))
    return rows.map { row in
      let (head, tail) = ((first - 3) / 2, first - 3 - (first - 3) / 2)
      let label = row[0].count > first ? row[0].prefix(head) + "..." + row[0].suffix(tail) : row[0][...]
      let line = zip(row, widths).dropFirst().reduce(label + spaces(first - label.count)) { line, cell in
        line + "  " + spaces(cell.1 - cell.0.count) + cell.0
      }
      return String(line.prefix(width))
    }
  }

  private static func spaces(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }

  static func number(_ value: Double?, _ digits: Int) -> String { value.map { fixed($0, digits) } ?? "" }

  static func time(_ seconds: Double?) -> String {
    guard let seconds, seconds.isFinite, seconds >= 0 else { return "" }
    let total = Int(seconds.rounded())
    if total < 60 { return "\(total) s" }
    if total < 3600 { return "\(total / 60) min" }
    return "\(total / 3600) h \(total % 3600 / 60) min"
  }
}
