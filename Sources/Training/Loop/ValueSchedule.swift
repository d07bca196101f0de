// Numbers that change from step to step: the learning rate, or a live parameter of a plugin. Written as
// `mixcse.lambda=linear(0.1,0.4)` or `learning-rate=./libmine.so:warm`; the training loop asks before each step.

import Files
import Foundation
package import Host

/// One `--schedule`, before its target is looked up.
package struct ValueSchedule {
  /// How a number is made from the progress of the run.
  package enum Form {
    /// A straight line from the first step to the last, or over the first `steps` steps, and constant from there on.
    case linear(from: Double, to: Double, steps: Int?)
    /// The same ends along half a cosine: slow at both, fast between.
    case cosine(from: Double, to: Double, steps: Int?)
    case function(ScheduleFunction)
  }

  package static let learningRate = "learning-rate"

  /// As typed.
  package let text: String
  /// `learning-rate`, or `component.param`.
  package let target: String
  package let form: Form

  /// Reads `TARGET=FORM`.
  /// - Throws: `TrainingError.usage`; `PluginError` for functions.
  package init(parsing text: String, registry: PluginRegistry) throws {
    self.text = text
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
      throw Self.usage(text, "TARGET=FORM, such as mixcse.lambda=linear(0.1,0.4)", "no '='")
    }
    target = String(text[..<equals])
    let right = String(text[text.index(after: equals)...])
    guard target == Self.learningRate || target.dropFirst().dropLast().contains(".") else {
      throw Self.usage(text, "learning-rate or component.param before '='", "'\(target)'")
    }
    form = try Self.simple(right, in: text) ?? .function(ScheduleFunction(parsing: right, registry: registry))
  }

  /// `linear(a,b)`, `cosine(a,b)`, each with an optional third number of steps; nil for anything else.
  private static func simple(_ text: String, in whole: String) throws -> Form? {
    guard let open = text.firstIndex(of: "("), ["linear", "cosine"].contains(text[..<open]) else { return nil }
    let numbers = text[text.index(after: open)...].dropLast().split(separator: ",", omittingEmptySubsequences: false)
      .map { Double($0.trimmingCharacters(in: .whitespaces)) }
    let steps = numbers.count == 3 ? numbers[2].flatMap { Int(exactly: $0) } : nil
    guard text.hasSuffix(")"), (2...3).contains(numbers.count), let from = numbers[0], let to = numbers[1],
      from.isFinite, to.isFinite, numbers.count == 2 || steps ?? 0 >= 1
    else {
      throw usage(whole, "\(text[..<open])(from,to) or \(text[..<open])(from,to,steps) with steps of at least 1", text)
    }
    let isLine = text.hasPrefix("linear")
    return isLine ? .linear(from: from, to: to, steps: steps) : .cosine(from: from, to: to, steps: steps)
  }

  /// The number for `step`, from 0 to `total` - 1; `epoch` with its fraction.
  /// - Throws: `PluginError` where a function cannot be called.
  package func value(step: Int, total: Int, epoch: Double) throws -> Double {
    func share(_ steps: Int?) -> Double {
      let last = steps ?? total - 1
      return last < 1 ? 1 : min(1, Double(step) / Double(last))
    }
    switch form {
    case .linear(let from, let to, let steps):
      let share = share(steps)
      return (1 - share) * from + share * to
    case .cosine(let from, let to, let steps): return to + (from - to) * (1 + cos(.pi * share(steps))) / 2
    case .function(let function): return try function.value(step: step, total: total, epoch: epoch)
    }
  }

  /// The instance and its parameter in a target that is not the learning rate.
  package var owner: String { String(target[..<(target.lastIndex(of: ".") ?? target.startIndex)]) }
  fileprivate var parameter: String { String(target[(target.lastIndex(of: ".") ?? target.startIndex)...].dropFirst()) }

  /// Checks the parameter and the numbers known beforehand against what the owner declares.
  /// - Throws: `TrainingError.usage` where there is no such parameter, it may not change, or a number leaves its range.
  package func check(among declarations: [ParameterDeclaration]) throws {
    let live = declarations.filter { $0.live && ($0.type == .float || $0.type == .int) }
    guard let declaration = live.first(where: { $0.name == parameter }) else {
      let names = live.map(\.name).joined(separator: ", ")
      let choice = live.isEmpty ? "\(owner) has none" : "\(owner) has \(names)"
      throw Self.usage(text, "a number that may change between steps, a 'live' parameter (\(choice))", "'\(parameter)'")
    }
    if let range = declaration.range, let end = ends.first(where: { !range.contains($0) }) {
      throw Self.usage(text, "numbers in \(range)", "\(end)")
    }
  }

  /// What a resumed run must agree in.
  var record: JSONValue {
    guard case .function(let function) = form else { return .string(text) }
    return .string("\(text) (sha256 \(function.component.library.sha256))")
  }

  /// The ends of a form that is known beforehand.
  fileprivate var ends: [Double] {
    switch form {
    case .linear(let from, let to, _), .cosine(let from, let to, _): [from, to]
    case .function: []
    }
  }

  fileprivate static func usage(_ text: String, _ expected: String, _ found: String) -> TrainingError {
    .usage(
      place: "--schedule \(text)", expected: expected, found: found,
      advice: "See Documentation/Training.md, Numbers that change from step to step")
  }
}

/// A schedule with what it drives.
package struct RunningSchedule {
  let schedule: ValueSchedule
  /// Nil for the learning rate, which the loop takes itself.
  private let values: ParameterValues?
  private let parameter: String

  /// The name of its number in metrics.jsonl.
  var metric: String { "schedule." + schedule.target }
  var drivesLearningRate: Bool { values == nil }

  /// Finds the target of each schedule among the instances of a run.
  /// - Throws: `TrainingError.usage` for targets that do not exist, may not change or are given twice.
  package static func bind(
    _ schedules: [ValueSchedule], to instances: [PluginInstance], options: TrainingOptions, learnsTemperature: Bool
  ) throws -> [RunningSchedule] {
    for (index, schedule) in schedules.enumerated()
    where schedules[..<index].contains(where: { $0.target == schedule.target }) {
      throw ValueSchedule.usage(schedule.text, "one schedule for \(schedule.target)", "two")
    }
    return try schedules.map { schedule in
      guard schedule.target != ValueSchedule.learningRate else {
        guard options.warmupSteps == 0 else {
          throw ValueSchedule.usage(schedule.text, "the whole course of the rate in the schedule", "--warmup-steps")
        }
        if let end = schedule.ends.first(where: { !(0...1).contains($0) }) {
          throw ValueSchedule.usage(schedule.text, "rates from 0 to 1", "\(end)")
        }
        return RunningSchedule(schedule: schedule, values: nil, parameter: "")
      }
      return try parameter(schedule, among: instances, learnsTemperature: learnsTemperature)
    }
  }

  private static func parameter(
    _ schedule: ValueSchedule, among instances: [PluginInstance], learnsTemperature: Bool
  ) throws -> RunningSchedule {
    guard let instance = instances.first(where: { $0.name == schedule.owner }) else {
      let known = instances.map(\.name).joined(separator: ", ")
      throw ValueSchedule.usage(schedule.text, "a component of this run (\(known))", "'\(schedule.owner)'")
    }
    try schedule.check(among: instance.values.declarations)
    if learnsTemperature, schedule.parameter == "temperature" {
      throw ValueSchedule.usage(schedule.text, "a temperature that is not learned", "--learn-temperature")
    }
    return RunningSchedule(schedule: schedule, values: instance.values, parameter: schedule.parameter)
  }

  /// Computes the number for a step and puts it where the plugin reads it; no call may be running.
  /// - Throws: `TrainingError.schedule`.
  func apply(step: Int, total: Int, epoch: Double) throws -> Double {
    do {
      let value = try schedule.value(step: step, total: total, epoch: epoch)
      guard let values else {
        guard (0...1).contains(value) else { throw RangeProblem(found: value) }
        return value
      }
      let isWhole = values.declarations.first { $0.name == parameter }?.type == .int
      try values.set(parameter, to: isWhole ? value.rounded() : value)
      return values.double(parameter) ?? value
    } catch {
      throw TrainingError.schedule(text: schedule.text, step: step, problem: "\(error)")
    }
  }

  private struct RangeProblem: Error, CustomStringConvertible {
    let found: Double
    var description: String { "expected a learning rate from 0 to 1, found \(found)" }
  }
}
