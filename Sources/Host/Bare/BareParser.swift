// Reads the text of bare functions. Works on bytes, never recurses, and names line and column of every problem.
//
//   decl := kind name ["=" symbol] "(" [arg {"," arg}] ")" ["->" ret] {attr} ";"      # comment to the end of the line
//   arg  := [dir] name ":" type ["[" dim {"," dim} "]"] ["=" default] ["in" range] ["live"] ["log"] ["text"]

import PluginGrammar

/// A reader of one text.
package struct BareParser {
  private let bytes: [UInt8]
  var position = 0

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The declarations in `text`.
  package static func parse(_ text: String) throws(BareTextProblem) -> BareText {
    try parse(bytes: Array(text.utf8))
  }

  /// The declarations in UTF-8 `bytes`.
  package static func parse(bytes: [UInt8]) throws(BareTextProblem) -> BareText {
    var parser = BareParser(bytes)
    guard bytes.count <= BareLimits.text else {
      throw BareTextProblem(line: 1, column: 1, message: "the text has \(bytes.count) bytes, at most 65536 are read")
    }
    return try parser.text()
  }

  /// The problem at byte `place` of `text`.
  static func problem(in text: String, at place: Int, _ message: String) -> BareTextProblem {
    BareParser(Array(text.utf8)).failure(at: place, message)
  }

  private mutating func text() throws(BareTextProblem) -> BareText {
    var result = BareText()
    while true {
      skipBlanks()
      guard peek != nil else { return result }
      let place = position
      let kind = word()
      if kind == "library" {
        guard result.libraryID == nil else { throw failure(at: place, "'library' appears twice") }
        try library(into: &result)
        continue
      }
      guard let kind = BareDeclaration.Kind(rawValue: kind) else {
        throw unexpected(kind, at: place, among: BareDeclaration.Kind.allCases.map(\.rawValue) + ["library"], "a kind")
      }
      let declaration = try declaration(kind, place: place)
      if result.declarations.contains(where: { $0.name == declaration.name }) {
        throw failure(at: place, "'\(declaration.name)' is declared twice")
      }
      guard result.declarations.count < BareLimits.declarations else {
        throw failure(at: place, "there are more than \(BareLimits.declarations) declarations")
      }
      result.declarations.append(declaration)
    }
  }

  private mutating func library(into text: inout BareText) throws(BareTextProblem) {
    skipBlanks()
    let place = position
    let id = run { isWordByte($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    guard isLibraryID(id), id.utf8.count <= BareLimits.name else {
      throw failure(at: place, "expected an id such as org.example.mine, found '\(id)'")
    }
    skipBlanks()
    let version = run { isWordByte($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    text.libraryID = id
    text.version = version.isEmpty ? nil : version
    try expect(";", after: "the library's id and version")
  }

  // MARK: One declaration

  private mutating func declaration(_ kind: BareDeclaration.Kind, place: Int) throws(BareTextProblem) -> BareDeclaration
  {
    let name = try componentName()
    var symbol = name
    if take("=") {
      skipBlanks()
      let start = position
      symbol = run { isWordByte($0) || $0 == UInt8(ascii: "$") || $0 == UInt8(ascii: ".") }
      if symbol.isEmpty { throw failure(at: start, "expected the name of a C function after '='") }
    }
    try expect("(", after: "'\(kind.rawValue) \(name)'")
    let arguments = try arguments()
    var result = BareResult.void
    if takeArrow() { result = try self.result(kind, function: name) }
    var attributes = BareAttributes()
    while !take(";") { try attribute(into: &attributes) }
    return BareDeclaration(
      kind: kind, name: name, symbol: symbol, arguments: arguments, result: result, attributes: attributes,
      place: place)
  }

  private mutating func result(_ kind: BareDeclaration.Kind, function: String) throws(BareTextProblem) -> BareResult {
    skipBlanks()
    let place = position
    let text = word()
    if text == "void" { return .void }
    if text == "status" { return .status }
    guard let type = BareScalar(rawValue: text), type != .cstr else {
      let known = ["void", "status"] + BareScalar.allCases.map(\.rawValue).filter { $0 != "cstr" }
      throw unexpected(text, at: place, among: known, "a result")
    }
    skipBlanks()
    let saved = position
    switch word() {
    case "loss": return .loss(type)
    case "metric":
      try expect("(", after: "'metric'")
      skipBlanks()
      let name = word()
      guard isLibraryID(name) else { throw failure(at: position, "expected the metric's name") }
      try expect(")", after: "the metric's name")
      return .metric(type, name: name)
    default:
      position = saved
      // What a loss, a metric or a schedule returns is what it is there for.
      if kind == .loss { return .loss(type) }
      return kind == .metric ? .metric(type, name: function) : .value(type)
    }
  }

  private mutating func attribute(into attributes: inout BareAttributes) throws(BareTextProblem) {
    skipBlanks()
    let place = position
    if peek == UInt8(ascii: "\"") {
      attributes.text = try quoted()
      return
    }
    let text = word()
    switch text {
    case "detached": attributes.isDetached = true
    case "rowwise": attributes.isRowwise = true
    case "rows": attributes.rows = try reference("rows")
    case "cols": attributes.columns = try reference("cols")
    case "backward": attributes.backward = try reference("backward")
    case "commit": attributes.commit = try reference("commit")
    case "gain": attributes.gains.append(try shift("gain", place))
    case "bias": attributes.biases.append(try shift("bias", place))
    case "mask":
      let word = try reference("mask")
      guard word == "zero" || word == "exclude" else {
        throw failure(at: place, "expected mask(zero) or mask(exclude), found mask(\(word))")
      }
      attributes.masksByExclusion = word == "exclude"
    case "" where peek == nil: throw failure(at: position, "expected ';' at the end of the declaration")
    default:
      let known = ["detached", "rows", "cols", "gain", "bias", "mask", "rowwise", "backward", "commit"]
      throw unexpected(text, at: place, among: known, "an attribute, a text or ';'")
    }
  }

  private mutating func reference(_ what: String) throws(BareTextProblem) -> String {
    try expect("(", after: "'\(what)'")
    skipBlanks()
    let place = position
    let name = nameWithDashes()
    if name.isEmpty { throw failure(at: place, "expected a name in \(what)(...)") }
    try expect(")", after: "'\(name)'")
    return name
  }

  private mutating func shift(_ what: String, _ place: Int) throws(BareTextProblem) -> BareShift {
    try expect("(", after: "'\(what)'")
    let number = try number("a shift such as -1")
    guard let shift = Int(exactly: number), abs(shift) < 1 << 30 else {
      throw failure(at: place, "the shift \(number) is no whole number")
    }
    try expect(")", after: "the shift")
    try expect("=", after: "\(what)(\(shift))")
    skipBlanks()
    if let byte = peek, isLetter(byte) { return BareShift(shift: shift, value: .parameter(word()), place: place) }
    return BareShift(shift: shift, value: .number(try self.number("a number or a parameter's name")), place: place)
  }

  private mutating func componentName() throws(BareTextProblem) -> String {
    skipBlanks()
    let place = position
    let name = nameWithDashes()
    guard isLowercaseName(name), name.utf8.count <= BareLimits.name else {
      throw failure(at: place, "expected a name of [a-z0-9_-], found '\(name)'")
    }
    return name
  }

  // MARK: Characters

  var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  func byte(after distance: Int) -> UInt8? { position + distance < bytes.count ? bytes[position + distance] : nil }

  /// Skips spaces, line ends and comments.
  mutating func skipBlanks() {
    while let byte = peek {
      if byte == UInt8(ascii: "#") {
        while let byte = peek, byte != UInt8(ascii: "\n") { position += 1 }
      } else if byte == 32 || (9...13).contains(byte) {
        position += 1
      } else {
        return
      }
    }
  }

  mutating func take(_ sign: UnicodeScalar) -> Bool {
    skipBlanks()
    guard let byte = peek, UInt32(byte) == sign.value else { return false }
    position += 1
    return true
  }

  private mutating func takeArrow() -> Bool {
    skipBlanks()
    guard peek == UInt8(ascii: "-"), byte(after: 1) == UInt8(ascii: ">") else { return false }
    position += 2
    return true
  }

  mutating func expect(_ sign: UnicodeScalar, after what: @autoclosure () -> String) throws(BareTextProblem) {
    guard take(sign) else { throw failure(at: position, "expected '\(sign)' after \(what()), found \(found)") }
  }

  private mutating func nameWithDashes() -> String {
    run { isWordByte($0) || $0 == UInt8(ascii: "-") }
  }

  mutating func word() -> String { run(while: isWordByte) }

  mutating func run(while belongs: (UInt8) -> Bool) -> String {
    let start = position
    while let byte = peek, belongs(byte) { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  mutating func quoted() throws(BareTextProblem) -> String {
    let start = position
    position += 1
    let text = run { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\n") }
    guard peek == UInt8(ascii: "\"") else { throw failure(at: start, "the text has no closing '\"' on its line") }
    position += 1
    return text
  }

  mutating func number(_ what: String) throws(BareTextProblem) -> Double {
    skipBlanks()
    let start = position
    let text = run { "0123456789+-.eE".utf8.contains($0) }
    guard let number = decimalNumber(text), number.isFinite, !text.isEmpty else {
      throw failure(at: start, "expected \(what), found \(text.isEmpty ? found : "'\(text)'")")
    }
    return number
  }

  // MARK: Problems

  /// What stands at the position, for messages.
  var found: String {
    guard let byte = peek else { return "the end of the text" }
    return byte < 0x80 ? "'\(UnicodeScalar(byte))'" : "a letter outside of ASCII"
  }

  func failure(at place: Int, _ message: String) -> BareTextProblem {
    let before = bytes[..<min(place, bytes.count)]
    let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    let line = before.count { $0 == UInt8(ascii: "\n") } + 1
    // Continuation bytes of UTF-8 are no characters of their own.
    let column = before[lineStart...].count { $0 & 0xC0 != 0x80 } + 1
    return BareTextProblem(line: line, column: column, message: message)
  }

  mutating func unexpected(_ text: String, at place: Int, among known: [String], _ what: String) -> BareTextProblem {
    let near = didYouMean(nearestNames(to: text, among: known))
    let shown = text.isEmpty ? found : "'\(text.prefix(40))'"
    let tail = near.isEmpty ? "; there are \(known.joined(separator: ", "))" : near
    return failure(at: place, "expected \(what), found \(shown)\(tail)")
  }
}

func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte | 0x20) || byte == UInt8(ascii: "_") }

func isWordByte(_ byte: UInt8) -> Bool { isLetter(byte) || (48...57).contains(byte) }
