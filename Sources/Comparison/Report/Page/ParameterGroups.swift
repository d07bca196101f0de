// Strategies that differ in one number only: what a grid of values leaves. Found for the parameters' section.

import Training

/// Strategies of the same parts that differ in the value of one parameter.
struct ParameterGroup {
  /// `mixcse.lambda`, `learning-rate`.
  var parameter: String
  /// What distinguishes the group from others of the same parameter; empty for the only one.
  var name = ""
  /// In the order of the values.
  var points: [(strategy: Int, value: Double, text: String)]

  /// Groups of two or more, parameter by parameter in the order of the strategies' values. A grid of two parameters has
  /// groups for both.
  static func all(_ strategies: [ComparedStrategy]) -> [(parameter: String, groups: [ParameterGroup])] {
    var parameters: [String] = []
    for value in strategies.flatMap(\.values) where !parameters.contains(value.name) { parameters.append(value.name) }
    return parameters.compactMap { parameter in
      let groups = groups(of: parameter, strategies)
      return groups.isEmpty ? nil : (parameter, groups)
    }
  }

  private static func groups(of parameter: String, _ strategies: [ComparedStrategy]) -> [ParameterGroup] {
    var found: [(others: [String], points: [(strategy: Int, value: Double, text: String)])] = []
    for (index, strategy) in strategies.enumerated() {
      guard let text = strategy.values.first(where: { $0.name == parameter })?.text, let value = Double(text),
        value.isFinite
      else { continue }
      let others = parts(strategy) + strategy.values.filter { $0.name != parameter }.map { "\($0.name)=\($0.text)" }
      let place = found.firstIndex { $0.others == others } ?? found.count
      if place == found.count { found.append((others, [])) }
      // The same value under another label is the same run.
      let isKnown = found[place].points.contains { $0.value == value }
      if !isKnown { found[place].points.append((index, value, text)) }
    }
    let groups = found.filter { $0.points.count > 1 }
    let names = groups.map { group in name(of: group.points.map { strategies[$0.strategy].label }) }
    let isClear = !names.contains("") && Set(names).count == names.count
    return groups.enumerated().map { index, group in
      let others = group.others.filter { other in !groups.allSatisfy { $0.others.contains(other) } }
      return ParameterGroup(
        parameter: parameter, name: isClear ? names[index] : others.joined(separator: ", "),
        points: group.points.sorted { $0.value < $1.value })
    }
  }

  /// What labels have in common before and behind the part that differs, cut where a part of a label ends:
  /// `mixcse:lambda=0.1 learning-rate=1e-6` and `mixcse:lambda=0.3 learning-rate=1e-6` are `mixcse
  /// learning-rate=1e-6`. Empty where labels that users chose say nothing.
  private static func name(of labels: [String]) -> String {
    guard let first = labels.first, let shortest = labels.map(\.count).min() else { return "" }
    func isCommon(_ part: (String) -> Substring) -> Bool { labels.allSatisfy { part($0) == part(first) } }
    let head = (0...shortest).last { count in isCommon { $0.prefix(count) } } ?? 0
    let tail = (0...(shortest - head)).last { count in isCommon { $0.suffix(count) } } ?? 0
    let before = first.prefix(head)
    let end = before.lastIndex { " :,+".contains($0) } ?? before.startIndex
    return String(before[..<end]) + first.suffix(tail).drop { !" ,+".contains($0) }
  }

  /// Samplers and losses without their parameters, and schedules as they are.
  private static func parts(_ strategy: ComparedStrategy) -> [String] {
    strategy.canonical.split(separator: " ").map { part in
      ["sampler:", "loss:"].contains { part.hasPrefix($0) }
        ? part.split(separator: ":").prefix(2).joined(separator: ":") : String(part)
    }
  }
}
