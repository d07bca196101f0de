// `mixcse swap`: looks for wishes in the run's folder now and then, checks a strategy in a child while training goes
// on, and looks it up here once that went well. Made by TrainingPlan, asked by TrainingRun before each step.

import Files
import Host
import Objective

/// A strategy that was asked for on a live run.
struct SwapEvent {
  let request: SwapRequest
  /// Checked and looked up, or why not.
  let result: Result<PlannedChange, SwapRefusal>
}

/// Why a strategy is not swapped in, in words.
struct SwapRefusal: Error, Equatable, CustomStringConvertible {
  let description: String

  init(_ text: String) { description = text.split(separator: "\n").first.map(String.init) ?? "" }
}

/// Who answers wishes for another strategy.
package final class StrategySwapper {
  /// What a run is asked with.
  struct Parts {
    let model: ContrastiveModel
    let registry: PluginRegistry
    let plan: TrainingPlan
    let settings: PluginReloader.Settings
    /// Takes lines for the user.
    let note: (String) -> Void
  }

  /// Seconds between two looks: a step pays for reading the clock.
  private static let interval = 0.25

  let files: SwapFiles
  private let parts: Parts
  private let folder: String
  private var nextLook = ContinuousClock.now
  private var attempt: (request: SwapRequest, check: SmokeCheck)?

  init(folder: String, _ parts: Parts) {
    (self.folder, self.parts) = (folder, parts)
    files = SwapFiles(folder: folder)
  }

  /// What became of a wish, once it is known; the caller answers it.
  /// - Parameter step: optimiser steps done.
  func poll(step: Int) -> SwapEvent? {
    if let attempt { return conclude(attempt.request, attempt.check, step: step) }
    let now = ContinuousClock.now
    guard now >= nextLook else { return nil }
    nextLook = now + .seconds(Self.interval)
    do {
      guard let request = try files.request() else { return nil }
      do {
        try begin(request)
        return nil
      } catch {
        return SwapEvent(request: request, result: .failure(SwapRefusal("\(error)")))
      }
    } catch {
      if case SwapFiles.Failure.unusable(let reason) = error {
        parts.note("warning: a wish for another strategy in \(folder) is not looked at: \(reason)")
      }
      files.drop()
      return nil
    }
  }

  /// Looks up a strategy that was asked for.
  /// - Parameter metrics: bare metric functions that go on, where the text does not name them.
  /// - Throws: `TrainingError.change`
  func planned(_ change: StrategyChange, metrics: [String] = []) throws -> PlannedChange {
    var run = parts.plan.description
    run.strategy.metrics = metrics
    let planned = try PlannedChange(change, of: run, flag: "swap", registry: parts.registry)
    try parts.plan.checkSchedules(of: planned)
    return planned
  }

  private var metrics: [String] { parts.plan.strategy.metrics.map(\.spec.text) }

  private func begin(_ request: SwapRequest) throws {
    if let reason = parts.plan.reasonAgainstSwaps(folder: folder) { throw SwapRefusal(reason) }
    try StrategyRequest.checkNames(change: request.strategy)
    let scratch = try PrivateFolder()
    let check = try SmokeCheck(in: scratch, settings: parts.settings) { proof in
      try SmokeTest(
        swapping: .init(
          text: request.strategy, pooler: parts.plan.pooler.text,
          metrics: metrics, plugins: parts.plan.description.plugins),
        into: parts.model, seed: parts.plan.options.seed, in: scratch, proof: proof)
    }
    attempt = (request, check)
  }

  private func conclude(_ request: SwapRequest, _ check: SmokeCheck, step: Int) -> SwapEvent? {
    guard let answer = check.poll() else { return nil }
    attempt = nil
    // Whoever asked may have given up meanwhile.
    guard (try? files.request()) == request else {
      parts.note("note: the wish for \(request.strategy) was taken back")
      return nil
    }
    if let problem = answer.problem { return SwapEvent(request: request, result: .failure(SwapRefusal(problem))) }
    do {
      let change = try planned(
        StrategyChange(step: step, strategy: request.strategy), metrics: metrics)
      try checkBuilds(change.strategy, answer.proof)
      return SwapEvent(request: request, result: .success(change))
    } catch {
      return SwapEvent(request: request, result: .failure(SwapRefusal("\(error)")))
    }
  }

  /// What the child tried must be what this process has loaded.
  private func checkBuilds(_ strategy: Strategy, _ proof: [UInt8]) throws {
    let tried = try JSONValue.parse(proof).object ?? JSONObject()
    for library in strategy.uses.map(\.component.library) {
      guard let sha256 = tried[library.path]?.string, sha256 != library.sha256 else { continue }
      throw SwapRefusal(
        "\(library.path) was built again since the run loaded it (sha256 \(library.sha256.prefix(12)) then, "
          + "\(sha256.prefix(12)) now); end the run and begin one with the new build")
    }
  }
}

extension TrainingPlan {
  /// Why this run takes no other strategy than the planned ones; nil where it does.
  func reasonAgainstSwaps(folder: String) -> String? {
    if Path.exists(folder + "/" + RunRecord.ofComparison) {
      return "the run is one of a comparison, whose strategies are what it compares; "
        + "swap in a run of mixcse train in a folder of its own"
    }
    if reload != nil {
      return "the run has --watch, and rebuilt libraries would have to be put into strategies that are not there yet"
    }
    return nil
  }
}
