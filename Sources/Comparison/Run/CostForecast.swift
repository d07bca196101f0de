// `compare --dry-run`: what the comparison would take, from two real steps and one evaluation of every strategy. Each
// is measured by a `mixcse train --dry-run` of its own, which writes nothing. Used by the compare command.

import Files
import Processes
import Training

/// What all runs would take.
package struct CostForecast: Sendable {
  /// One strategy.
  package struct Item: Sendable {
    /// Of the strategy.
    package var label: String
    /// Runs that are not there yet.
    package var runs: Int
    /// Optimiser steps of a run.
    package var steps: Int
    /// Seconds of a run: its steps, its evaluations, and the scores of its model.
    package var seconds: Double
    /// The most memory of a run, in bytes.
    package var memory: Int
    /// Bytes of a run while it goes on, and what stays of it.
    package var diskAtWork, diskAfter: Int
    /// Why nothing could be measured.
    package var failure: String?
  }

  /// In the order of the comparison.
  package private(set) var items: [Item] = []
  /// Runs at a time; they share the processors, so that together they are no faster than one after the other.
  private let jobs: Int
  /// Bytes that are free in the output folder; nil where the system does not say.
  private var diskFree: Int?

  /// Measures every strategy of a plan that has runs left.
  /// - Parameters:
  ///   - left: runs that are not there yet, by strategy.
  ///   - say: called with what is measured at the moment.
  /// - Throws: `ComparisonError.system`, `FileError`
  package init(_ plan: ComparisonPlan, left: [Int], say: (String) -> Void) throws {
    jobs = plan.request.jobsAtATime
    let scratch = try ScratchFolder()
    for (index, strategy) in plan.strategies.enumerated() where left[index] > 0 {
      say("measuring two steps of \(strategy.compared.label)")
      var item = Item(
        label: strategy.compared.label, runs: left[index], steps: strategy.totalSteps, seconds: 0, memory: 0,
        diskAtWork: 0, diskAfter: 0)
      do throws(Failure) {
        let found = try Self.measure(plan, index, in: scratch.path)
        item.take(found, scored: plan.scoring.sentences)
        diskFree = found["diskFreeBytes"]?.integer ?? diskFree
      } catch { item.failure = error.reason }
      items.append(item)
    }
  }

  private struct Failure: Error { var reason: String }

  /// What `train --dry-run --json` says of a strategy.
  private static func measure(_ plan: ComparisonPlan, _ index: Int, in scratch: String) throws(Failure) -> JSONObject {
    let (file, output, log) = (scratch + "/run.json", scratch + "/said.json", scratch + "/log.txt")
    guard let run = plan.run(strategy: index, seed: plan.seeds.first ?? 0, folder: scratch + "/run") else {
      throw Failure(reason: plan.strategies[index].failure ?? "it cannot be loaded")
    }
    do {
      for path in [output, log] { try AtomicFile.write(to: path) { try $0.write("") } }
      try AtomicFile.write(to: file) { try $0.write(run.json.text()) }
      var settings = ChildSettings(
        program: plan.program.file, name: plan.program.file,
        ["train", "--from", file, "--dry-run", "--json", "--output-dir", scratch + "/run"])
      settings.variables = Environment.withoutBacktrace()
      settings.streams = [.nothing, .appended(to: output), .appended(to: log)]
      let end = try ChildProcess(settings).wait()
      guard end == .exited(0), let found = try JSONValue.parse(read(output)).object else {
        let lines = String(decoding: try read(log), as: UTF8.self).split(separator: "\n")
        let words = lines.first { $0.hasPrefix("error: ") } ?? lines.last ?? "it ended without a word"
        throw Failure(reason: String(words.trimmingPrefix("error: ")))
      }
      return found
    } catch { throw error as? Failure ?? Failure(reason: "\(error)") }
  }

  private static func read(_ path: String) throws -> [UInt8] {
    try WholeFile.bytes(of: path, expected: "what mixcse train --dry-run said")
  }

  /// For people: a line for each strategy, and the sum.
  package var lines: [String] {
    let each = items.map { item -> String in
      let name = item.label.visibleOnOneLine
      if let failure = item.failure { return "  \(name): not measured: \(failure)" }
      return "  \(name): \(item.runs) x \(item.steps) steps, \(ComparisonTable.time(item.seconds)) each; "
        + "\(mebibytes(item.memory)) of memory; \(mebibytes(item.diskAtWork)) of disk at work, "
        + "\(mebibytes(item.diskAfter)) after it"
    }
    let measured = items.filter { $0.failure == nil }
    guard !measured.isEmpty else { return each }
    let seconds = measured.reduce(0) { $0 + Double($1.runs) * $1.seconds }
    let memory = (measured.map(\.memory).max() ?? 0) * jobs
    let disk = measured.reduce(0) { $0 + $1.runs * $1.diskAfter } + (measured.map(\.diskAtWork).max() ?? 0) * jobs
    let free = diskFree.map { " (\(mebibytes($0)) free)" } ?? ""
    let sum = "\(ComparisonTable.time(seconds)), \(mebibytes(memory)) of memory, \(mebibytes(disk)) of disk"
    return each + ["  in all: about \(sum)\(free)"]
  }

  private func mebibytes(_ bytes: Int) -> String { "\((bytes + (1 << 20) - 1) >> 20) MiB" }
}

extension CostForecast.Item {
  /// - Parameter scored: sentences of the test data.
  fileprivate mutating func take(_ found: JSONObject, scored: Int) {
    let evaluation = found["evaluationSeconds"]?.double ?? 0
    let evaluated = max(1, found["evaluationSentences"]?.integer ?? 1)
    let perSentence = evaluation > 0 ? evaluation / Double(evaluated) : 0
    seconds =
      (found["seconds"]?.double ?? 0) + Double(found["evaluations"]?.integer ?? 0) * evaluation
      + Double(scored) * perSentence
    memory = found["memoryBytes"]?.integer ?? 0
    diskAtWork = found["diskBytes"]?.integer ?? 0
    diskAfter = found["modelBytes"]?.integer ?? 0
  }
}
