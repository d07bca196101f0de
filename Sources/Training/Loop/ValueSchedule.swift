// Numbers that change from step to step: the learning rate, or a live parameter of a plugin. Written as
// `mixcse.lambda=linear(0.1,0.4)` or `learning-rate=./libmine.so:warm`; the training loop asks before each step.

import Files
package import Host
import Objective

/// One `--schedule`, before its target is looked up.
package struct ValueSchedule {
  /// How a number is made from the progress of the run.
  package enum Form {
    /// From one number to another along a curve.
    case curve(ScheduleForm)
    /// What a plugin's function returns.
    case function(ScheduleFunction)
  }

  /// The target that is no parameter of a plugin.
  package static let learningRate = "learning-rate"

  /// As typed.
  package let text: String
  /// `learning-rate`, or `component.param`.
  package let target: String
  /// How the number is made.
  package let form: Form

  /// Reads `TARGET=FORM`.
  /// - Throws: `TrainingError.usage`; `PluginError`, `UsageError` for functions.
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
    form = try Self.curve(right, in: text) ?? .function(ScheduleFunction(parsing: right, registry: registry))
  }

  /// A form such as `linear(a,b)`; nil for anything else.
  private static func curve(_ text: String, in whole: String) throws -> Form? {
    guard let curve = ScheduleForm.curve(of: text) else { return nil }
    guard let form = ScheduleForm(text) else { throw usage(whole, ScheduleForm.syntax(curve), text) }
    return .curve(form)
  }

  /// The number for `step`, from 0 to `total` - 1; `epoch` with its fraction.
  /// - Throws: `UsageError` where a function cannot be called.
  package func value(step: Int, total: Int, epoch: Double) throws -> Double {
    switch form {
    case .curve(let form): form.value(step: step, total: total)
    case .function(let function): try function.value(step: step, total: total, epoch: epoch)
    }
  }

  /// The instance and its parameter in a target that is not the learning rate.
  package var owner: String { String(target[..<(target.lastIndex(of: ".") ?? target.startIndex)]) }
  fileprivate var parameter: String { String(target[(target.lastIndex(of: ".") ?? target.startIndex)...].dropFirst()) }

  /// Checks the parameter and the numbers known beforehand against what the owner declares.
  /// - Throws: `TrainingError.usage` where there is no such parameter, it may not change, a number leaves its range, or
  ///   the parameter is a temperature that is learned.
  package func check(among declarations: [ParameterDeclaration], learnsTemperature: Bool = false) throws {
    let live = declarations.filter { $0.live && ($0.type == .float || $0.type == .int) }
    guard let declaration = live.first(where: { $0.name == parameter }) else {
      let names = live.map(\.name).joined(separator: ", ")
      let choice = live.isEmpty ? "\(owner) has none" : "\(owner) has \(names)"
      throw Self.usage(text, "a number that may change between steps, a 'live' parameter (\(choice))", "'\(parameter)'")
    }
    if let range = declaration.range, let end = ends.first(where: { !range.contains($0) }) {
      throw Self.usage(text, "numbers in \(range)", "\(end)")
    }
    if learnsTemperature, parameter == "temperature" {
      throw Self.usage(text, "a temperature that is not learned", "--learn-temperature")
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
    case .curve(let form): [form.from, form.to]
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
  /// Of the component and of its copies on fewer dimensions; empty for the learning rate, which the loop takes itself.
  private let values: [ParameterValues]
  private let parameter: String
  /// The steps it runs over: those of its strategy, or all for the learning rate.
  private let steps: Range<Int>?

  /// The name of its number in metrics.jsonl.
  var metric: String { "schedule." + schedule.target }
  var drivesLearningRate: Bool { values.isEmpty }

  /// Finds the target of each schedule among the instances of a run.
  /// - Parameter steps: those of the strategy, from 0; the learning rate's are all of the run.
  /// - Throws: `TrainingError.usage` for targets that do not exist, may not change or are given twice.
  package static func bind(
    _ schedules: [ValueSchedule], to instances: [PluginInstance], options: TrainingOptions, learnsTemperature: Bool,
    steps: Range<Int>
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
        return RunningSchedule(schedule: schedule, values: [], parameter: "", steps: nil)
      }
      return try parameter(schedule, among: instances, learnsTemperature: learnsTemperature, steps: steps)
    }
  }

  private static func parameter(
    _ schedule: ValueSchedule, among instances: [PluginInstance], learnsTemperature: Bool, steps: Range<Int>
  ) throws -> RunningSchedule {
    guard let instance = instances.first(where: { $0.name == schedule.owner }) else {
      let known = instances.map(\.name).joined(separator: ", ")
      throw ValueSchedule.usage(schedule.text, "a component of this run (\(known))", "'\(schedule.owner)'")
    }
    try schedule.check(among: instance.values.declarations, learnsTemperature: learnsTemperature)
    let copies = instances.filter { wholeInstance(ofCopy: $0.name) == instance.name }
    return RunningSchedule(
      schedule: schedule, values: ([instance] + copies).map(\.values), parameter: schedule.parameter, steps: steps)
  }

  /// Computes the number for a step and puts it where the plugin reads it; no call may be running. After the last step
  /// its number stays.
  /// - Throws: `TrainingError.schedule`.
  func apply(step: Int, total: Int, epoch: Double) throws -> Double {
    do {
      let steps = steps ?? 0..<total
      let value = try schedule.value(
        step: min(step, steps.upperBound - 1) - steps.lowerBound, total: steps.count, epoch: epoch)
      guard let first = values.first else {
        guard (0...1).contains(value) else { throw RangeProblem(found: value) }
        return value
      }
      let isWhole = first.declarations.first { $0.name == parameter }?.type == .int
      for values in values { try values.set(parameter, to: isWhole ? value.rounded() : value) }
      return first.double(parameter) ?? value
    } catch {
      throw TrainingError.schedule(text: schedule.text, step: step, problem: "\(error)")
    }
  }

  private struct RangeProblem: Error, CustomStringConvertible {
    let found: Double
    var description: String { "expected a learning rate from 0 to 1, found \(found)" }
  }
}
