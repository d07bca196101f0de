// What decides the numbers of a run, by name, and its hash: by it a finished run is found again, whatever label it
// had, a changed one is recognised, and a checkpoint or a record says what it belongs to. Threads and paths are left
// out.

package import Files
package import Host

/// Everything that determines one training run.
package struct RunIdentity: Sendable, Equatable {
  /// What a run may go on without agreeing in: who looks on, the program's version, which encoder computes.
  package static let observers = ["--shadow", "mixcse", encoder, earlierEncoders]

  /// The steps after which a finished run was extended; not of one that was trained at a stretch.
  package static let extensions = "extended after steps"
  /// The strategies that somebody swapped in by hand; not of a run that was left alone.
  package static let swaps = "swapped by hand"
  /// What happened to a run, which whoever goes on with it takes over.
  static let history = [extensions, swaps]
  /// The strategies that take over on the way; not of a run that has one.
  package static let changes = "--then"
  /// What decides how long a run is.
  package static let lengths = ["--max-steps", "--epochs"]

  /// Values by flag, hashes of what was read, components with their parameters and libraries.
  package internal(set) var members: JSONObject

  /// - Parameter members: distinct names; their order counts.
  package init(_ members: [(String, JSONValue)]) { self.members = JSONObject(members) }

  /// An identity as a record holds it.
  package init(_ members: JSONObject) { self.members = members }

  /// 64 hexadecimal digits.
  package var hash: String { SHA256.digits(of: Array(JSONValue.object(members).text(indent: nil).utf8)) }

  /// The steps after which a finished run was extended.
  package var extensions: [Int] {
    get { (members[Self.extensions]?.array ?? []).compactMap(\.integer) }
    set { members[Self.extensions] = newValue.isEmpty ? nil : newValue.json }
  }

  /// The strategies that were swapped in by hand.
  var swaps: [JSONValue] {
    get { members[Self.swaps]?.array ?? [] }
    set { members[Self.swaps] = newValue.isEmpty ? nil : .array(newValue) }
  }

  /// What happened to the run so far, as an earlier identity of it says.
  mutating func takeHistory(of earlier: RunIdentity) {
    (extensions, swaps) = (earlier.extensions, earlier.swaps)
    members[Self.earlierEncoders] = earlier.members[Self.earlierEncoders]
  }

  /// The members that differ from an earlier run's.
  func changes(from earlier: RunIdentity, ignoring ignored: [String]) -> [String] {
    let keys = earlier.members.keys + members.keys.filter { earlier.members[$0] == nil }
    return keys.filter { !ignored.contains($0) && earlier.members[$0] != members[$0] }
  }

  /// What differs from an earlier run, a line each.
  /// - Parameters:
  ///   - earlier: the other run.
  ///   - names: what the two are called: `then` and `now`.
  ///   - ignored: members that may differ.
  package func differences(
    from earlier: RunIdentity, called names: (then: String, now: String) = ("then", "now"),
    ignoring ignored: [String] = []
  ) -> [String] {
    let changed = changes(from: earlier, ignoring: ignored)
    return changed.flatMap { key in
      let (old, new) = (earlier.members[key], members[key])
      let found =
        if key == Self.plugins, let old = old?.array, let new = new?.array {
          ComponentDifferences(old, new).found.filter { $0.place != "--pooler" || !changed.contains($0.place) }
        } else if key == Self.changes || key == Self.swaps {
          Self.changeDifferences(key, old?.array ?? [], new?.array ?? [])
        } else {
          Self.differences(key, old, new)
        }
      return found.map { "\($0.place): \($0.old) \(names.then), \($0.new) \(names.now)" }
    }
  }

  static let plugins = "plugins"

  /// Where the strategies of two runs that take over on the way differ.
  static func changeDifferences(
    _ label: String, _ old: [JSONValue], _ new: [JSONValue]
  ) -> [(place: String, old: String, new: String)] {
    let (then, now) = (old.map(shortText), new.map(shortText))
    func list(_ texts: [String]) -> String { texts.isEmpty ? "nothing" : texts.joined(separator: ", ") }
    guard then == now else { return [(label, list(then), list(now))] }
    return zip(old, new).enumerated().flatMap { index, pair -> [(place: String, old: String, new: String)] in
      let (old, new) = (pair.0.object ?? JSONObject(), pair.1.object ?? JSONObject())
      let place = "\(label) \(then[index])"
      return ComponentDifferences(old[plugins]?.array ?? [], new[plugins]?.array ?? []).found.map {
        ("\(place): \($0.place)", $0.old, $0.new)
      } + differences("\(place): --schedule", old["--schedule"], new["--schedule"])
    }
  }

  /// `500: mixcse + infonce`
  static func shortText(_ change: JSONValue) -> String {
    let ids = (change.object?[plugins]?.array ?? []).compactMap { $0.object?["id"]?.string }
    let names = ids.map { typedName(ofComponent: $0) }.joined(separator: " + ")
    return "\(change.object?["step"]?.integer ?? 0): \(names)"
  }

  /// `vendor.name/1`: what people type is the name.
  static func typedName(ofComponent id: String) -> String {
    String(id.prefix { $0 != "/" }.split(separator: ".").last ?? "?")
  }

  /// Where two values differ: members of objects and elements of lists of one length are looked at one by one.
  fileprivate static func differences(
    _ place: String, _ old: JSONValue?, _ new: JSONValue?
  ) -> [(place: String, old: String, new: String)] {
    if old == new { return [] }
    if let old = old?.object, let new = new?.object {
      let keys = old.keys + new.keys.filter { old[$0] == nil }
      return keys.flatMap { differences("\(place).\($0)", old[$0], new[$0]) }
    }
    if let old = old?.array, let new = new?.array, old.count == new.count {
      return zip(old, new).enumerated().flatMap { differences("\(place)[\($0 + 1)]", $1.0, $1.1) }
    }
    return [(place, short(old), short(new))]
  }

  /// The first digits of a hash, the first words of anything else that is long.
  private static func short(_ value: JSONValue?) -> String {
    if let text = value?.string, text.count == 64, text.allSatisfy(\.isHexDigit) { return text.prefix(12) + "..." }
    let text = value?.text(indent: nil) ?? "nothing"
    return text.count > 60 ? text.prefix(50) + "... (\(text.count) characters)" : text
  }
}

/// What differs between the components of two runs, in the words of the command line.
private struct ComponentDifferences {
  private(set) var found: [(place: String, old: String, new: String)] = []

  init(_ old: [JSONValue], _ new: [JSONValue]) {
    let (then, now) = (old.map(Component.init), new.map(Component.init))
    for (place, isPooler) in [("strategy", false), ("--pooler", true)] {
      let (then, now) = (then.filter { $0.isPooler == isPooler }, now.filter { $0.isPooler == isPooler })
      if then.map(\.name) == now.map(\.name) {
        for (one, other) in zip(then, now) { compare(one, other) }
      } else {
        found.append((place, Self.text(then), Self.text(now)))
      }
    }
  }

  private struct Component {
    let name: String
    let isPooler: Bool
    let members: JSONObject

    init(_ json: JSONValue) {
      members = json.object ?? JSONObject()
      name = RunIdentity.typedName(ofComponent: members["id"]?.string ?? "?")
      isPooler = members["kind"]?.string == ComponentKind.pooler.rawValue
    }
  }

  private static func text(_ components: [Component]) -> String {
    components.isEmpty ? "nothing" : components.map(\.name).joined(separator: " + ")
  }

  private mutating func compare(_ old: Component, _ new: Component) {
    for key in old.members.keys + new.members.keys.filter({ old.members[$0] == nil }) {
      for (place, then, now) in RunIdentity.differences(key, old.members[key], new.members[key]) {
        let value = place.hasPrefix("parameters.") ? "." + place.dropFirst("parameters.".count) : " (\(place))"
        found.append(("\(old.name)\(value)", then, now))
      }
    }
  }
}

// MARK: - Components

extension RunIdentity {
  /// The identity of a run whose names are looked up.
  /// - Parameters:
  ///   - plan: what is run.
  ///   - inputs: the hashes of what it reads.
  ///   - current: the build of a component that is in use now, where plugins are reloaded.
  /// - Throws: `PluginError`, `UsageError`
  package init(
    _ plan: TrainingPlan, inputs: RunInputs, current: (PluginComponent) -> PluginComponent = { $0 }
  ) throws {
    let uses =
      plan.strategy.uses + plan.pooler.uses + (plan.evaluationPooler?.uses ?? [])
    self.init(
      plan.description.deciding + inputs.members + [
        ("--schedule", .array(plan.schedules.map(\.record))),
        ("--shadow", .array(plan.description.strategy.shadows.map { .string($0) })),
        (Self.plugins, .array(try uses.map { try Self.record($0, current($0.component)) })),
        ("mixcse", .string(plan.origin.version)),
      ]
        + (plan.changes.isEmpty
          ? []
          : [(Self.changes, .array(try plan.changes.map { try Self.record($0, current: current) }))])
        + (plan.encoder.map { [(Self.encoder, Self.record($0))] } ?? []))
  }

  /// What identifies a strategy that takes over on the way.
  static func record(
    _ change: PlannedChange, current: (PluginComponent) -> PluginComponent = { $0 }
  ) throws -> JSONValue {
    .object(
      JSONObject([
        ("step", .integer(change.step)), ("--schedule", .array(change.schedules.map(\.record))),
        (plugins, .array(try change.strategy.uses.map { try record($0, current($0.component)) })),
      ]))
  }

  /// What identifies one use of a component.
  private static func record(_ use: ComponentUse, _ component: PluginComponent) throws -> JSONValue {
    let parameters = try ParameterSettings(
      declarations: component.parameters, component: component.name, settings: use.spec.settings)
    return .object(
      JSONObject(
        [
          ("kind", .string(component.kind.rawValue)), ("id", .string(component.id)), ("weight", .number(use.weight)),
          ("parameters", .object(JSONObject(try zip(parameters.declarations, parameters.texts).map(value)))),
          ("version", .string(component.library.version)), ("sha256", .string(component.library.sha256)),
        ] + (component.library.sidecar.map { [("functions", .string($0))] } ?? [])))
  }

  /// A parameter as it decides a run: of a file what is in it, not where it lies.
  private static func value(
    _ declaration: ParameterDeclaration, _ parameter: (name: String, text: String)
  ) throws -> (String, JSONValue) {
    let isFile = declaration.type == .path && !parameter.text.isEmpty
    return (parameter.name, .string(isFile ? try fileDigest(parameter.text).sha256 : parameter.text))
  }

  /// What of the files and libraries behind an earlier record is no longer the same; what was named again is not
  /// looked at.
  /// - Parameter renamed: the flags that name another file or folder than the record's.
  func lost(from earlier: RunIdentity, renamed: [String]) -> [String] {
    let files = members.keys.filter { key in
      key.contains("(sha256") && !renamed.contains { key.hasPrefix($0 + " ") }
    }
    let gone = earlier.members.keys.filter { key in
      key.contains("(sha256") && members[key] == nil && !renamed.contains { key.hasPrefix($0 + " ") }
    }
    let changes = (files + gone).compactMap { key -> String? in
      let (old, new) = (earlier.members[key], members[key])
      return old == new ? nil : "\(key): \(Self.short(old)) then, \(Self.short(new)) now"
    }
    let (then, now) = (Self.libraries(earlier), Self.libraries(self))
    return changes
      + now.compactMap { id, sha256 in
        guard let old = then.first(where: { $0.id == id }), old.sha256 != sha256 else { return nil }
        return "plugin \(id) (sha256): \(old.sha256) then, \(sha256) now"
      }
  }

  /// Components with the hashes of their libraries.
  private static func libraries(_ identity: RunIdentity) -> [(id: String, sha256: String)] {
    var result: [(id: String, sha256: String)] = []
    let later = ((identity.members[changes]?.array ?? []) + identity.swaps).flatMap { $0.object?[plugins]?.array ?? [] }
    for use in (identity.members[plugins]?.array ?? []) + later {
      guard let id = use.object?["id"]?.string, var sha256 = use.object?["sha256"]?.string else { continue }
      if let functions = use.object?["functions"]?.string { sha256 += ", functions " + functions }
      if !result.contains(where: { $0.id == id }) { result.append((id, sha256)) }
    }
    return result
  }
}
