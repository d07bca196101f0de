// A value of a description under its name: how it is written down, read, and which range it has.
// RunDescription+Fields and the comparison's request are tables of these.

package import Files

/// What a description can hold under a name.
package protocol DescriptionValue: Equatable, Sendable {
  /// What a file must hold, in words.
  static var expected: String { get }
  /// Nil where `json` is something else.
  init?(json: JSONValue)
  /// As a file holds it.
  var json: JSONValue { get }
}

extension String: DescriptionValue {
  /// In words.
  package static var expected: String { "a string" }
  /// Nil where `json` is something else.
  package init?(json: JSONValue) {
    guard let text = json.string else { return nil }
    self = text
  }
  /// As a file holds it.
  package var json: JSONValue { .string(self) }
}

extension Bool: DescriptionValue {
  /// In words.
  package static var expected: String { "true or false" }
  /// Nil where `json` is something else.
  package init?(json: JSONValue) {
    guard let value = json.bool else { return nil }
    self = value
  }
  /// As a file holds it.
  package var json: JSONValue { .bool(self) }
}

extension Int: DescriptionValue {
  /// In words.
  package static var expected: String { "a whole number" }
  /// Nil where `json` is something else.
  package init?(json: JSONValue) {
    guard let value = json.integer ?? json.string.flatMap({ Int($0) }) else { return nil }
    self = value
  }
  /// As a file holds it.
  package var json: JSONValue { .integer(self) }
}

/// Written as text: readers of JSON that compute in doubles lose digits from 2^53 on.
extension UInt64: DescriptionValue {
  /// In words.
  package static var expected: String { "a number from 0 to 2^64-1" }
  /// Nil where `json` is something else.
  package init?(json: JSONValue) {
    guard let value = json.integer.flatMap({ UInt64(exactly: $0) }) ?? json.string.flatMap({ UInt64($0) }) else {
      return nil
    }
    self = value
  }
  /// As a file holds it.
  package var json: JSONValue { .string(String(self)) }
}

extension Double: DescriptionValue {
  /// In words.
  package static var expected: String { "a number" }
  /// Nil where `json` is something else.
  package init?(json: JSONValue) {
    guard let value = json.double ?? json.string.flatMap({ Double($0) }), value.isFinite else { return nil }
    self = value
  }
  /// As a file holds it.
  package var json: JSONValue { .number(self) }
}

extension Optional: DescriptionValue where Wrapped: DescriptionValue {
  /// In words.
  package static var expected: String { Wrapped.expected }
  /// Nil where `json` is something else.
  package init?(json: JSONValue) {
    if json == .null {
      self = nil
    } else if let value = Wrapped(json: json) {
      self = value
    } else {
      return nil
    }
  }
  /// As a file holds it.
  package var json: JSONValue { self?.json ?? .null }
}

/// A single value stands for a list of one.
extension Array: DescriptionValue where Element: DescriptionValue {
  /// In words.
  package static var expected: String { Element.self == String.self ? "a list of strings" : "a list of numbers" }
  /// Nil where `json` is something else.
  package init?(json: JSONValue) {
    let items = json.array ?? [json]
    let values = items.compactMap { Element(json: $0) }
    guard values.count == items.count else { return nil }
    self = values
  }
  /// As a file holds it.
  package var json: JSONValue { .array(map(\.json)) }
}

/// What is wrong with a value.
package struct DescriptionProblem: Error, Equatable {
  /// What the value must be.
  package var expected: String
  /// What it is.
  package var found: String

  /// A problem in words.
  package init(expected: String, found: String) { (self.expected, self.found) = (expected, found) }
}

/// One named value of a `Root`.
package struct DescriptionField<Root>: Sendable {
  /// The long flag's name without dashes.
  package let name: String
  /// Whether the numbers of a run depend on it.
  package let decides: Bool
  /// The value as a file holds it; null where there is none.
  package let json: @Sendable (Root) -> JSONValue
  /// Puts a file's value into a description.
  package let read: @Sendable (JSONValue, inout Root) throws(DescriptionProblem) -> Void
  /// Looks whether the value is in its range.
  package let check: @Sendable (Root) throws(DescriptionProblem) -> Void

  /// A value at `path`.
  /// - Parameters:
  ///   - isList: a single value does not stand for a list of one.
  ///   - problem: what is wrong with a value of the right type; nil where nothing is.
  package init<Value: DescriptionValue>(
    _ name: String, _ path: any WritableKeyPath<Root, Value> & Sendable, decides: Bool = true, isList: Bool = false,
    problem: @escaping @Sendable (Value) -> DescriptionProblem? = { _ in nil }
  ) {
    self.name = name
    self.decides = decides
    json = { $0[keyPath: path].json }
    check = { (root: Root) throws(DescriptionProblem) in
      if let found = problem(root[keyPath: path]) { throw found }
    }
    read = { (json: JSONValue, root: inout Root) throws(DescriptionProblem) in
      guard let value = Value(json: json), !isList || json.array != nil else {
        throw DescriptionProblem(expected: Value.expected, found: json.summary)
      }
      root[keyPath: path] = value
    }
  }

  /// A number in a range.
  package init<Value: DescriptionValue & Comparable>(
    _ name: String, _ path: any WritableKeyPath<Root, Value> & Sendable, in range: ClosedRange<Value>,
    decides: Bool = true
  ) where Value: Sendable {
    self.init(name, path, decides: decides) { Self.problem($0, range) }
  }

  /// A number in a range, or none.
  package init<Value: DescriptionValue & Comparable>(
    _ name: String, _ path: any WritableKeyPath<Root, Value?> & Sendable, in range: ClosedRange<Value>,
    decides: Bool = true
  ) where Value: Sendable {
    self.init(name, path, decides: decides) { value in value.flatMap { Self.problem($0, range) } }
  }

  /// The same value in something that holds a `Root`.
  package func lifted<Outer>(
    _ path: any WritableKeyPath<Outer, Root> & Sendable
  ) -> DescriptionField<Outer> {
    DescriptionField<Outer>(
      name: name, decides: decides, json: { json($0[keyPath: path]) },
      read: { (value: JSONValue, outer: inout Outer) throws(DescriptionProblem) in
        try read(value, &outer[keyPath: path])
      },
      check: { (outer: Outer) throws(DescriptionProblem) in try check(outer[keyPath: path]) })
  }

  private init(
    name: String, decides: Bool, json: @escaping @Sendable (Root) -> JSONValue,
    read: @escaping @Sendable (JSONValue, inout Root) throws(DescriptionProblem) -> Void,
    check: @escaping @Sendable (Root) throws(DescriptionProblem) -> Void
  ) {
    (self.name, self.decides, self.json, self.read, self.check) = (name, decides, json, read, check)
  }

  private static func problem<Value: Comparable>(_ value: Value, _ range: ClosedRange<Value>) -> DescriptionProblem? {
    guard !range.contains(value) else { return nil }
    let (lower, upper) = (text(range.lowerBound), text(range.upperBound))
    let isOpen = (range.upperBound as? Int).map { $0 >= 1_000_000_000 } ?? false
    return DescriptionProblem(
      expected: isOpen ? "a number of \(lower) or more" : "a value from \(lower) to \(upper)", found: text(value))
  }

  /// Numbers as one would type them.
  private static func text<Value>(_ value: Value) -> String {
    let text = "\(value)"
    return value is Double && text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
