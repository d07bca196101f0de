// What a component says about one of its parameters: type, default, range, whether it may change while training.
// Made by ParameterGrammar from a plugin's text, used by ParameterValues, by help texts and by `plugins info`.

import Glibc

/// The type of a parameter; it also says which member of `cse_value` is live.
package enum ParameterType: Sendable, Equatable, CustomStringConvertible {
  case bool
  case int
  case float
  case string
  /// A file; the plugin sees its path from the root, or an empty text where none is named.
  case path
  /// One of the given words; the plugin sees the index.
  case choice([String])

  /// The type as plugins write it: `float`, `zero|exclude`.
  package var description: String {
    switch self {
    case .bool: "bool"
    case .int: "int"
    case .float: "float"
    case .string: "string"
    case .path: "path"
    case .choice(let words): words.joined(separator: "|")
    }
  }

  /// Whether a range makes sense for values of this type.
  package var isNumber: Bool { self == .int || self == .float }
}

/// An interval of numbers; an end that is nil is open towards infinity.
package struct ParameterRange: Sendable, Equatable, CustomStringConvertible {
  /// The lower end; nil: none.
  package let lower: Double?
  /// Whether the lower end itself lies in the interval.
  package let lowerIncluded: Bool
  /// The upper end; nil: none.
  package let upper: Double?
  /// Whether the upper end itself lies in the interval.
  package let upperIncluded: Bool

  /// The interval between two ends, each with or without the end itself.
  package init(lower: Double?, lowerIncluded: Bool, upper: Double?, upperIncluded: Bool) {
    self.lower = lower
    self.lowerIncluded = lowerIncluded
    self.upper = upper
    self.upperIncluded = upperIncluded
  }

  /// Whether `number` lies in the interval; numbers that are not finite lie in none.
  package func contains(_ number: Double) -> Bool {
    guard number.isFinite else { return false }
    if let lower, lowerIncluded ? number < lower : number <= lower { return false }
    if let upper, upperIncluded ? number > upper : number >= upper { return false }
    return true
  }

  /// The interval as plugins write it: `[0, 1]`, `(0, )`.
  package var description: String {
    let low = lower.map(Self.shortText) ?? ""
    let high = upper.map(Self.shortText) ?? ""
    return "\(lowerIncluded ? "[" : "(")\(low), \(high)\(upperIncluded ? "]" : ")")"
  }

  /// A number without the `.0` of whole ones.
  package static func shortText(_ number: Double) -> String {
    let text = "\(number)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}

/// A parameter's value, parsed and validated.
package enum ParameterValue: Sendable, Equatable, CustomStringConvertible {
  case bool(Bool)
  case int(Int64)
  case float(Double)
  case string(String)
  case choice(index: Int, word: String)

  /// The text that parses back to the same value.
  package var description: String {
    switch self {
    case .bool(let value): "\(value)"
    case .int(let value): "\(value)"
    case .float(let value): "\(value)"
    case .string(let value): value
    case .choice(_, let word): word
    }
  }

  /// The value as a number: 0 or 1 for a bool, the index for a choice; nil for a string or a path.
  package var number: Double? {
    switch self {
    case .bool(let value): value ? 1 : 0
    case .int(let value): Double(value)
    case .float(let value): value
    case .string: nil
    case .choice(let index, _): Double(index)
    }
  }
}

/// One declared parameter of a component.
package struct ParameterDeclaration: Sendable, Equatable {
  /// `[a-z_][a-z0-9_-]*`, unique in its component.
  package let name: String
  /// What its values are.
  package let type: ParameterType
  /// The value where none is given; lies in `range`.
  package let `default`: ParameterValue
  /// Only for numbers; nil where every finite number is welcome.
  package let range: ParameterRange?
  /// A schedule may change it between steps without a new plan.
  package let live: Bool
  /// Sweeps go through it in powers.
  package let log: Bool
  /// What the author says about it; may be empty.
  package let text: String

  /// What a value has to be, for messages: `a number in (0, )`, `one of zero, exclude`.
  package var expectation: String {
    let within = range.map { " in \($0)" } ?? ""
    switch type {
    case .bool: return "true or false (or 1, 0)"
    case .int: return "a whole number" + within
    case .float: return "a number" + within
    case .string: return "text"
    case .path: return "the path of a file"
    case .choice(let words): return "one of " + words.joined(separator: ", ")
    }
  }

  /// A declaration by its parts; nothing is checked.
  package init(
    name: String, type: ParameterType, default value: ParameterValue, range: ParameterRange?, live: Bool, log: Bool,
    text: String
  ) {
    self.name = name
    self.type = type
    self.default = value
    self.range = range
    self.live = live
    self.log = log
    self.text = text
  }

  /// The value that `text` stands for, or what is wrong with it.
  package func parse(_ text: String) -> Result<ParameterValue, ParameterValueProblem> {
    parameterValue(text, type: type, range: range)
  }
}

/// Why a text is no value of a parameter.
package enum ParameterValueProblem: Error, Equatable {
  case notOfType
  case notFinite
  case outOfRange
  case tooLong
  /// No such word among the choices; the nearest ones.
  case unknownWord(nearest: [String])
}

/// The longest text a string parameter may hold, in UTF-8 bytes.
let longestStringValue = 4096

/// The value that `text` stands for as a parameter of `type` within `range`, or what is wrong with it.
package func parameterValue(
  _ text: String, type: ParameterType, range: ParameterRange?
) -> Result<ParameterValue, ParameterValueProblem> {
  switch type {
  case .bool:
    if text == "true" || text == "1" { return .success(.bool(true)) }
    if text == "false" || text == "0" { return .success(.bool(false)) }
    return .failure(.notOfType)
  case .int:
    guard let value = Int64(text) else { return .failure(.notOfType) }
    if let range, !range.contains(Double(value)) { return .failure(.outOfRange) }
    return .success(.int(value))
  case .float:
    return floatValue(text, range: range).map { .float($0) }
  case .string:
    if text.utf8.count > longestStringValue { return .failure(.tooLong) }
    return text.utf8.contains(0) ? .failure(.notOfType) : .success(.string(text))
  case .path:
    let path = pathFromRoot(text)
    if path.utf8.count > longestStringValue { return .failure(.tooLong) }
    return path.utf8.contains(0) ? .failure(.notOfType) : .success(.string(path))
  case .choice(let words):
    guard let index = words.firstIndex(of: text) else {
      return .failure(.unknownWord(nearest: nearestNames(to: text, among: words)))
    }
    return .success(.choice(index: index, word: text))
  }
}

/// A path from the root: one that is not begins in the working folder; `~/` is the home folder, which no shell puts
/// there in the middle of a word. An empty one names nothing.
private func pathFromRoot(_ text: String) -> String {
  if text.isEmpty || text.hasPrefix("/") { return text }
  if text.hasPrefix("~/"), let home = getenv("HOME") { return String(cString: home) + text.dropFirst() }
  guard let folder = getcwd(nil, 0) else { return text }
  defer { free(folder) }
  return String(cString: folder) + "/" + text
}

private func floatValue(_ text: String, range: ParameterRange?) -> Result<Double, ParameterValueProblem> {
  switch decimalNumber(text) {
  case nil: return .failure(.notOfType)
  case .some(let value) where !value.isFinite: return .failure(.notFinite)
  case .some(let value):
    if let range, !range.contains(value) { return .failure(.outOfRange) }
    return .success(value)
  }
}

/// A decimal number such as `0.05`, `-3` or `1e-3`; `inf`, `nan` and too large ones come back as not finite.
package func decimalNumber(_ text: String) -> Double? {
  let lowercased = text.lowercased()
  let unsigned = lowercased.drop { $0 == "-" || $0 == "+" }
  if ["inf", "infinity", "nan"].contains(String(unsigned)) { return .infinity }
  let isDecimal = text.utf8.allSatisfy { byte in
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "+-.eE".utf8.contains(byte)
  }
  return isDecimal ? Double(text) : nil
}
