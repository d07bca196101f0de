// `--vary FLAG=V1,V2`: what runs share, made different on purpose. Each combination of values is a strategy of its own.
// Texts to descriptions; called by ComparisonPlan.

import Files
import Host
import Training

/// One flag and the values it takes.
package struct Variation: Sendable, Equatable {
  /// The flag's long name without dashes.
  package var name: String
  /// Two or more, as typed.
  package var values: [String]

  /// Reads `learning-rate=1e-5,3e-5`; commas within parentheses belong to a value.
  /// - Throws: `ComparisonError.usage`
  package init(parsing text: String, flag: String = "--vary") throws {
    func bad(_ expected: String, _ found: String, _ advice: String) -> ComparisonError {
      .usage(place: "\(flag) \(text)", expected: expected, found: found, advice: advice)
    }
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
      throw bad("FLAG=VALUE,VALUE,...", "'\(text)'", "For example \(flag) learning-rate=1e-5,3e-5")
    }
    let typed = text[..<equals].drop { $0 == "-" }
    name = String(typed.map { $0 == "_" ? "-" : $0 })
    values = Self.split(text[text.index(after: equals)...])
    guard let field = Self.fields.first(where: { $0.name == name }) else {
      let names = Self.fields.map(\.name)
      if name == "seed" {
        throw bad("a flag of training", "the seed", "Every strategy runs with every seed of --seeds")
      }
      if ComparisonRequest.ofOneRun.contains(name) {
        throw bad("a flag of training", "a part of the strategy", "Name it as a further strategy, or as a grid: a|b")
      }
      throw bad(
        "a flag of training that decides the numbers of a run",
        "'\(name)'" + didYouMean(nearestNames(to: name, among: names)), "There are \(names.joined(separator: ", "))")
    }
    guard values.count > 1, !values.contains("") else {
      throw bad("two values or more", values == [""] ? "none" : "\(values.count)", "Separate them by commas")
    }
    if let twice = values.indices.first(where: { values[..<$0].contains(values[$0]) }) {
      throw bad("each value once", "\(values[twice]) twice", "Leave one of them out")
    }
    for value in values {
      var run = RunDescription()
      do throws(DescriptionProblem) {
        try Self.set(field, to: value, in: &run)
      } catch { throw bad(error.expected, "'\(value)'", "See mixcse compare --help") }
    }
  }

  /// What can vary: whatever decides the numbers of a run, but its seed and what it is scored on.
  static let fields = RunDescription.fields.filter { field in
    (field.decides || ["model", "train-file", "encoder"].contains(field.name)) && field.name != "seed"
  }

  /// Whether a flag, by its long name without dashes, can vary.
  package static func isVariable(_ name: String) -> Bool { fields.contains { $0.name == name } }

  /// All combinations, the last variation's values changing first; one empty combination of none.
  package static func combinations(_ variations: [Variation]) throws -> [[Value]] {
    if let twice = variations.indices.first(where: { index in
      variations[..<index].contains { $0.name == variations[index].name }
    }) {
      throw ComparisonError.usage(
        place: "--vary", expected: "each flag once", found: "\(variations[twice].name) twice",
        advice: "Give all its values in one list")
    }
    return variations.reduce([[]]) { combinations, variation in
      combinations.flatMap { start in variation.values.map { start + [Value(name: variation.name, text: $0)] } }
    }
  }

  /// One flag with one value.
  package struct Value: Sendable, Equatable {
    /// The flag's long name without dashes.
    package var name: String
    /// As typed.
    package var text: String

    /// A value by its parts.
    package init(name: String, text: String) { (self.name, self.text) = (name, text) }

    /// `learning-rate=1e-5`
    package var label: String { "\(name)=\(text)" }

    /// Puts the value into a description. It was looked at when it was read.
    func apply(to run: inout RunDescription) {
      guard let field = Variation.fields.first(where: { $0.name == name }) else { return }
      try? Variation.set(field, to: text, in: &run)
    }
  }

  private static func set(
    _ field: DescriptionField<RunDescription>, to text: String, in run: inout RunDescription
  ) throws(DescriptionProblem) {
    let json: JSONValue = ["true": .bool(true), "false": .bool(false)][text] ?? .string(text)
    try field.read(json, &run)
    try field.check(run)
  }

  private static func split(_ text: Substring) -> [String] {
    var (parts, depth) = ([""], 0)
    for character in text {
      if character == "(" { depth += 1 }
      if character == ")" { depth -= 1 }
      if character == ",", depth <= 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
    }
    return parts
  }
}
