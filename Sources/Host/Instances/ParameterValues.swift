// The values of one component's parameters, in the memory a plugin reads them from.
// Made by the objective for each instance; a schedule changes live ones between steps.

import Glibc
import Kernels
package import PluginAPI
package import PluginGrammar
package import PluginLoading

/// The parameters of one plugin instance: parsed, defaulted, range-checked, in declared order.
///
/// `pointer` stays the same for the life of this object; the strings it points to are owned here.
package final class ParameterValues {
  package let declarations: [ParameterDeclaration]
  /// What plugins see as `call->values`: one `cse_value` per declaration.
  package let pointer: UnsafePointer<cse_value>

  private let storage: UnsafeMutablePointer<cse_value>
  private var strings: [UnsafeMutablePointer<CChar>?]
  private var values: [ParameterValue]
  private var wasSet: Set<String> = []
  private let component: String

  /// The defaults of `component`, with `settings` (name and text) applied in order.
  /// - Throws: `UsageError.unknownParameter`, `.badValue` or `.settingTwice`.
  package convenience init(for component: PluginComponent, settings: [(String, String)]) throws {
    try self.init(declarations: component.parameters, component: component.name, settings: settings)
  }

  package init(declarations: [ParameterDeclaration], component: String, settings: [(String, String)]) throws {
    self.declarations = declarations
    self.component = component
    values = declarations.map(\.default)
    strings = declarations.map { _ in nil }
    // Never empty, so that a plugin without parameters still gets an address.
    storage = .visible(.shown, capacity: max(1, declarations.count), repeating: cse_value(i: 0))
    pointer = UnsafePointer(storage)
    for index in values.indices { store(values[index], at: index) }
    for (position, (name, text)) in settings.enumerated() {
      if settings[..<position].contains(where: { $0.0 == name }) {
        throw UsageError.settingTwice(component: component, parameter: name)
      }
      try set(name, to: text)
    }
  }

  deinit {
    for string in strings { string?.freeVisible() }
    storage.freeVisible()
  }

  /// Parses `text` as the value of `name` and puts it where the plugin reads it; no call may be running.
  /// - Throws: `UsageError.unknownParameter` or `.badValue`; then nothing has changed.
  package func set(_ name: String, to text: String) throws {
    let index = try position(of: name)
    let value = try declarations[index].value(text, component: component)
    values[index] = value
    store(value, at: index)
    wasSet.insert(name)
  }

  /// Sets a number without going through text, as a schedule does; no call may be running.
  /// - Throws: `UsageError.unknownParameter`, or `.badValue` where the number is out of range or no number is wanted.
  package func set(_ name: String, to number: Double) throws {
    let index = try position(of: name)
    guard case .float = declarations[index].type else {
      return try set(name, to: ParameterRange.shortText(number))
    }
    guard number.isFinite, declarations[index].range?.contains(number) ?? true else {
      throw UsageError.badValue(
        component: component, parameter: name, text: "\(number)", expected: declarations[index].expectation,
        nearest: [])
    }
    values[index] = .float(number)
    storage[index].f = number
    wasSet.insert(name)
  }

  /// Whether the value was given rather than left at its default.
  package func isSet(_ name: String) -> Bool { wasSet.contains(name) }

  /// Takes the value of `name` from `other`, a number to the last bit.
  /// - Throws: `UsageError` as `set`.
  package func copy(_ name: String, from other: ParameterValues) throws {
    guard let value = other[name] else { return }
    if case .float(let number) = value { return try set(name, to: number) }
    try set(name, to: value.description)
  }

  /// The value of `name` as a number (a bool is 0 or 1, a choice its index); nil for strings and unknown names.
  package func double(_ name: String) -> Double? { self[name]?.number }

  /// The value of `name`, or nil where nothing of that name is declared.
  package subscript(_ name: String) -> ParameterValue? {
    declarations.firstIndex { $0.name == name }.map { values[$0] }
  }

  /// Every parameter with its current value as text, in declared order: what `run.json` records.
  package var resolved: [(String, String)] {
    zip(declarations, values).map { ($0.name, $1.description) }
  }

  private func position(of name: String) throws -> Int {
    if let index = declarations.firstIndex(where: { $0.name == name }) { return index }
    let known = declarations.map(\.name)
    throw UsageError.unknownParameter(
      component: component, name: name, nearest: nearestNames(to: name, among: known), declared: known)
  }

  private func store(_ value: ParameterValue, at index: Int) {
    switch value {
    case .bool(let flag): storage[index] = cse_value(i: flag ? 1 : 0)
    case .int(let number): storage[index] = cse_value(i: number)
    case .float(let number): storage[index] = cse_value(f: number)
    case .choice(let word, _): storage[index] = cse_value(i: Int64(word))
    case .string(let text):
      let old = strings[index]
      let bytes = text.utf8CString
      let copy = UnsafeMutablePointer<CChar>.visible(.shown, capacity: bytes.count, repeating: 0)
      for (position, byte) in bytes.enumerated() { copy[position] = byte }
      strings[index] = copy
      storage[index] = cse_value(s: UnsafePointer(copy))
      old?.freeVisible()
    }
  }
}

extension ParameterDeclaration {
  /// The value of `text`, with the component named in what is thrown.
  func value(_ text: String, component: String) throws -> ParameterValue {
    switch parse(text) {
    case .success(let value): return value
    case .failure(let problem):
      var nearest: [String] = []
      if case .unknownWord(let near) = problem { nearest = near }
      throw UsageError.badValue(
        component: component, parameter: name, text: text, expected: expectation, nearest: nearest)
    }
  }
}
