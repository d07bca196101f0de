// The arguments of one declaration.

import PluginGrammar

extension BareParser {
  mutating func arguments() throws(BareTextProblem) -> [BareArgument] {
    var result: [BareArgument] = []
    if take(")") { return result }
    repeat {
      let argument = try argument()
      if let twin = result.first(where: { $0.name == argument.name && $0.direction == argument.direction }) {
        throw failure(at: argument.place, "there are two arguments '\(twin.name)'")
      }
      guard result.count < BareLimits.arguments else {
        throw failure(at: argument.place, "there are more than \(BareLimits.arguments) arguments")
      }
      result.append(argument)
    } while take(",")
    try expect(")", after: "the arguments")
    return result
  }

  private mutating func argument() throws(BareTextProblem) -> BareArgument {
    skipBlanks()
    let place = position
    var name = word()
    var direction: BareArgument.Direction?
    skipBlanks()
    if peek != UInt8(ascii: ":"), let found = BareArgument.Direction(rawValue: name) {
      direction = found
      name = word()
    }
    guard isParameterName(name) else {
      throw failure(at: place, "expected an argument such as z1:f32[n,d], found \(name.isEmpty ? found : "'\(name)'")")
    }
    try expect(":", after: "the name '\(name)'")
    skipBlanks()
    let typePlace = position
    let typeName = word()
    guard let type = BareScalar(rawValue: typeName) else {
      throw unexpected(typeName, at: typePlace, among: BareScalar.allCases.map(\.rawValue), "a type")
    }
    var argument = BareArgument(direction: direction, name: name, type: type, place: place)
    if take("[") { argument.dimensions = try dimensions() }
    if take("=") { argument.defaultText = try defaultText() }
    try traits(into: &argument)
    if let number = argument.defaultText.flatMap(decimalNumber), let range = argument.range, !range.contains(number) {
      throw failure(at: place, "the default \(number) of '\(name)' is outside its range \(range)")
    }
    return argument
  }

  private mutating func dimensions() throws(BareTextProblem) -> [BareDimension] {
    var result: [BareDimension] = []
    repeat {
      skipBlanks()
      let place = position
      guard result.count < BareLimits.dimensions else { throw failure(at: place, "an array has at most 4 dimensions") }
      if let byte = peek, isLetter(byte) {
        let name = word()
        result.append(BareDimension(name: name, plus: take("+") ? try extent() : 0))
      } else {
        result.append(BareDimension(name: nil, plus: try extent()))
      }
    } while take(",")
    try expect("]", after: "the dimensions")
    return result
  }

  private mutating func extent() throws(BareTextProblem) -> Int {
    skipBlanks()
    let place = position
    let text = run { (48...57).contains($0) }
    guard let number = Int(text), number >= 1, number <= 1 << 32 else {
      throw failure(
        at: place, "expected a dimension: a name or a number of at least 1, found \(text.isEmpty ? found : text)")
    }
    return number
  }

  private mutating func defaultText() throws(BareTextProblem) -> String {
    skipBlanks()
    let place = position
    if peek == UInt8(ascii: "\"") { return try quoted() }
    let text = run { isWordByte($0) || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
    if text.isEmpty { throw failure(at: place, "expected a default after '=', found \(found)") }
    return text
  }

  private mutating func traits(into argument: inout BareArgument) throws(BareTextProblem) {
    while true {
      skipBlanks()
      let place = position
      if peek == UInt8(ascii: "\"") {
        argument.text = try quoted()
        continue
      }
      guard let byte = peek, isLetter(byte) else { return }
      let text = word()
      switch text {
      case "in": argument.range = try range(of: argument, at: place)
      case "live": argument.live = true
      case "log": argument.log = true
      default: throw unexpected(text, at: place, among: ["in", "live", "log"], "',' or ')'")
      }
    }
  }

  private mutating func range(of argument: BareArgument, at place: Int) throws(BareTextProblem) -> ParameterRange {
    guard argument.type.isFloat || argument.type.isInteger, !argument.isArray else {
      throw failure(at: place, "a range needs a number, but '\(argument.name)' is \(argument.typeText)")
    }
    let isClosed = take("[")
    if !isClosed { try expect("(", after: "'in', or '['") }
    let lower = try bound()
    try expect(",", after: "the lower end of the range")
    let upper = try bound()
    let endsClosed = take("]")
    if !endsClosed { try expect(")", after: "the upper end of the range, or ']'") }
    if let lower, let upper, lower > upper || (lower == upper && !(isClosed && endsClosed)) {
      throw failure(at: place, "the range is empty")
    }
    return ParameterRange(lower: lower, lowerIncluded: isClosed, upper: upper, upperIncluded: endsClosed)
  }

  private mutating func bound() throws(BareTextProblem) -> Double? {
    skipBlanks()
    guard let byte = peek, "0123456789+-.".utf8.contains(byte) else { return nil }
    return try number("a number")
  }
}
