// One pass over the arguments before they are parsed, for spellings that the parser cannot know: the reference's
// flags, `--isolate` without a value, and negative numbers, which it would take for flags.

import Training

enum ArgumentSpelling {
  /// The arguments as the parser knows them; those of the reference only where its scripts have them. What they mean
  /// otherwise here is said.
  /// - Throws: `UsageError.option` for what the reference does and this program does not.
  static func standard(_ arguments: [String]) throws -> [String] {
    guard let command = arguments.first else { return [] }
    var reference = ReferenceArguments(command: command)
    var rest = arguments.dropFirst()
    // Pasted with the script's name.
    if ["train.py", "evaluation.py"].contains(rest.first) { rest = rest.dropFirst() }
    while let argument = rest.popFirst() {
      if argument == "--isolate" {
        reference.append("--isolate=" + PluginDescription.everything)
      } else if try !reference.take(argument, &rest) {
        reference.append(argument)
      }
    }
    try reference.finish()
    for note in reference.notes { printToStandardError("note: \(note)") }
    return withNegativeNumbers(reference.arguments)
  }

  /// Negative numbers are joined to the flag before them.
  private static func withNegativeNumbers(_ arguments: [String]) -> [String] {
    var (result, rest) = ([String](), arguments[...])
    while let argument = rest.popFirst() {
      if argument == "--" { return result + [argument] + rest }
      if argument.hasPrefix("--"), !argument.contains("="), let next = rest.first, isNegativeNumber(next) {
        result.append(argument + "=" + next)
        rest.removeFirst()
      } else {
        result.append(argument)
      }
    }
    return result
  }

  private static func isNegativeNumber(_ text: String) -> Bool {
    text.hasPrefix("-") && Double(text) != nil && text.dropFirst().first.map { $0.isNumber || $0 == "." } ?? false
  }
}
