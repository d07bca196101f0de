// How far an evaluation is, on standard error: a bar that renews itself on a terminal, a line every tenth otherwise.

import Files
import FoundationEssentials
import Synchronization

/// Progress of several phases, one after the other. May be told by any thread.
final class ProgressLine: Sendable {
  private struct State {
    var phase = ""
    var tenth = 0
    var drawn = 0.0
    var counted = 0
    var line = LiveLine()
  }

  private let isLive = Terminal.isLive
  private let state = Mutex(State())

  /// `done` of `total` units of a phase; a new phase begins where the name changes or `done` falls.
  func show(_ phase: String, done: Int, total: Int, unit: String) {
    state.withLock { state in
      if state.phase != phase || done * 10 / max(1, total) < state.tenth { (state.phase, state.tenth) = (phase, 0) }
      isLive
        ? draw(&state, done: done, total: total, unit: unit) : say(&state, done: done, total: total, unit: unit)
    }
  }

  /// `done` units of a phase whose end nobody knows: a line that renews itself, or one whenever ten times as many are
  /// done.
  func count(_ phase: String, done: Int, unit: String) {
    state.withLock { state in
      let now = ProcessInfo.processInfo.systemUptime
      if isLive {
        guard now - state.drawn >= 0.1 else { return }
        state.drawn = now
        write(state.line.renew("\(phase.visibleOnOneLine): \(done) \(unit)"))
      } else if done >= max(10_000, 10 * state.counted) {
        state.counted = done
        write("\(phase.visible): \(done) \(unit)\n")
      }
    }
  }

  /// Leaves what is shown standing.
  func end() {
    state.withLock { state in write(state.line.close()) }
  }

  /// A line of its own.
  func note(_ line: String) {
    state.withLock { state in write(state.line.replace(with: line.visible)) }
  }

  private func say(_ state: inout State, done: Int, total: Int, unit: String) {
    let tenth = done * 10 / max(1, total)
    guard tenth > state.tenth else { return }
    state.tenth = tenth
    write("\(state.phase.visible): \(done)/\(total) \(unit)\n")
  }

  private func draw(_ state: inout State, done: Int, total: Int, unit: String) {
    let now = ProcessInfo.processInfo.systemUptime
    guard done == total || now - state.drawn >= 0.1 else { return }
    state.drawn = now
    let filled = total > 0 ? 20 * done / total : 20
    let bar = String(repeating: "=", count: filled) + String(repeating: " ", count: 20 - filled)
    // What is counted is a name of the user's, and may be longer than the line.
    let (before, after) = ("[\(bar)] ", "  \(done)/\(total) \(unit)")
    let width = Terminal.size.columns - 1
    let phase = String(state.phase.visibleOnOneLine.prefix(max(0, width - before.count - after.count)))
    write(state.line.renew(String((before + phase + after).prefix(width))))
    if done == total { write(state.line.close()) }
  }

  private func write(_ text: String) { StandardError.write(text) }
}
