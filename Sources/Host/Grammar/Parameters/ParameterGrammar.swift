// Reads the parameter lines of a component: `name: type = default [in range] [live] [log] [-- text]`.
// Called once for each component of a library when it is loaded; every problem names line and column.

/// What is wrong with a plugin's parameter text, and where (line and column count from 1, columns in characters).
package struct ParameterTextProblem: Error, Equatable, CustomStringConvertible {
  /// Counts from 1.
  package let line: Int
  /// Counts characters from 1.
  package let column: Int
  /// What was expected and what was found.
  package let message: String

  /// The place and what is wrong there.
  package var description: String { "line \(line), column \(column): \(message)" }
}

/// The parser of parameter lines.
package enum ParameterGrammar {
  /// The declarations in `text`, in order; empty lines and lines that start with `#` are skipped.
  package static func parse(_ text: String) throws(ParameterTextProblem) -> [ParameterDeclaration] {
    var declarations: [ParameterDeclaration] = []
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      var parser = ParameterLineParser(line: index + 1, characters: Array(line))
      guard let declaration = try parser.declaration() else { continue }
      if declarations.contains(where: { $0.name == declaration.name }) {
        throw ParameterTextProblem(line: index + 1, column: 1, message: "'\(declaration.name)' is declared twice")
      }
      declarations.append(declaration)
    }
    return declarations
  }
}

private struct ParameterLineParser {
  let line: Int
  let characters: [Character]
  var position = 0

  init(line: Int, characters: [Character]) {
    self.line = line
    // A line end of another system is no part of the text.
    self.characters = characters.last == "\r" ? characters.dropLast() : characters
  }

  mutating func declaration() throws(ParameterTextProblem) -> ParameterDeclaration? {
    skipSpaces()
    guard let first = peek, first != "#" else { return nil }
    let name = try parameterName()
    try expect(":", after: "the name '\(name)'")
    let type = try parameterType()
    try expect("=", after: "the type")
    skipSpaces()
    let defaultStart = position
    let defaultText = try defaultWord()
    var attributes = Attributes()
    while try attribute(of: type, into: &attributes) {}
    let value = parameterValue(defaultText, type: type, range: attributes.range)
    switch value {
    case .success(let value):
      return ParameterDeclaration(
        name: name, type: type, default: value, range: attributes.range, live: attributes.live,
        log: attributes.log, text: attributes.text)
    case .failure(let problem):
      throw failure(at: defaultStart, message(for: problem, default: defaultText, type: type, attributes.range))
    }
  }

  private struct Attributes {
    var range: ParameterRange?
    var live = false
    var log = false
    var text = ""
  }

  // MARK: Parts of a line

  private mutating func parameterName() throws(ParameterTextProblem) -> String {
    let start = position
    let name = word()
    guard isParameterName(name) else {
      throw failure(at: start, "expected a name such as hard_weight ([a-z_][a-z0-9_-]*), found '\(name)'")
    }
    return name
  }

  private mutating func parameterType() throws(ParameterTextProblem) -> ParameterType {
    skipSpaces()
    let start = position
    let text = word()
    switch text {
    case "bool": return .bool
    case "int": return .int
    case "float": return .float
    case "string": return .string
    case "path": return .path
    case "": throw failure(at: start, "expected a type: bool, int, float, string, path, or words such as zero|exclude")
    default: break
    }
    let words = text.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
    guard words.count > 1 else {
      let near = didYouMean(nearestNames(to: text, among: ["bool", "int", "float", "string", "path"]))
      throw failure(
        at: start, "unknown type '\(text)'\(near.isEmpty ? "; expected bool, int, float, string, path or a|b" : near)")
    }
    for (index, word) in words.enumerated() {
      guard isChoiceWord(word) else { throw failure(at: start, "'\(word)' cannot be a choice in '\(text)'") }
      if words[..<index].contains(word) { throw failure(at: start, "the choice '\(word)' appears twice in '\(text)'") }
    }
    return .choice(words)
  }

  private mutating func defaultWord() throws(ParameterTextProblem) -> String {
    guard peek == "\"" else {
      let start = position
      var text = ""
      while let character = peek, !isSpace(character) {
        text.append(character)
        position += 1
      }
      if text.isEmpty || text == "--" { throw failure(at: start, "expected a default after '='") }
      return text
    }
    let start = position
    position += 1
    var text = ""
    while let character = peek {
      position += 1
      if character == "\"" { return text }
      text.append(character)
    }
    throw failure(at: start, "the quoted default has no closing '\"'")
  }

  /// Reads one attribute; false at the end of the line.
  private mutating func attribute(
    of type: ParameterType, into attributes: inout Attributes
  ) throws(ParameterTextProblem) -> Bool {
    skipSpaces()
    let start = position
    guard peek != nil else { return false }
    let text = word()
    switch text {
    case "--":
      skipSpaces()
      attributes.text = String(characters[position...])
      position = characters.count
      return false
    case "in" where attributes.range == nil:
      guard type.isNumber else { throw failure(at: start, "a range needs a number, but the type is \(type)") }
      attributes.range = try range()
    case "live" where !attributes.live: attributes.live = true
    case "log" where !attributes.log:
      guard type.isNumber else { throw failure(at: start, "'log' needs a number, but the type is \(type)") }
      attributes.log = true
    case "in", "live", "log": throw failure(at: start, "'\(text)' appears twice")
    default:
      let found = text.isEmpty ? String(characters[position]) : text
      let near = didYouMean(nearestNames(to: found, among: ["in", "live", "log"]))
      throw failure(at: start, "unexpected '\(found)'; expected 'in', 'live', 'log' or '-- text'\(near)")
    }
    return true
  }

  private mutating func range() throws(ParameterTextProblem) -> ParameterRange {
    skipSpaces()
    let start = position
    guard let open = peek, open == "[" || open == "(" else {
      throw failure(at: start, "expected a range such as [0,1] or (0,) after 'in'")
    }
    position += 1
    let lower = try bound(until: ",")
    let upper = try bound(until: "])")
    let close = characters[position - 1]
    let range = ParameterRange(
      lower: lower, lowerIncluded: open == "[", upper: upper, upperIncluded: close == "]")
    if let lower, let upper, lower > upper || (lower == upper && !(open == "[" && close == "]")) {
      throw failure(at: start, "the range \(range) is empty")
    }
    return range
  }

  private mutating func bound(until ends: String) throws(ParameterTextProblem) -> Double? {
    skipSpaces()
    let start = position
    var text = ""
    while let character = peek, !ends.contains(character), !",[]()".contains(character) {
      text.append(character)
      position += 1
    }
    guard let end = peek, ends.contains(end) else {
      throw failure(at: position, "expected '\(ends == "," ? "," : "]' or ')")' in the range")
    }
    position += 1
    while text.last.map(isSpace) == true { text.removeLast() }
    if text.isEmpty { return nil }
    guard let number = decimalNumber(text) else { throw failure(at: start, "'\(text)' is not a number") }
    guard number.isFinite else { throw failure(at: start, "'\(text)' is not finite; leave the end out instead") }
    return number
  }

  // MARK: Characters

  private var peek: Character? { position < characters.count ? characters[position] : nil }

  private func isSpace(_ character: Character) -> Bool { character == " " || character == "\t" }

  private mutating func skipSpaces() {
    while let character = peek, isSpace(character) { position += 1 }
  }

  /// Characters up to a space or a character that has a meaning of its own.
  private mutating func word() -> String {
    var text = ""
    while let character = peek, !isSpace(character), !":=[](),\"".contains(character) {
      text.append(character)
      position += 1
    }
    return text
  }

  private mutating func expect(_ sign: Character, after what: String) throws(ParameterTextProblem) {
    skipSpaces()
    guard peek == sign else {
      let found = peek.map { "'\($0)'" } ?? "the end of the line"
      throw failure(at: position, "expected '\(sign)' after \(what), found \(found)")
    }
    position += 1
  }

  private func failure(at position: Int, _ message: String) -> ParameterTextProblem {
    ParameterTextProblem(line: line, column: position + 1, message: message)
  }

  private func message(
    for problem: ParameterValueProblem, default text: String, type: ParameterType, _ range: ParameterRange?
  ) -> String {
    switch problem {
    case .notOfType: "the default '\(text)' is not of type \(type)"
    case .notFinite: "the default '\(text)' is not finite"
    case .outOfRange: "the default '\(text)' is outside its range \(range.map { "\($0)" } ?? "")"
    case .tooLong: "the default is longer than \(longestStringValue) bytes"
    case .unknownWord(let nearest): "the default '\(text)' is not one of \(type)\(didYouMean(nearest))"
    }
  }
}

private func isChoiceWord(_ text: String) -> Bool {
  !text.isEmpty
    && text.utf8.allSatisfy { byte in
      let lowered = byte | 0x20
      return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lowered) || "0123456789_-.".utf8.contains(byte)
    }
}
