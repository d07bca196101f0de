// What `mixcse evaluate` prints for people: the two tables known from SimCSE's evaluation, one row a pooler, published
// rows below, and the figures of the space.

import Evaluation
import Files

/// The figures of one or several poolers as text.
struct EvaluationTables {
  let results: [PoolerResult]
  let published: [PublishedFigures]
  let showsSubsets: Bool
  let missing: [(task: EvaluationTask, reason: String)]

  private var mode: EvaluationMode { results.first?.scores.mode ?? .test }
  private var isPanel: Bool { results.count > 1 }

  var text: String {
    var parts = ["------ \(mode.rawValue) ------"]
    if let only = results.first, !isPanel { parts.append("pooler \(only.pooler)") }
    parts += [sts, transfer, pairs].compactMap(\.self)
    if isPanel, results.contains(where: \.isRecorded) {
      parts.append("* the pooler and head that belong to the model")
    }
    if showsSubsets { parts += results.compactMap(subsets) }
    if let space { parts.append(space) }
    return parts.joined(separator: "\n")
  }

  // MARK: - The familiar tables

  private var sts: String? {
    let tasks = EvaluationTask.sts.filter { task in
      results.contains { $0.scores.sts.contains { $0.name == task.rawValue } } || missing.contains { $0.task == task }
    }
    guard results.contains(where: { !$0.scores.sts.isEmpty }) else { return nil }
    let rows = results.flatMap { result in
      let scores = result.scores
      let cells = tasks.map { task in
        scores.sts.first { $0.name == task.rawValue }.map { figure(100 * $0.all.spearman) } ?? "-"
      }
      var rows = [label(result) + cells + [average(scores.stsAverage, of: scores.sts.count)]]
      if !scores.intervals.isEmpty {
        rows.append(label("95 %") + tasks.map { interval(scores, $0.rawValue) } + [""])
      }
      return rows
    }
    let others = published.map { row in
      label(row.name) + tasks.map { figure(row.figures[$0]) } + [figure(row.stsAverage)]
    }
    return table(label("") + tasks.map(\.rawValue) + ["Avg."], rows + others)
      + note(on: tasks, scored: results.first?.scores.sts.count ?? 0)
  }

  private var transfer: String? {
    let tasks = EvaluationTask.transfer.filter { task in
      results.contains { $0.scores.transfer.contains { $0.name == task.rawValue } }
        || missing.contains { $0.task == task }
    }
    guard results.contains(where: { !$0.scores.transfer.isEmpty }) else { return nil }
    let rows = results.map { result in
      let scores = result.scores
      let cells = tasks.map { task in
        scores.transfer.first { $0.name == task.rawValue }.map { figure($0.reported(mode)) } ?? "-"
      }
      return label(result) + cells + [average(scores.transferAverage, of: scores.transfer.count)]
    }
    let others = published.filter { $0.transferAverage != nil }.map { row in
      label(row.name) + tasks.map { figure(row.figures[$0]) } + [figure(row.transferAverage)]
    }
    return table(label("") + tasks.map(\.rawValue) + ["Avg."], rows + others)
      + note(on: tasks, scored: results.first?.scores.transfer.count ?? 0)
  }

  private var pairs: String? {
    let rows = results.flatMap { result in
      result.scores.pairs.map { path, score in
        label(result) + [path, figure(100 * score.all.spearman), figure(100 * score.all.pearson), "\(score.all.pairs)"]
          + (result.scores.intervals.isEmpty ? [] : [interval(result.scores, path)])
      }
    }
    guard let first = rows.first else { return nil }
    let head = label("") + ["file", "Spearman", "Pearson", "pairs"]
    return table(first.count > head.count ? head + ["95 %"] : head, rows)
  }

  /// The first column: poolers and published rows, where there is more than one row.
  private func label(_ text: String) -> [String] { isPanel || !published.isEmpty ? [text] : [] }
  private func label(_ result: PoolerResult) -> [String] {
    label(isPanel ? result.pooler + (result.isRecorded ? " *" : "") : result.pooler)
  }

  private func note(on tasks: [EvaluationTask], scored: Int) -> String {
    let left = missing.filter { tasks.contains($0.task) }.map(\.task.rawValue)
    let isDevOfSTS = mode.isDev && tasks.first?.isTransfer == false
    if scored == 7 && left.isEmpty { return "" }
    return "\nAvg. is over the \(scored) \(scored == 1 ? "task" : "tasks") scored, not over seven"
      + (left.isEmpty ? "" : "; not scored: " + left.joined(separator: ", ") + (isDevOfSTS ? " (no dev part)" : ""))
  }

  // MARK: - Sub-datasets and space

  private func subsets(_ result: PoolerResult) -> String? {
    let rows = result.scores.sts.filter { $0.subsets.count > 1 }.flatMap { task in
      [[task.name, "all", figure(100 * task.all.spearman), "\(task.all.pairs)"]]
        + task.subsets.map { ["", $0.name, figure(100 * $0.score.spearman), "\($0.score.pairs)"] }
        + [
          ["", "mean of the sub-datasets", figure(100 * task.meanSpearman), ""],
          ["", "mean weighted by pairs", figure(100 * task.weightedMeanSpearman), ""],
        ]
    }
    return rows.isEmpty
      ? nil : table(["task", (isPanel ? result.pooler + ": " : "") + "part", "Spearman", "pairs"], rows)
  }

  private var space: String? {
    let rows = results.compactMap { result in
      result.scores.space.map { space in
        label(result) + [
          space.alignment.map { String(format: "%.4f", $0) } ?? "-", String(format: "%.4f", space.uniformity),
          String(format: "%.4f", space.meanCosine),
          String(format: "%.1f", space.effectiveRank) + " of \(space.width)",
        ]
      }
    }
    guard !rows.isEmpty, let name = results.first?.scores.spaceOf else { return nil }
    return "unit vectors of \(name)\n"
      + table(label("") + ["alignment", "uniformity", "mean cosine", "effective rank"], rows)
  }

  // MARK: - Cells

  private func figure(_ value: Double) -> String { value.isNaN ? "undefined" : String(format: "%.2f", value) }
  private func figure(_ figure: PublishedFigures.Figure?) -> String {
    guard let figure else { return "-" }
    return self.figure(figure.value) + (figure.spread.map { String(format: "+-%.2f", $0) } ?? "")
  }
  private func average(_ value: Double?, of count: Int) -> String {
    guard let value else { return "-" }
    return figure(value) + (count == 7 ? "" : " (\(count))")
  }
  private func interval(_ scores: EvaluationScores, _ name: String) -> String {
    scores.intervals[name].map { figure(100 * $0.lowerBound) + "-" + figure(100 * $0.upperBound) } ?? ""
  }

  /// A table in the boxes of Python's prettytable.
  private func table(_ names: [String], _ cells: [[String]]) -> String {
    let (head, rows) = (names.map(\.visible), cells.map { $0.map(\.visible) })
    let widths = head.indices.map { column in
      ([head] + rows).map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    let rule = "+" + widths.map { String(repeating: "-", count: $0 + 2) }.joined(separator: "+") + "+"
    func line(_ cells: [String]) -> String {
      "|"
        + widths.enumerated().map { column, width in
          let cell = column < cells.count ? cells[column] : ""
          let left = (width - cell.count) / 2
          return " " + String(repeating: " ", count: left) + cell
            + String(repeating: " ", count: width - cell.count - left) + " "
        }.joined(separator: "|") + "|"
    }
    return ([rule, line(head), rule] + rows.map(line) + [rule]).joined(separator: "\n")
  }
}
