// Reads the texts that name components: `NAME:param=value,...`, `0.5*NAME`, `./lib.so:name:param=value`, `A+B:x=1`.
// Used for flags, for recipes of libraries and for the strategies of a comparison; errors name the column.

/// What is wrong with a text, and where (columns count from 1).
package struct SpecProblem: Error, Equatable, CustomStringConvertible {
  /// The whole text.
  package let text: String
  /// Where in it, in characters from 1.
  package let column: Int
  /// What was expected and what was found.
  package let problem: String

  /// Text, place and problem.
  package var description: String { "'\(text)', column \(column): \(problem)" }

  /// The same as wrong usage of the command.
  package var asUsageError: UsageError { .badText(text: text, column: column, problem: problem) }
}

/// A reader of component texts over the characters of one argument.
package struct SpecParser {
  private let text: String
  private let characters: [Character]
  private var position = 0

  private init(_ text: String) {
    self.text = text
    characters = Array(text)
  }

  /// One component, up to the end of the text.
  package static func component(_ text: String, weighted: Bool = false) throws(SpecProblem) -> ComponentSpec {
    var parser = SpecParser(text)
    let spec = try parser.component(weighted: weighted, chained: false)
    guard parser.atEnd else { throw parser.failure("unexpected '\(parser.characters[parser.position])'") }
    return spec
  }

  /// Components separated by `+`.
  package static func chain(_ text: String, weighted: Bool = false) throws(SpecProblem) -> [ComponentSpec] {
    var parser = SpecParser(text)
    var specs = [try parser.component(weighted: weighted, chained: true)]
    while parser.take("+") {
      specs.append(try parser.component(weighted: weighted, chained: true))
    }
    guard parser.atEnd else { throw parser.failure("unexpected '\(parser.characters[parser.position])'") }
    return specs
  }

  private mutating func component(weighted: Bool, chained: Bool) throws(SpecProblem) -> ComponentSpec {
    let weight = try self.weight(allowed: weighted)
    var name = try componentName()
    var settings: [(String, String)] = []
    while take(":") {
      let start = position
      // After a path `:name` picks one of its components; everywhere else settings follow.
      if isPath(name), splitPath(name).component == nil, settings.isEmpty, let picked = pickedName() {
        name += ":" + picked
        continue
      }
      position = start
      repeat { settings.append(try setting(chained: chained)) } while take(",")
    }
    return ComponentSpec(weight: weight, name: name, settings: settings)
  }

  // MARK: Parts

  private mutating func weight(allowed: Bool) throws(SpecProblem) -> Double {
    let digits = characters[position...].prefix { $0.isNumber || "+-.eE".contains($0) }
    guard position + digits.count < characters.count, characters[position + digits.count] == "*" else { return 1 }
    guard allowed else { throw failure("only a loss has a weight") }
    guard let weight = decimalNumber(String(digits)), weight.isFinite else {
      throw failure("expected a number before '*', found '\(String(digits))'")
    }
    position += digits.count + 1
    return weight
  }

  private mutating func componentName() throws(SpecProblem) -> String {
    let start = position
    let name = startsPath ? path() : word(until: ":+,=* \t")
    guard !name.isEmpty else { throw failure("expected a name, found \(found)") }
    guard isPath(name) || isLibraryID(name) || isLowercaseName(name) else {
      position = start
      throw failure("'\(name)' is neither a name nor a path to a library")
    }
    if let next = peek, next == "=" || next == "*" {
      throw failure("unexpected '\(next)' after the name '\(name)'; parameters follow a colon: \(name):param=value")
    }
    return name
  }

  /// The name after a path's colon, or nil where it is `param=value`.
  private mutating func pickedName() -> String? {
    let name = word(until: ":+,= \t")
    return peek != "=" && isLibraryID(name) ? name : nil
  }

  private mutating func setting(chained: Bool) throws(SpecProblem) -> (String, String) {
    let name = word(until: "=,:+ \t")
    guard !name.isEmpty else { throw failure("expected param=value, found \(found)") }
    guard take("=") else { throw failure("expected '=' and a value after '\(name)'") }
    if take("\"") {
      let value = word(until: "\"")
      guard take("\"") else { throw failure("the quoted value of '\(name)' has no closing '\"'") }
      return (name, value)
    }
    let schedule = ScheduleForm.length(at: characters[position...])
    if schedule > 0 {
      defer { position += schedule }
      return (name, String(characters[position..<(position + schedule)]))
    }
    var value = ""
    while let character = peek, !",:".contains(character), !(chained && character == "+" && !isExponent(value)) {
      value.append(character)
      position += 1
    }
    guard !value.isEmpty else { throw failure("'\(name)' has no value; write \(name)=\"\" for an empty text") }
    return (name, value)
  }

  private func isExponent(_ value: String) -> Bool {
    isExponentSign(after: value, next: position + 1 < characters.count ? characters[position + 1] : nil)
  }

  // MARK: Paths

  private var startsPath: Bool {
    let rest = String(characters[position...])
    if ["./", "../", "/", "~/"].contains(where: { rest.hasPrefix($0) }) { return true }
    // folder/libmine.so: a slash before anything that ends a name.
    return rest.prefix { !":+,=*".contains($0) }.contains("/")
  }

  /// Up to and with the first `.so` or `.py` that ends a file name, whatever characters the path holds.
  private mutating func path() -> String {
    var end = position
    while end + 3 <= characters.count {
      if pluginEndings.contains(String(characters[end..<(end + 3)])),
        end + 3 == characters.count || ":+,".contains(characters[end + 3])
      {
        defer { position = end + 3 }
        return String(characters[position..<(end + 3)])
      }
      end += 1
    }
    return word(until: ":+,")
  }

  // MARK: Characters

  private var peek: Character? { position < characters.count ? characters[position] : nil }
  private var atEnd: Bool { position == characters.count }
  private var found: String { peek.map { "'\($0)'" } ?? "the end of the text" }

  private mutating func take(_ sign: Character) -> Bool {
    guard peek == sign else { return false }
    position += 1
    return true
  }

  private mutating func word(until ends: String) -> String {
    let word = characters[position...].prefix { !ends.contains($0) }
    position += word.count
    return String(word)
  }

  private func failure(_ problem: String) -> SpecProblem {
    SpecProblem(text: text, column: position + 1, problem: problem)
  }
}

/// Whether a `+` after `value` and before `next` belongs to a number such as `1e+3`.
func isExponentSign(after value: String, next: Character?) -> Bool {
  guard let last = value.last, last == "e" || last == "E" else { return false }
  return value.dropLast().last?.isNumber == true && next?.isNumber == true
}
