// One strategy's text with several values of a parameter: `mixcse:lambda=0.1|0.2` stands for two. Expanded before any
// name is looked up; labels are made distinct here too. Called by ComparisonPlan.

/// A strategy by its texts, before it is looked up.
package struct StrategyText: Sendable, Equatable {
  /// What it is called: the label given, else the text.
  package var label: String
  /// Without the label, a grid's values filled in.
  package var text: String

  package init(label: String, text: String) {
    self.label = label
    self.text = text
  }
}

package enum StrategyGrid {
  /// How many strategies one text may stand for.
  static let largest = 1000

  /// All strategies of a command line in order, with distinct labels.
  /// - Throws: `ComparisonError.badStrategy`.
  package static func expand(_ texts: [String], splitLabel: (String) -> (label: String?, rest: String)) throws
    -> [StrategyText]
  {
    var result: [StrategyText] = []
    for text in texts {
      let (label, rest) = splitLabel(text)
      for (expanded, values) in try expand(rest) {
        // A labelled grid is told apart by its values: ours(lambda=0.1).
        let name = label.map { values.isEmpty ? $0 : "\($0)(\(values.joined(separator: ",")))" }
        result.append(StrategyText(label: name ?? expanded, text: expanded))
      }
    }
    return distinct(result)
  }

  /// The second use of a label becomes `simcse#2`.
  private static func distinct(_ strategies: [StrategyText]) -> [StrategyText] {
    var used = Set<String>()
    return strategies.map { strategy in
      var (label, count) = (strategy.label, 1)
      while !used.insert(label).inserted {
        count += 1
        label = "\(strategy.label)#\(count)"
      }
      return StrategyText(label: label, text: strategy.text)
    }
  }

  /// The texts that `text` stands for, and what was filled in: the product of its grids, the last varying fastest.
  /// - Throws: `ComparisonError.badStrategy`.
  package static func expand(_ text: String) throws -> [(text: String, values: [String])] {
    var results: [(text: String, values: [String])] = [("", [])]
    for part in try parts(of: text) {
      results = results.flatMap { before in
        part.alternatives.map { value in
          let isGrid = part.alternatives.count > 1
          return (before.text + value, before.values + (isGrid ? ["\(part.parameter)=\(value)"] : []))
        }
      }
      guard results.count <= largest else {
        throw ComparisonError.badStrategy(
          text: text, column: 1, problem: "expected at most \(largest) combinations, found more")
      }
    }
    return results
  }

  /// A stretch of text, or the alternatives of one value.
  private struct Part {
    var alternatives: [String]
    var parameter = ""
  }

  private static func parts(of text: String) throws -> [Part] {
    let characters = Array(text)
    var parts: [Part] = []
    var plain = ""
    var position = 0
    while position < characters.count {
      plain.append(characters[position])
      position += 1
      guard plain.last == "=" else {
        if plain.last == "|" {
          throw ComparisonError.badStrategy(
            text: text, column: position,
            problem: "'|' parts the values of a parameter, as in mixcse:lambda=0.1|0.2; here is no value")
        }
        continue
      }
      let parameter = String(plain.dropLast().reversed().prefix { !":,+".contains($0) }.reversed())
      parts.append(Part(alternatives: [plain]))
      plain = ""
      parts.append(Part(alternatives: try values(characters, from: &position, text: text), parameter: parameter))
    }
    return parts + [Part(alternatives: [plain])]
  }

  /// The values up to the next sign that ends one; quoted ones may hold any sign.
  private static func values(_ characters: [Character], from position: inout Int, text: String) throws -> [String] {
    var values = [""]
    var isQuoted = false
    while position < characters.count {
      let character = characters[position]
      if character == "\"" { isQuoted.toggle() }
      if !isQuoted, ",:".contains(character) || (character == "+" && !isExponent(characters, position, values)) { break }
      if !isQuoted, character == "|" {
        values.append("")
      } else {
        values[values.count - 1].append(character)
      }
      position += 1
    }
    if values.count > 1, values.contains("") {
      throw ComparisonError.badStrategy(
        text: text, column: position, problem: "expected a value on both sides of '|', found none on one")
    }
    if let twice = values.first(where: { value in values.filter { $0 == value }.count > 1 }), values.count > 1 {
      throw ComparisonError.badStrategy(text: text, column: position, problem: "the value \(twice) stands there twice")
    }
    return values
  }

  /// Whether this `+` belongs to a number such as `1e+3`.
  private static func isExponent(_ characters: [Character], _ position: Int, _ values: [String]) -> Bool {
    guard let last = values.last?.last, last == "e" || last == "E",
      values.last?.dropLast().last?.isNumber == true, position + 1 < characters.count
    else { return false }
    return characters[position + 1].isNumber
  }
}
