// One run of a comparison: its folder, how far it is, and how it ended. Driven by ComparisonRunner.

import Files
import FoundationEssentials
import Kernels
import Processes
import Training

/// A strategy with a seed; rows of the comparison that are the same run share one.
final class RunTask {
  enum State: Equatable {
    /// Not finished; it may have a checkpoint.
    case waiting
    case training, scoring
    /// Trained to the end, not scored.
    case trained
    case finished
    case failed(String)
    case dropped(step: Int, reason: String)
  }

  let strategy: Int
  let seed: UInt64
  let label: String
  let identity: RunIdentity
  let folder: String
  /// The model that is scored, where it is not the run's own.
  var model: String?
  /// Where its scores lie, where that is not in its folder.
  var scores: String?
  var state = State.waiting
  /// The step it waits at for the others.
  var isPaused = false
  var tail: MetricsTail
  var child: ChildProcess?
  /// Where somebody else carries it out; nil: nowhere.
  var place: TaskPlace?
  /// Where its curve is shown while it goes on; nil: nowhere.
  var events: EventLog?
  /// Bytes of its log before the child began.
  private var logStart = 0
  private var began: (step: Int, time: ContinuousClock.Instant)?
  /// The step it was at when the child was started.
  private var startStep = 0
  /// Seconds of a step and of scoring, as far as this process has seen them.
  private(set) var secondsPerStep: Double?
  private(set) var scoringSeconds: Double?

  init(strategy: Int, seed: UInt64, label: String, identity: RunIdentity, folder: String) {
    (self.strategy, self.seed, self.label) = (strategy, seed, label)
    (self.identity, self.folder) = (identity, folder)
    tail = MetricsTail(path: folder + "/metrics.jsonl")
  }

  var name: String { model == nil ? "\(label) seed \(seed)" : label }
  var logPath: String { folder + "/log.txt" }
  /// `train`'s result, where it has finished.
  var result: JSONObject? {
    guard let data = FileManager.default.contents(atPath: folder + "/run.json"),
      let record = try? JSONValue.parse(Array(data)).object, record["finished"] == .bool(true)
    else { return nil }
    return record["result"]?.object
  }

  /// Starts a child and remembers where its part of the log begins.
  func start(_ state: State, _ program: String, _ arguments: [String], input: PipeEnds?) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    logStart = FileManager.default.contents(atPath: logPath)?.count ?? 0
    var settings = ChildSettings(program: program, name: program, arguments)
    settings.variables = Environment.withoutBacktrace()
    let log = ChildStream.appended(to: logPath)
    settings.streams = [input.map { .descriptor($0.reading) } ?? .nothing, log, log]
    // Ctrl-C reaches the comparison alone, which passes it on once; its lock is held until the last run has ended.
    settings.hasOwnGroup = true
    settings.inheritsOthers = true
    settings.endsWithObject = false
    do { child = try ChildProcess(settings) } catch {
      throw ComparisonError.system(path: program, operation: error.operation, code: error.code)
    }
    began = nil
    isPaused = false
    startStep = tail.step
    self.state = state
  }

  /// Whether the child has done steps: one that is stopped before would be stopped so again and again.
  var hasMoved: Bool { tail.step > startStep }

  /// Reads what the run has written since.
  func poll() {
    let before = tail.step
    tail.poll()
    events?.show(count: tail.curve.count) { tail.curve[$0].logged }
    if state == .scoring, began == nil { began = (tail.step, .now) }
    guard state == .training else { return }
    if began == nil, tail.step > 0 { began = (tail.step, .now) }
    if let began, tail.step > max(before, began.step) {
      secondsPerStep = (ContinuousClock.now - began.time).seconds / Double(tail.step - began.step)
    }
  }

  /// Says that its model is scored now.
  func finishScoring() {
    scoringSeconds = began.map { (ContinuousClock.now - $0.time).seconds }
    state = .finished
  }

  /// Seconds of training left at the speed since it was started.
  func secondsLeft(totalSteps: Int) -> Double? {
    guard state == .training else { return nil }
    return secondsPerStep.map { $0 * Double(totalSteps - tail.step) }
  }

  /// Why the child failed: the last error of its log.
  func failure(_ ending: ProcessEnd) -> String {
    let log = FileManager.default.contents(atPath: logPath) ?? Data()
    let lines = String(decoding: log.dropFirst(logStart), as: UTF8.self)
      .split(whereSeparator: { $0 == "\n" || $0 == "\r" }).filter { !$0.isEmpty }
    let from = lines.lastIndex { $0.hasPrefix("error: ") || $0.hasPrefix("Error: ") }
    let said = lines[(from ?? max(0, lines.count - 1))...].joined(separator: " ").prefix(600)
    switch ending {
    case .signalled(let signal):
      return "ended by \(SignalName.explained(signal))" + (said.isEmpty ? "" : "; its last words: \(said)")
    case .exited(let code):
      return said.isEmpty ? "ended with code \(code) without a word" : String(said)
    case .overran: return "did not end in time"
    }
  }
}

extension RunTask {
  private var isElsewhere: Bool { if case .running = place { true } else { false } }

  var phase: RunStatus.Phase {
    switch state {
    case .waiting: isPaused ? .paused : isElsewhere ? .training : .waiting
    case .training: .training
    case .trained, .scoring: .scoring
    case .finished: .finished
    case .failed: .failed
    case .dropped: .dropped
    }
  }

  /// A row of the table.
  func status(label: String, totalSteps: Int) -> RunStatus {
    var status = RunStatus(label: label, seed: seed, phase: phase, step: tail.step, totalSteps: totalSteps)
    (status.loss, status.best) = (tail.loss, tail.best)
    status.secondsLeft = secondsLeft(totalSteps: totalSteps)
    (status.secondsPerStep, status.scoringSeconds) = (secondsPerStep, scoringSeconds)
    return status
  }
}

/// In which order runs are started.
package enum RunOrder {
  /// The first seed of all strategies before the second, so that what is finished can be compared at any time.
  package static func seedsFirst(_ runs: [(strategy: Int, seed: UInt64)], seeds: [UInt64]) -> [Int] {
    runs.indices.sorted { a, b in
      let (first, second) = (seeds.firstIndex(of: runs[a].seed) ?? 0, seeds.firstIndex(of: runs[b].seed) ?? 0)
      return (first, runs[a].strategy) < (second, runs[b].strategy)
    }
  }
}
