// What a user sees while a model trains, on standard error: one line that renews itself on a terminal, plain lines
// otherwise. Fed by the training loop; draws no random numbers and changes nothing.

import Files
import Foundation

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
  /// Spearman x 100 of the last and of the best evaluation.
  package var lastScore: Double?
  /// Spearman x 100.
  package var bestScore: Double?
}

/// Where progress, warnings and notes of a run go.
package final class ProgressDisplay {
  private let isTerminal: Bool
  private let write: (String) -> Void
  private var isLineOpen = false
  private var lastDrawn = 0.0
  private let plainInterval: Int

  /// A display on standard error; `plainInterval` steps lie between plain lines.
  package convenience init(plainInterval: Int) {
    self.init(isTerminal: isatty(STDERR_FILENO) == 1, plainInterval: plainInterval, write: StandardError.write)
  }

  init(isTerminal: Bool, plainInterval: Int, write: @escaping (String) -> Void) {
    self.isTerminal = isTerminal
    self.plainInterval = max(1, plainInterval)
    self.write = write
  }

  /// A line of its own.
  package func note(_ line: String) {
    write((isLineOpen ? "\r\u{1B}[K" : "") + line.visible + "\n")
    isLineOpen = false
  }

  /// After each step.
  package func show(_ figures: ProgressFigures) {
    let isLast = figures.step == figures.totalSteps
    guard isTerminal else {
      if isLast || figures.step == 1 || figures.step % plainInterval == 0 { write(Self.line(figures) + "\n") }
      return
    }
    let now = ProcessInfo.processInfo.systemUptime
    guard isLast || now - lastDrawn >= 0.1 else { return }
    lastDrawn = now
    write("\r\u{1B}[K" + Self.bar(figures) + " " + Self.line(figures))
    isLineOpen = true
  }

  /// Ends an open line.
  package func finish() {
    if isLineOpen { write("\n") }
    isLineOpen = false
  }

  static func line(_ figures: ProgressFigures) -> String {
    var parts = [
      "step \(figures.step)/\(figures.totalSteps)", "loss \(fixed(figures.loss, 4))",
      "\(fixed(figures.sentencesPerSecond, 0)) sentences/s", "\(duration(figures.secondsLeft)) left",
    ]
    if let last = figures.lastScore { parts.append("dev \(fixed(last, 2))") }
    if let best = figures.bestScore { parts.append("best \(fixed(best, 2))") }
    return parts.joined(separator: "  ")
  }

  private static func bar(_ figures: ProgressFigures) -> String {
    let width = 20
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

/// A number with a fixed count of decimals.
package func fixed(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
