// What was probably meant where the arguments cannot be parsed: the parser stops at what is missing, and does not see
// the slip that is the reason. Asked by MixCSECommand for errors of the parser only; RepeatedOptions asks for options.

import ArgumentParser
import Files
import Host

/// The commands with their flags, as the parser describes them.
struct KnownCommand {
  struct Option {
    var names: [String]
    var takesValue: Bool
    /// All words up to the next flag are its values.
    var takesMany: Bool
    var isRepeating: Bool
    var valueName: String
  }

  var name: String
  var options: [Option] = []
  /// How many arguments without a flag it takes; nil: any number.
  var positionals: Int? = 0
  var subcommands: [KnownCommand] = []

  /// All commands; nil where the parser's description is of another version.
  static var root: KnownCommand? {
    let text = MixCSECommand._dumpHelp()
    let document = try? JSONValue.parse(Array(text.utf8)).object
    return document?["command"]?.object.flatMap(KnownCommand.init)
  }

  private init?(_ json: JSONObject) {
    guard let name = json["commandName"]?.string else { return nil }
    self.name = name
    for argument in json["arguments"]?.array ?? [] {
      guard let argument = argument.object, let kind = argument["kind"]?.string else { continue }
      let isRepeating = argument["isRepeating"] == .bool(true)
      if kind == "positional" {
        positionals = isRepeating ? nil : positionals.map { $0 + 1 }
        continue
      }
      let names = (argument["names"]?.array ?? []).compactMap { name -> String? in
        guard let text = name.object?["name"]?.string else { return nil }
        return (name.object?["kind"]?.string == "long" ? "--" : "-") + text
      }
      options.append(
        Option(
          names: names, takesValue: kind == "option",
          takesMany: argument["parsingStrategy"]?.string == "upToNextOption", isRepeating: isRepeating,
          valueName: argument["valueName"]?.string ?? ""))
    }
    subcommands = (json["subcommands"]?.array ?? []).compactMap { $0.object.flatMap(KnownCommand.init) }
  }

  /// The command that arguments begin with; this one where they name none.
  func named(by arguments: [String]) -> KnownCommand {
    guard let next = subcommands.first(where: { $0.name == arguments.first }) else { return self }
    return next.named(by: Array(arguments.dropFirst()))
  }

  func option(_ name: String) -> Option? { options.first { $0.names.contains(name) } }
}

enum ArgumentAdvice {
  /// The slip in arguments that cannot be parsed: what was typed, why it cannot be, what to type; nil where the
  /// parser's own message says it.
  static func text(_ arguments: [String]) -> String? {
    guard let root = KnownCommand.root else { return nil }
    var (command, path, rest) = (root, root.name, arguments[...])
    while !command.subcommands.isEmpty, let word = rest.first, !word.hasPrefix("-"), word != "help" {
      guard let next = command.subcommands.first(where: { $0.name == word }) else {
        let known = command.subcommands.map(\.name).filter { $0 != "help" }
        let near = nearestNames(to: word, among: known)
        return "\(path) has no command '\(word)'\(didYouMean(near))"
          + (near.isEmpty ? " (it has \(known.joined(separator: ", ")))" : "")
      }
      rest.removeFirst()
      (command, path) = (next, path + " " + word)
    }
    guard let slip = slip(in: rest, of: command, path: path, root: root) else { return nil }
    return slip + "\nSee \(path) --help"
  }

  private static func slip(
    in arguments: ArraySlice<String>, of command: KnownCommand, path: String, root: KnownCommand
  ) -> String? {
    var rest = arguments
    typealias Value = (name: String, value: String, option: KnownCommand.Option)
    var (last, before): (Value?, Value?)
    var (strays, free) = ([String](), command.positionals)
    while let argument = rest.popFirst(), argument != "--" {
      guard argument.hasPrefix("-"), argument != "-" else {
        if let count = free {
          if count > 0 {
            free = count - 1
          } else if strays.isEmpty {
            (strays, before) = ([argument], last)
          } else if before?.name == last?.name {
            strays.append(argument)
          }
        }
        continue
      }
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      if ["--help", "-h", "-help", "--version"].contains(parts[0]) { return nil }
      guard let option = command.option(parts[0]) else {
        return unknown(parts[0], value: parts.count > 1 ? parts[1] : rest.first, command, path, root)
      }
      last = nil
      guard option.takesValue else { continue }
      if let value = parts.count > 1 ? parts[1] : rest.popFirst() { last = (parts[0], value, option) }
      while option.takesMany, let next = rest.first, !next.hasPrefix("-") { rest.removeFirst() }
    }
    let hint = ["--input", "--train-file"].first { command.option($0) != nil }
    return strays.isEmpty ? nil : stray(strays, after: before, path, hint: hint)
  }

  /// Words that belong to no flag.
  private static func stray(
    _ words: [String], after last: (name: String, value: String, option: KnownCommand.Option)?, _ path: String,
    hint: String?
  ) -> String {
    let found = words.map { "'\($0)'" }.joined(separator: " ")
    guard let (name, value, option) = last else {
      return "\(path) takes only flags and their values, found \(found)"
        + (hint.map { "; write \($0) before it" } ?? "")
    }
    let advice =
      if option.valueName.contains(",") {
        "separate several by commas: \(name) \(([value] + words).joined(separator: ","))"
      } else if option.isRepeating {
        "say it again for each: \(name) \(([value] + words).joined(separator: " \(name) "))"
      } else {
        "put a value with blanks in quotes: \(name) '\(([value] + words).joined(separator: " "))'"
      }
    return "\(name) takes one value, '\(value)', found \(found) behind it; \(advice)"
  }

  /// A flag that the command does not have.
  private static func unknown(
    _ flag: String, value: String?, _ command: KnownCommand, _ path: String, _ root: KnownCommand
  ) -> String {
    let head = "\(path) has no \(flag)"
    let name = String(flag.drop { $0 == "-" }).lowercased().replacing("_", with: "-")
    if command.name == "compare", ["method", "sampler", "loss", "strategy", "strategies"].contains(name) {
      let example = value.map { $0.hasPrefix("-") ? "mixcse" : $0 } ?? "mixcse"
      return "\(head); strategies stand without a flag: \(path) simcse \(example == "simcse" ? "mixcse" : example) ..."
    }
    if command.name == "compare" || command.option("--method") != nil, name == "lambda" || name == "lambdas" {
      return "\(head); a parameter stands behind its component: mixcse:lambda=\(value ?? "0.2")"
    }
    func has(_ name: String) -> Bool { command.option("--" + name) != nil }
    if has(name) { return "\(head); did you mean '--\(name)'?" }
    if let ours = UsualNames.ours[name]?.first(where: has) { return "\(head); it is called --\(ours) here" }
    if let other = UsualNames.absent.first(where: { $0.names.contains(name) }) { return "\(head): \(other.text)" }
    let known = command.options.flatMap(\.names).filter { $0.hasPrefix("--") }.map { String($0.dropFirst(2)) }
    let near = nearestNames(to: name, among: known)
    if !near.isEmpty { return head + didYouMean(near.map { "--" + $0 }) }
    let others = root.subcommands.filter { $0.option("--" + name) != nil }.map { "\(root.name) \($0.name)" }
    if !others.isEmpty { return "\(head), but \(others.joined(separator: ", ")) has" + (others.count > 1 ? "" : " it") }
    return head
  }
}
