// What a user sees while a model trains, on standard error: one line that renews itself on a terminal, plain lines
// otherwise. Fed by the training loop; draws no random numbers and changes nothing.

import Files
import FoundationEssentials

/// Numbers of the run that the display shows.
package struct ProgressFigures: Sendable {
  /// Optimiser steps done.
  package var step: Int
  /// Of the whole run.
  package var totalSteps: Int
  /// Of the last step.
  package var loss: Double
  /// Smoothed over steps.
  package var sentencesPerSecond: Double
  /// At that speed, evaluations not counted.
  package var secondsLeft: Double
  /// Spearman x 100 of the last evaluation after a step.
  package var lastScore: Double?
  /// Spearman x 100 of the best one.
  package var bestScore: Double?
  /// The step it was made after.
  package var bestStep: Int?

  /// Numbers before the first evaluation after a step.
  package init(step: Int, totalSteps: Int, loss: Double, sentencesPerSecond: Double, secondsLeft: Double) {
    (self.step, self.totalSteps, self.loss) = (step, totalSteps, loss)
    (self.sentencesPerSecond, self.secondsLeft) = (sentencesPerSecond, secondsLeft)
  }
}

/// Where progress, warnings and notes of a run go.
package final class ProgressDisplay {
  private let isLive: Bool
  private let columns: () -> Int
  private let write: (String) -> Void
  private var line = LiveLine()
  private var lastDrawn = 0.0
  private let plainInterval: Int

  /// A display on standard error; `plainInterval` steps lie between plain lines.
  package convenience init(plainInterval: Int) {
    self.init(
      isLive: Terminal.isLive, plainInterval: plainInterval, columns: { Terminal.size.columns },
      write: StandardError.write)
  }

  /// A display that writes elsewhere, for tests.
  package init(
    isLive: Bool, plainInterval: Int, columns: @escaping () -> Int = { 80 }, write: @escaping (String) -> Void
  ) {
    self.isLive = isLive
    self.plainInterval = max(1, plainInterval)
    self.columns = columns
    self.write = write
  }

  /// A line of its own.
  package func note(_ text: String) { write(line.replace(with: text.visible)) }

  /// After each step.
  package func show(_ figures: ProgressFigures) {
    let isLast = figures.step == figures.totalSteps
    guard isLive else {
      if isLast || figures.step == 1 || figures.step % plainInterval == 0 { write(Self.line(figures) + "\n") }
      return
    }
    let now = ProcessInfo.processInfo.systemUptime
    guard isLast || now - lastDrawn >= 0.1 else { return }
    lastDrawn = now
    // The last column stays empty: a terminal may begin the next line as soon as it is filled.
    write(line.renew(Self.line(figures, fitting: columns() - 1)))
  }

  /// Ends an open line.
  package func finish() {
    let text = line.close()
    if !text.isEmpty { write(text) }
  }

  /// Everything, for a line of its own.
  static func line(_ figures: ProgressFigures) -> String { text(Part.allCases, figures) }

  private static func text(_ parts: [Part], _ figures: ProgressFigures) -> String {
    parts.compactMap { $0.text(figures) }.joined(separator: "  ")
  }

  /// As much as fits into a width: a bar where there is room, then less and less of what matters least.
  package static func line(_ figures: ProgressFigures, fitting width: Int) -> String {
    let whole = line(figures)
    for bar in [20, 10] where whole.count + bar + 3 <= width { return Self.bar(figures, bar) + " " + whole }
    let texts = Part.choices.map { text($0, figures) }
    return texts.first { $0.count <= width } ?? String((texts.last ?? "").prefix(max(0, width)))
  }

  private static func bar(_ figures: ProgressFigures, _ width: Int) -> String {
    let done = figures.totalSteps > 0 ? width * figures.step / figures.totalSteps : 0
    return "[" + String(repeating: "=", count: done) + String(repeating: " ", count: width - done) + "]"
  }

  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0 else { return "?" }
    let total = Int(seconds.rounded())
    if total < 60 { return "\(total) s" }
    if total < 3600 { return "\(total / 60) min \(total % 60) s" }
    return "\(total / 3600) h \(total % 3600 / 60) min"
  }
}

/// What the line can say.
private enum Part: CaseIterable {
  case step, loss, rate, left, last, best

  /// From wide to narrow.
  static let choices: [[Part]] = [
    allCases, [.step, .loss, .left, .last, .best], [.step, .left, .last, .best], [.step, .last, .best], [.step, .best],
    [.step],
  ]

  /// Nil where there is nothing to say.
  func text(_ figures: ProgressFigures) -> String? {
    switch self {
    case .step: "step \(figures.step)/\(figures.totalSteps)"
    case .loss: "loss \(fixed(figures.loss, 4))"
    case .rate: "\(fixed(figures.sentencesPerSecond, 0)) sentences/s"
    case .left: "\(ProgressDisplay.duration(figures.secondsLeft)) left"
    case .last: figures.lastScore.map { "dev \(fixed($0, 2))" }
    case .best:
      figures.bestScore.map { "best \(fixed($0, 2))" + (figures.bestStep.map { " at \($0)" } ?? "") }
    }
  }
}

/// A number with a fixed count of decimals.
package func fixed(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
