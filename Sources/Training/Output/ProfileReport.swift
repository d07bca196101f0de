// A profile as a table for people and as JSON: `train --profile` of a run's steps, which run.json holds, too, and
// `evaluate --profile` of all it does.

package import Files
package import Kernels

/// Seconds and share of each phase, and the rates of the products in it.
package struct ProfileReport {
  /// The phases of one group, the longest first.
  struct Group {
    var name: String
    var phases: [Profile.Phase]
    var seconds: Double { phases.reduce(0) { $0 + $1.seconds } }
    var operations: Double { phases.reduce(0) { $0 + $1.operations } }
    var productSeconds: Double { phases.reduce(0) { $0 + $1.productSeconds } }
  }

  /// What was measured.
  package enum Whole: String, Sendable {
    case steps = "whole step"
    /// All that a command did, once.
    case run = "whole run"
  }

  let groups: [Group]
  let whole: Whole
  let steps: Int
  let threads: Int
  var seconds: Double { groups.reduce(0) { $0 + $1.seconds } }

  /// Takes what was measured so far.
  package init(_ profile: Profile, of whole: Whole = .steps) {
    self.whole = whole
    var names: [String] = []
    for phase in profile.phases where !names.contains(phase.group) { names.append(phase.group) }
    groups = names.map { name in
      Group(name: name, phases: profile.phases.filter { $0.group == name }.sorted { $0.seconds > $1.seconds })
    }.sorted { $0.seconds > $1.seconds }
    steps = profile.steps
    threads = profile.threads
  }

  /// A table: a line for each group, and one for each phase in it.
  package var text: String {
    let head = ["phase", "seconds", "share", "ms/step", "GFLOP/s", "in products"]
    var rows = [head]
    for group in groups {
      rows.append(row(group.name, group.seconds, group.operations, group.productSeconds))
      guard group.phases.count > 1 else { continue }
      for phase in group.phases {
        let name = "  " + phase.name.dropFirst(group.name.count + 1)
        rows.append(row(name, phase.seconds, phase.operations, phase.productSeconds))
      }
    }
    rows.append(row(whole.rawValue, seconds, groups.reduce(0) { $0 + $1.operations }, 0))
    if whole == .run { rows = rows.map { $0.enumerated().filter { $0.offset != Self.stepColumn }.map(\.element) } }
    let work = whole == .steps ? "\(steps) steps on" : "On"
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      row.indices.map { column in
        let space = String(repeating: " ", count: widths[column] - row[column].count)
        return column == 0 ? row[column] + space : space + row[column]
      }.joined(separator: "  ")
    }.joined(separator: "\n")
      + "\n\(work) \(threads) threads. GFLOP/s: needed operations per second of the phase; in products: per "
      + "second inside of matrix products."
  }

  /// The place of the seconds a step among the cells of a row.
  private static let stepColumn = 3

  private func row(_ name: String, _ seconds: Double, _ operations: Double, _ products: Double) -> [String] {
    [
      name, fixed(seconds, 3), fixed(self.seconds > 0 ? 100 * seconds / self.seconds : 0, 2) + " %",
      fixed(steps > 0 ? 1000 * seconds / Double(steps) : 0, 2),
      operations > 0 && seconds > 0 ? fixed(operations / seconds * 1e-9, 1) : "",
      products > 0 ? fixed(operations / (products / Double(threads)) * 1e-9, 1) : "",
    ]
  }

  /// `{"steps", "threads", "seconds", "operations", "groups": {name: {"seconds", "share", "phases": {...}}}}`; without
  /// `steps` where there are none.
  package var json: JSONValue {
    let total = seconds
    func members(_ seconds: Double, _ operations: Double, _ products: Double) -> [(String, JSONValue)] {
      [
        ("seconds", .number(seconds)), ("share", .number(total > 0 ? seconds / total : 0)),
        ("operations", .number(operations)), ("productThreadSeconds", .number(products)),
      ]
    }
    let parts = groups.map { group -> (String, JSONValue) in
      let phases = group.phases.map { phase -> (String, JSONValue) in
        let all = members(phase.seconds, phase.operations, phase.productSeconds) + [("calls", .integer(phase.calls))]
        return (String(phase.name.dropFirst(group.name.count + 1)), .object(JSONObject(all)))
      }
      let own = members(group.seconds, group.operations, group.productSeconds)
      return (group.name, .object(JSONObject(own + [("phases", .object(JSONObject(phases)))])))
    }
    let head: [(String, JSONValue)] = whole == .steps ? [("steps", .integer(steps))] : []
    return .object(
      JSONObject(
        head + [
          ("threads", .integer(threads)), ("seconds", .number(total)),
          ("operations", .number(groups.reduce(0) { $0 + $1.operations })), ("groups", .object(JSONObject(parts))),
        ]))
  }
}

/// The seconds of one step by group, for its line in metrics.jsonl.
final class StepClock {
  private var before: [String: Double] = [:]

  /// Seconds since the last call, by group; the step's own logging counts to the next one.
  func seconds(_ profile: Profile) -> JSONValue {
    var now: [String: Double] = [:]
    var names: [String] = []
    for phase in profile.phases {
      if now[phase.group] == nil { names.append(phase.group) }
      now[phase.group, default: 0] += phase.seconds
    }
    defer { before = now }
    return .object(JSONObject(names.map { ($0, .number((now[$0] ?? 0) - (before[$0] ?? 0))) }))
  }
}
