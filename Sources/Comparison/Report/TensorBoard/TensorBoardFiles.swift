// Curves and scores of every run for TensorBoard: tensorboard/LABEL-seedN/events.out.tfevents.*. Written by
// ComparisonReport where asked for.

import Files
import FoundationEssentials
import Training

enum TensorBoardFiles {
  private static let fileName = EventLog.fileName

  /// One folder a run that has a curve or scores; what an earlier call wrote is replaced.
  /// - Throws: `FileError.cannotWrite`, or Foundation's error where a folder cannot be made.
  static func write(_ results: ComparisonResults, _ analysis: ComparisonAnalysis, to folder: String) throws {
    try removeEarlier(folder)
    for (name, run) in zip(names(results), results.runs) where !run.curve.isEmpty || run.outcome == .finished {
      let place = folder + "/" + name
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      let bytes = events(run, group: results.strategies[run.strategy].label, analysis).bytes
      try AtomicFile.write(to: place + "/" + fileName) { file in
        try bytes.withUnsafeBytes { try file.write($0) }
      }
    }
  }

  /// Runs that are no longer compared would show beside the others. Takes away what this wrote and nothing else.
  private static func removeEarlier(_ folder: String) throws {
    let files = FileManager.default
    guard files.fileExists(atPath: folder) else { return }
    for name in try files.contentsOfDirectory(atPath: folder) {
      let place = folder + "/" + name
      guard files.fileExists(atPath: place + "/" + fileName) else { continue }
      try files.removeItem(atPath: place + "/" + fileName)
      if try files.contentsOfDirectory(atPath: place).isEmpty { try files.removeItem(atPath: place) }
    }
  }

  /// Logs of earlier versions do not say when a step happened, only how long all of them took: their times are spread
  /// evenly from 0 on.
  private static func events(_ run: ComparedRun, group: String, _ analysis: ComparisonAnalysis) -> EventFile {
    var file = EventFile()
    let last = run.curve.map(\.step).max() ?? 0
    let seconds = last > 0 && run.seconds.isFinite ? run.seconds / Double(last) : 0
    func time(_ point: CurvePoint) -> Double { point.time ?? Double(point.step) * seconds }
    let end = run.curve.last.map(time) ?? 0
    file.begin(run.settings, group: group, time: run.curve.first.map(time) ?? 0)
    for point in run.curve where !point.values.isEmpty {
      file.append(point.logged.scalars, step: point.step, time: time(point))
    }
    let scores = analysis.metrics.compactMap { metric -> (tag: String, value: Double)? in
      let summary = metric.summaries[run.strategy]
      guard run.outcome == .finished, let place = summary.seeds.firstIndex(of: run.seed) else { return nil }
      return ("final/" + metric.metric, summary.scores[place])
    }
    if !scores.isEmpty { file.append(scores, step: last, time: end) }
    if run.outcome == .finished { file.end(time: end) }
    return file
  }

  /// A folder name for each run: letters, digits and a few signs of the label, and a number where two come out alike.
  static func names(_ results: ComparisonResults) -> [String] {
    names(results.strategies.map(\.label), results.runs.map { ($0.strategy, $0.seed) })
  }

  /// The same, by labels and the strategy and seed of each run.
  static func names(_ all: [String], _ runs: [(strategy: Int, seed: UInt64)]) -> [String] {
    let allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.=+,:@".unicodeScalars
    var taken: [String: Int] = [:]
    let labels = all.map { given in
      var label = String(given.unicodeScalars.map { allowed.contains($0) ? Character($0) : "_" }.prefix(100))
      if label.isEmpty || label.hasPrefix(".") { label = "_" + label }
      while let count = taken[label] {
        taken[label] = count + 1
        label += "~\(count + 1)"
      }
      taken[label] = 1
      return label
    }
    return runs.map { "\(labels[$0.strategy])-seed\($0.seed)" }
  }
}
