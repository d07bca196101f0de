// What a user sees while a comparison goes on, on standard error: a table redrawn in place on a terminal, plain lines
// otherwise. Fed by ComparisonRunner.

import Files
import Foundation
import Glibc
import Training

/// Where progress and notes go.
package final class ComparisonDisplay {
  private let isTerminal: Bool
  private let write: (String) -> Void
  private var drawn: [String] = []
  private var lastDrawn = 0.0
  /// What was last said of each run, on no terminal.
  private var said: [String: (phase: RunStatus.Phase, tenth: Int)] = [:]

  /// A display on standard error.
  package convenience init() {
    self.init(isTerminal: isatty(STDERR_FILENO) == 1, write: StandardError.write)
  }

  /// A display that writes elsewhere, for tests.
  package init(isTerminal: Bool, write: @escaping (String) -> Void) {
    self.isTerminal = isTerminal
    self.write = write
  }

  /// A line of its own, above the table.
  package func note(_ line: String) {
    write(erased + line.visible + "\n" + drawn.map { $0 + "\n" }.joined())
  }

  /// Redraws the table, at most five times a second, and only where it changed.
  package func update(_ runs: [RunStatus], isLast: Bool = false) {
    guard isTerminal else { return say(runs) }
    let now = ProcessInfo.processInfo.systemUptime
    guard isLast || now - lastDrawn >= 0.2 else { return }
    let (width, height) = Self.size()
    let lines = ComparisonTable.lines(runs, width: width - 1, height: height - 1)
    guard lines != drawn else { return }
    lastDrawn = now
    // One write, each line cleared behind its text: nothing is ever blank in between.
    let up = drawn.isEmpty ? "" : "\u{1B}[\(drawn.count)A"
    write(up + lines.map { "\r\($0)\u{1B}[K\n" }.joined() + (lines.count < drawn.count ? "\u{1B}[J" : ""))
    drawn = lines
  }

  /// The table stays; what follows stands below it.
  package func finish() { drawn = [] }

  private var erased: String { drawn.isEmpty ? "" : "\u{1B}[\(drawn.count)A\r\u{1B}[J" }

  /// A line where a run begins another phase, and at each tenth of its steps.
  private func say(_ runs: [RunStatus]) {
    for run in runs {
      let key = "\(run.label) seed \(run.seed)"
      let now = (phase: run.phase, tenth: 10 * run.step / max(1, run.totalSteps))
      let before = said[key] ?? (.waiting, 0)
      guard now.phase != before.phase || run.phase == .training && now.tenth > before.tenth else { continue }
      said[key] = now
      if let text = Self.text(run, isNew: now.phase != before.phase) { write("\(key.visible): \(text)\n") }
    }
  }

  private static func text(_ run: RunStatus, isNew: Bool) -> String? {
    switch run.phase {
    case .waiting, .failed, .dropped: return nil
    case .training where isNew && run.step == 0: return "started"
    case .training, .paused:
      var parts = ["step \(run.step)/\(run.totalSteps)"]
      if let loss = run.loss { parts.append("loss \(fixed(loss, 4))") }
      if let score = run.score { parts.append("dev \(fixed(score, 2))") }
      if let left = run.secondsLeft, run.phase == .training { parts.append("\(ComparisonTable.left(left)) left") }
      return parts.joined(separator: "  ")
    case .scoring: return "scoring"
    case .finished: return "finished" + (run.score.map { "  dev \(fixed($0, 2))" } ?? "")
    }
  }

  /// Columns and rows of the terminal; 80 x 24 where it does not say.
  private static func size() -> (width: Int, height: Int) {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col >= 20, size.ws_row >= 4 else {
      return (80, 24)
    }
    return (Int(size.ws_col), Int(size.ws_row))
  }
}
