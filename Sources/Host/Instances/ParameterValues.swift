// The values of one component's parameters, in the memory a plugin reads them from.
// Made for each instance; a schedule changes live ones between steps.

import Glibc
import Kernels
package import PluginAPI
package import PluginGrammar
package import PluginLoading

/// The parameters of one plugin instance.
///
/// `pointer` stays the same for the life of this object; the strings it points to are owned here.
package final class ParameterValues {
  /// The values as they are now.
  package private(set) var settings: ParameterSettings
  /// What plugins see as `call->values`: one `cse_value` per declaration.
  package let pointer: UnsafePointer<cse_value>

  private let storage: UnsafeMutablePointer<cse_value>
  private var strings: [UnsafeMutablePointer<CChar>?]

  /// The values of `settings`.
  package init(_ settings: ParameterSettings) {
    self.settings = settings
    let count = settings.declarations.count
    strings = Array(repeating: nil, count: count)
    // Never empty, so that a plugin without parameters still gets an address.
    storage = .visible(.shown, capacity: max(1, count), repeating: cse_value(i: 0))
    pointer = UnsafePointer(storage)
    for index in 0..<count { store(index) }
  }

  /// The defaults of `component`, with `settings` (name and text) applied in order.
  /// - Throws: `UsageError.unknownParameter`, `.badValue` or `.settingTwice`.
  package convenience init(for component: PluginComponent, settings: [(String, String)]) throws {
    self.init(
      try ParameterSettings(declarations: component.parameters, component: component.name, settings: settings))
  }

  deinit {
    for string in strings { string?.freeVisible() }
    storage.freeVisible()
  }

  /// What is declared, in order.
  package var declarations: [ParameterDeclaration] { settings.declarations }

  /// Parses `text` as the value of `name` and puts it where the plugin reads it; no call may be running.
  /// - Throws: `UsageError.unknownParameter` or `.badValue`; then nothing has changed.
  package func set(_ name: String, to text: String) throws { store(try settings.set(name, to: text)) }

  /// Sets a number without going through text, as a schedule does; no call may be running.
  /// - Throws: `UsageError.unknownParameter`, or `.badValue` where the number is out of range or no number is wanted.
  package func set(_ name: String, to number: Double) throws { store(try settings.set(name, to: number)) }

  /// Whether the value was given rather than left at its default.
  package func isSet(_ name: String) -> Bool { settings.isSet(name) }

  /// Takes the value of `name` from `other`, a number to the last bit.
  /// - Throws: `UsageError` as `set`.
  package func copy(_ name: String, from other: ParameterValues) throws {
    guard let value = other[name] else { return }
    if case .float(let number) = value { return try set(name, to: number) }
    try set(name, to: value.description)
  }

  /// The value of `name` as a number (a bool is 0 or 1, a choice its index); nil for strings and unknown names.
  package func double(_ name: String) -> Double? { settings[name]?.number }

  /// The value of `name`, or nil where nothing of that name is declared.
  package subscript(_ name: String) -> ParameterValue? { settings[name] }

  /// Every parameter with its current value as text, in declared order: what `run.json` records.
  package var resolved: [(String, String)] { settings.texts }

  /// Puts a value where the plugin reads it.
  private func store(_ index: Int) {
    switch settings.values[index] {
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
