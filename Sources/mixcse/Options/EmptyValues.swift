// An option with an empty text for its value: no option has a use for one, and a path that is empty would be found
// wrong late, or be the root. Mostly a variable of a shell that is not set. Called before arguments are parsed.

import Host

enum EmptyValues {
  /// The arguments as they are.
  /// - Throws: `UsageError.option` for `--flag ''` and `--flag=` where the flag takes a value.
  static func refused(_ arguments: [String]) throws -> [String] {
    let typed = Array(arguments.prefix { $0 != "--" })
    for (place, argument) in typed.enumerated() where argument.hasPrefix("--") {
      let name = String(argument.prefix { $0 != "=" })
      let isNext = name == argument && place + 1 < typed.count && typed[place + 1].isEmpty
      guard isNext || argument == name + "=" else { continue }
      guard KnownCommand.root?.named(by: typed).option(name)?.takesValue == true else { continue }
      throw UsageError.option(
        name,
        problem: "expected a value, found an empty text; is a variable not set? Leave the option out for its default")
    }
    return arguments
  }
}
