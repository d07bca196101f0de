// An events file that grows as a run goes on. It is made of the lines of metrics.jsonl and nothing else, so a run that
// is resumed, whose lines are cut to its checkpoint, has no step in it twice: the file is made again from the lines
// that stay. Written by TrainingRun and by ComparisonRunner; where the disk does not take it, the run does not care.

package import Files
import Glibc
import Host

/// The events of one run in a folder of their own.
package final class EventLog {
  /// TensorBoard wants a time and a machine in the name; both are fixed, so that a run has one file however often it is
  /// resumed.
  package static let fileName = "events.out.tfevents.0000000000.mixcse"

  private let path: String
  private let settings: [(name: String, value: JSONValue)]
  private let group: String
  private let say: (String) -> Void
  private var descriptor: Int32 = -1
  private var count = 0
  private var isBroken = false

  /// Nothing is written yet.
  /// - Parameters:
  ///   - folder: made where it is not there.
  ///   - group: what runs of one comparison share.
  ///   - settings: hyperparameters by name.
  ///   - say: hears once where nothing can be written.
  package init(
    folder: String, group: String, settings: [(name: String, value: JSONValue)], say: @escaping (String) -> Void
  ) {
    path = folder + "/" + Self.fileName
    (self.group, self.settings, self.say) = (group, settings, say)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Brings the file up to all lines of a run so far; where they have become fewer, it is made again.
  package func show(count lines: Int, _ line: (Int) -> LoggedLine) {
    guard lines > 0, !isBroken else { return }
    if lines < count || descriptor < 0 { restart(time: line(0).time ?? LoggedLine.now) }
    while count < lines, !isBroken { append(line(count)) }
  }

  /// Appends one line.
  package func append(_ line: LoggedLine) {
    if isBroken { return }
    if descriptor < 0 { restart(time: line.time ?? LoggedLine.now) }
    count += 1
    let scalars = line.scalars
    guard !scalars.isEmpty else { return }
    write(EventFile.part { $0.append(scalars, step: line.step, time: line.time ?? 0) })
  }

  /// Says that the run is finished.
  package func finish() { write(EventFile.part { $0.end(time: LoggedLine.now) }) }

  private func restart(time: Double) {
    count = 0
    if descriptor >= 0 { close(descriptor) }
    try? Folder.create(Path.folder(of: path))
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return give(up: errno) }
    var file = EventFile()
    file.begin(settings, group: group, time: time)
    write(file.bytes)
  }

  private func write(_ bytes: [UInt8]) {
    guard descriptor >= 0, !isBroken else { return }
    do throws(WriteFailure) { try writeAll(bytes, to: descriptor) } catch { give(up: error.code) }
  }

  private func give(up code: Int32) {
    guard !isBroken else { return }
    isBroken = true
    say("warning: \(path) cannot be written (\(systemMessage(code))); TensorBoard is not told more")
  }
}

/// One line of metrics.jsonl as a curve has it.
package struct LoggedLine: Sendable, Equatable {
  /// Optimiser steps done.
  package var step: Int
  /// Whether an evaluation, else a training step.
  package var isEvaluation: Bool
  /// When it was written, in seconds since 1970; nil in logs of earlier versions.
  package var time: Double?
  /// The line's finite numbers by name, without `step` and `time`.
  package var values: [String: Double]

  /// A line; nil where it is no step or evaluation.
  package init?(_ line: JSONObject) {
    let events = ["reload", "strategy", "swap"]
    guard let step = line["step"]?.integer, !events.contains(where: { line[$0] != nil }) else { return nil }
    self.step = step
    isEvaluation = line["evaluation"] != nil
    time = line[Self.timeName]?.double
    values = [:]
    for key in line.keys where key != "step" && key != Self.timeName {
      if let value = line[key]?.double, value.isFinite { values[key] = value }
    }
  }

  /// A line by its parts.
  package init(step: Int, isEvaluation: Bool, values: [String: Double], time: Double? = nil) {
    (self.step, self.isEvaluation, self.values, self.time) = (step, isEvaluation, values, time)
  }

  /// The name of the time in a line.
  package static let timeName = "time"

  /// Seconds since 1970, to the millisecond.
  package static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec / 1_000_000) / 1000
  }

  /// As TensorBoard shows them.
  package var scalars: [(tag: String, value: Double)] {
    let group = isEvaluation ? "dev/" : "train/"
    return values.sorted { $0.key < $1.key }.map { (group + $0.key, $0.value) }
  }
}

extension RunIdentity {
  /// What decides the numbers, as hyperparameters: flags without dashes, parameters of components by their names.
  package var hyperparameters: [(name: String, value: JSONValue)] {
    var result: [(name: String, value: JSONValue)] = []
    for key in members.keys where key.hasPrefix("--") && !key.contains("(sha256") {
      guard let value = members[key], value != .null, value.array == nil, value.object == nil else { continue }
      result.append((String(key.dropFirst(2)), number(value)))
    }
    let components = members[Self.plugins]?.array?.compactMap(\.object) ?? []
    let contrasted = components.filter { $0["kind"]?.string != ComponentKind.pooler.rawValue }
    let first = contrasted.compactMap(shortName).joined(separator: " + ")
    let course = ([first] + (members[Self.changes]?.array ?? []).map(Self.shortText)).joined(separator: " then ")
    result.append(("strategy", .string(course)))
    for component in components {
      guard let name = shortName(component), let parameters = component["parameters"]?.object else { continue }
      result += parameters.keys.map { ("\(name).\($0)", number(parameters[$0] ?? .null)) }
    }
    // A component that is there twice would have two values under one name.
    var seen = Set<String>()
    return result.filter { seen.insert($0.name).inserted }
  }

  private func shortName(_ component: JSONObject) -> String? {
    component["id"]?.string.map { Self.typedName(ofComponent: $0) }
  }

  /// Numbers stand as texts where they are larger than doubles hold, and as they were typed.
  private func number(_ value: JSONValue) -> JSONValue {
    guard let text = value.string else { return value }
    if text == "true" || text == "false" { return .bool(text == "true") }
    return Double(text).flatMap { $0.isFinite ? .number($0) : nil } ?? value
  }
}
