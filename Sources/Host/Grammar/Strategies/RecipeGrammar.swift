// Reads recipes: lines such as `mixcse = sampler:mixcse loss:infonce`, from a library's descriptor.
// The same terms are the canonical text of a strategy.

/// The parser of recipe lines.
package enum RecipeGrammar {
  /// The recipes in `text`; empty lines and lines that start with `#` are skipped.
  /// - Throws: `SpecProblem` for a line that is no recipe, a second one of a name, or one without a loss.
  package static func parse(_ text: String) throws(SpecProblem) -> [Recipe] {
    var recipes: [Recipe] = []
    for line in text.split(separator: "\n").map({ trimmed(String($0)) }) where !line.isEmpty && !line.hasPrefix("#") {
      guard let equals = line.firstIndex(of: "=") else {
        throw SpecProblem(text: line, column: 1, problem: "expected name = sampler:NAME loss:NAME")
      }
      let name = trimmed(String(line[..<equals]))
      guard isLowercaseName(name) else {
        throw SpecProblem(text: line, column: 1, problem: "expected a name of [a-z0-9_-] before '=', found '\(name)'")
      }
      if recipes.contains(where: { $0.name == name }) {
        throw SpecProblem(text: line, column: 1, problem: "a second recipe is called '\(name)'")
      }
      let terms = try terms(String(line[line.index(after: equals)...]))
      guard terms.contains(where: { $0.kind == .loss }) else {
        throw SpecProblem(text: line, column: 1, problem: "the recipe '\(name)' has no loss")
      }
      recipes.append(Recipe(name: name, terms: terms))
    }
    return recipes
  }

  /// The terms in `text`, separated by spaces: `augmenter:NAME[:param=value,...]`,
  /// `sampler:NAME[:...]` or `loss:[WEIGHT*]NAME[:...]`.
  package static func terms(_ text: String) throws(SpecProblem) -> [RecipeTerm] {
    var terms: [RecipeTerm] = []
    for word in wordsOutsideQuotes(text) {
      guard let colon = word.firstIndex(of: ":"), let kind = ComponentKind(rawValue: String(word[..<colon])),
        [.augmenter, .sampler, .loss].contains(kind)
      else {
        throw SpecProblem(text: word, column: 1, problem: "expected augmenter:NAME, sampler:NAME or loss:NAME")
      }
      let spec = try SpecParser.component(String(word[word.index(after: colon)...]), weighted: kind == .loss)
      terms.append(RecipeTerm(kind: kind, spec: spec))
    }
    return terms
  }

  private static func wordsOutsideQuotes(_ text: String) -> [String] {
    var words: [String] = []
    var word = ""
    var isQuoted = false
    for character in text {
      if character == "\"" { isQuoted.toggle() }
      if !isQuoted, character == " " || character == "\t" {
        if !word.isEmpty { words.append(word) }
        word = ""
      } else {
        word.append(character)
      }
    }
    return word.isEmpty ? words : words + [word]
  }
}
