// What a user sees while a comparison goes on, on standard error: a table redrawn in place on a terminal, plain lines
// otherwise. Fed by ComparisonRunner.

import Files
import FoundationEssentials
import Training

/// Where progress and notes go.
package final class ComparisonDisplay {
  private let isLive: Bool
  private let write: (String) -> Void
  private let size: () -> (columns: Int, rows: Int)
  private var drawn: [String] = []
  private var lastDrawn = 0.0
  /// What was last said of each run, on no terminal.
  private var said: [String: (phase: RunStatus.Phase, tenth: Int)] = [:]

  /// A display on standard error.
  package convenience init() {
    self.init(isLive: Terminal.isLive, write: StandardError.write)
  }

  /// A display that writes elsewhere, for tests.
  package init(
    isLive: Bool, size: @escaping () -> (columns: Int, rows: Int) = { Terminal.size },
    write: @escaping (String) -> Void
  ) {
    self.isLive = isLive
    self.size = size
    self.write = write
  }

  /// A line of its own, above the table.
  package func note(_ line: String) {
    let erased = drawn.isEmpty ? "" : up(size().columns) + "\r\u{1B}[J"
    write(erased + line.visible + "\n" + drawn.map { $0 + "\n" }.joined())
  }

  /// Redraws the table, at most five times a second, and only where it changed.
  /// - Parameters:
  ///   - jobs: runs at a time.
  ///   - areScored: whether scoring belongs to a run.
  package func update(_ runs: [RunStatus], isLast: Bool = false, jobs: Int = 1, areScored: Bool = true) {
    let left = ComparisonTable.secondsLeft(runs, jobs: jobs, areScored: areScored)
    guard isLive else { return say(runs, left: left) }
    let now = ProcessInfo.processInfo.systemUptime
    guard isLast || now - lastDrawn >= 0.2 else { return }
    let (width, height) = size()
    let lines = ComparisonTable.lines(runs, width: width - 1, height: height - 1, left: left)
    guard lines != drawn else { return }
    lastDrawn = now
    // One write, each line cleared behind its text: nothing is ever blank in between.
    write(up(width) + lines.map { "\r\($0)\u{1B}[K\n" }.joined() + "\u{1B}[J")
    drawn = lines
  }

  /// The table stays; what follows stands below it.
  package func finish() { drawn = [] }

  /// To the beginning of the table: a terminal that became narrower has broken its lines.
  private func up(_ columns: Int) -> String {
    let rows = drawn.reduce(0) { $0 + max(1, ($1.count + columns - 1) / max(1, columns)) }
    return rows == 0 ? "" : "\u{1B}[\(rows)A"
  }

  /// A line where a run begins another phase, and at each tenth of its steps.
  private func say(_ runs: [RunStatus], left: Double?) {
    for run in runs {
      let key = "\(run.label) seed \(run.seed)"
      let now = (phase: run.phase, tenth: 10 * run.step / max(1, run.totalSteps))
      let before = said[key] ?? (.waiting, 0)
      guard now.phase != before.phase || run.phase == .training && now.tenth > before.tenth else { continue }
      said[key] = now
      guard var text = Self.text(run, isNew: now.phase != before.phase) else { continue }
      if run.phase == .finished {
        let done = "\(runs.count { $0.phase == .finished }) of \(runs.count) runs"
        text += "  (\(done)" + (left.map { ", about \(ComparisonTable.time($0)) left" } ?? "") + ")"
      }
      write("\(key.visible): \(text)\n")
    }
  }

  private static func text(_ run: RunStatus, isNew: Bool) -> String? {
    switch run.phase {
    case .waiting, .failed, .dropped: return nil
    case .training where isNew && run.step == 0: return "started"
    case .training, .paused:
      var parts = ["step \(run.step)/\(run.totalSteps)"]
      if let loss = run.loss { parts.append("loss \(fixed(loss, 4))") }
      if let best = run.best { parts.append("best dev \(best.text)") }
      if let left = run.secondsLeft, run.phase == .training { parts.append("\(ComparisonTable.time(left)) left") }
      return parts.joined(separator: "  ")
    case .scoring: return "scoring"
    case .finished: return "finished" + (run.best.map { "  best dev \($0.text)" } ?? "")
    }
  }
}
