// The values of one component's parameters: read from text once, checked, with defaults for what was not given.
// Made where a strategy is looked up, put into a plugin's memory by ParameterValues.

/// The parameters of one use of a component: parsed, defaulted, range-checked, in declared order.
package struct ParameterSettings: Sendable, Equatable {
  /// What the component declares, in order.
  package let declarations: [ParameterDeclaration]
  /// One value for each declaration.
  package private(set) var values: [ParameterValue]
  /// The component's name, for messages.
  private let component: String
  private var given: Set<String> = []

  /// The defaults of `declarations`, with `settings` (name and text) applied in order.
  /// - Throws: `UsageError.unknownParameter`, `.badValue` or `.settingTwice`.
  package init(
    declarations: [ParameterDeclaration], component: String, settings: [(String, String)] = []
  ) throws {
    self.declarations = declarations
    self.component = component
    values = declarations.map(\.default)
    for (name, text) in settings {
      if given.contains(name) { throw UsageError.settingTwice(component: component, parameter: name) }
      try set(name, to: text)
    }
  }

  /// Parses `text` as the value of `name`.
  /// - Returns: The declaration's place.
  /// - Throws: `UsageError.unknownParameter` or `.badValue`; then nothing has changed.
  @discardableResult
  package mutating func set(_ name: String, to text: String) throws -> Int {
    let index = try position(of: name)
    values[index] = try declarations[index].value(text, component: component)
    given.insert(name)
    return index
  }

  /// Sets a number without going through text, as a schedule does.
  /// - Returns: The declaration's place.
  /// - Throws: `UsageError.unknownParameter`, or `.badValue` where the number is out of range or no number is wanted.
  @discardableResult
  package mutating func set(_ name: String, to number: Double) throws -> Int {
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
    given.insert(name)
    return index
  }

  /// Whether the value was given rather than left at its default.
  package func isSet(_ name: String) -> Bool { given.contains(name) }

  /// The value of `name`, or nil where nothing of that name is declared.
  package subscript(_ name: String) -> ParameterValue? {
    declarations.firstIndex { $0.name == name }.map { values[$0] }
  }

  /// Every parameter with its value as text, in declared order: what `run.json` records.
  package var texts: [(String, String)] {
    zip(declarations, values).map { ($0.name, $1.description) }
  }

  private func position(of name: String) throws -> Int {
    if let index = declarations.firstIndex(where: { $0.name == name }) { return index }
    let known = declarations.map(\.name)
    throw UsageError.unknownParameter(
      component: component, name: name, nearest: nearestNames(to: name, among: known), declared: known)
  }
}

extension ParameterDeclaration {
  /// The value of `text`, with the component named in what is thrown.
  fileprivate func value(_ text: String, component: String) throws -> ParameterValue {
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
