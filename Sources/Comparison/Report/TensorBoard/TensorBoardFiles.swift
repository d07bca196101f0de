// Curves and scores of every run for TensorBoard: tensorboard/LABEL-seedN/events.out.tfevents.*. Written by
// ComparisonReport where asked for.

import Files
import Foundation

enum TensorBoardFiles {
  // TensorBoard wants a time and a machine in the name; both are fixed, so that equal comparisons give equal files.
  private static let fileName = "events.out.tfevents.0000000000.mixcse"

  /// One folder a run that has a curve or scores; what an earlier call wrote is replaced.
  /// - Throws: `FileError.cannotWrite`, or Foundation's error where a folder cannot be made.
  static func write(_ results: ComparisonResults, _ analysis: ComparisonAnalysis, to folder: String) throws {
    try removeEarlier(folder)
    for (name, run) in zip(names(results), results.runs) where !run.curve.isEmpty || run.outcome == .finished {
      let place = folder + "/" + name
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      let bytes = events(run, analysis).bytes
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

  /// When a step happened is not recorded, only how long all of them took: times are spread evenly from 0 on.
  private static func events(_ run: ComparedRun, _ analysis: ComparisonAnalysis) -> EventFile {
    var file = EventFile()
    let last = run.curve.map(\.step).max() ?? 0
    let seconds = last > 0 && run.seconds.isFinite ? run.seconds / Double(last) : 0
    func time(_ step: Int) -> Double { Double(step) * seconds }
    for point in run.curve where !point.values.isEmpty {
      let group = point.isEvaluation ? "dev/" : "train/"
      let scalars = point.values.sorted { $0.key < $1.key }.map { (tag: group + $0.key, value: $0.value) }
      file.append(scalars, step: point.step, time: time(point.step))
    }
    let scores = analysis.metrics.compactMap { metric -> (tag: String, value: Double)? in
      let summary = metric.summaries[run.strategy]
      guard run.outcome == .finished, let place = summary.seeds.firstIndex(of: run.seed) else { return nil }
      return ("final/" + metric.metric, summary.scores[place])
    }
    if !scores.isEmpty { file.append(scores, step: last, time: time(last)) }
    return file
  }

  /// A folder name for each run: letters, digits and a few signs of the label, and a number where two come out alike.
  static func names(_ results: ComparisonResults) -> [String] {
    let allowed = CharacterSet(charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.=+,:@")
    var taken: [String: Int] = [:]
    let labels = results.strategies.map { strategy in
      var label = String(strategy.label.unicodeScalars.map { allowed.contains($0) ? Character($0) : "_" }.prefix(100))
      if label.isEmpty || label.hasPrefix(".") { label = "_" + label }
      while let count = taken[label] {
        taken[label] = count + 1
        label += "~\(count + 1)"
      }
      taken[label] = 1
      return label
    }
    return results.runs.map { "\(labels[$0.strategy])-seed\($0.seed)" }
  }
}
