// The parameters a component declares as stored properties. The host parses, checks and stores their values;
// the kit writes their declaration lines and reads the values back by position.

/// A declared parameter: one stored property of a component, found by the kit when the library is described.
///
/// The name on the command line is the property's name in snake case: `hardWeight` becomes `hard_weight`.
public class Parameter: @unchecked Sendable {
  /// The type, default and range of the declaration line, for example `float = 0.2 in [0,1] live`.
  let declaration: String
  /// What the parameter means, shown in help texts.
  let text: String
  /// The position among the component's parameters; written once, while the library is described.
  var index = -1

  init(declaration: String, live: Bool, log: Bool, text: String) {
    self.declaration = declaration + (live ? " live" : "") + (log ? " log" : "")
    self.text = text
  }
}

/// A real-valued parameter.
public final class Real: Parameter, @unchecked Sendable {
  /// Declares a real number.
  /// - Parameters:
  ///   - value: The default.
  ///   - range: Bounds such as `[0,1]` or `(0,)`: square brackets include the bound, an end left out is unbounded.
  ///   - live: Whether a schedule may change the value between steps.
  ///   - log: Whether a sweep should move in powers.
  ///   - text: What the parameter means.
  public init(_ value: Double, in range: String? = nil, live: Bool = false, log: Bool = false, _ text: String) {
    super.init(declaration: "float = \(value)" + inRange(range), live: live, log: log, text: text)
  }
}

/// An integer parameter.
public final class Whole: Parameter, @unchecked Sendable {
  /// Declares an integer. `range` is written as for `Real`.
  public init(_ value: Int, in range: String? = nil, live: Bool = false, log: Bool = false, _ text: String) {
    super.init(declaration: "int = \(value)" + inRange(range), live: live, log: log, text: text)
  }
}

/// A parameter that is on or off.
public final class Flag: Parameter, @unchecked Sendable {
  /// Declares a flag with its default.
  public init(_ value: Bool, live: Bool = false, _ text: String) {
    super.init(declaration: "bool = \(value)", live: live, log: false, text: text)
  }
}

/// A parameter that names one of the cases of an enumeration; a case's raw value is its position, from 0.
public final class Choice<Value: CaseIterable & RawRepresentable & Sendable>: Parameter, @unchecked Sendable
where Value.RawValue == Int64 {
  let fallback: Value

  /// Declares a choice among the cases of `Value`, spelled as on the command line.
  public init(_ value: Value, _ text: String) {
    fallback = value
    let names = Value.allCases.map { "\($0)" }.joined(separator: "|")
    super.init(declaration: "\(names) = \(value)", live: false, log: false, text: text)
  }
}

/// A parameter that names a file. What is in the file belongs to the identity of a run: another content is another run,
/// another path is not.
public final class FilePath: Parameter, @unchecked Sendable {
  /// Declares a file, none by default.
  public init(_ text: String) {
    super.init(declaration: "path = \"\"", live: false, log: false, text: text)
  }
}

/// A number a component reports with a step, found by the kit like a parameter. The property's name is its name.
public final class Metric: @unchecked Sendable {
  var index = -1

  /// Declares a metric.
  public init() {}
}

private func inRange(_ range: String?) -> String {
  range.map { " in " + $0 } ?? ""
}

/// `hardWeight` in snake case: `hard_weight`.
func snakeCase(_ name: String) -> String {
  var result = ""
  for character in name {
    if character.isUppercase { result += "_" }
    result += character.lowercased()
  }
  return result
}
