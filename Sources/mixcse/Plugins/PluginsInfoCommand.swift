// `mixcse plugins info`: all that is known of a name.

import ArgumentParser

struct PluginsInfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Shows a component, a method or a library: parameters, ranges, where it comes from.")

  @OptionGroup var plugins: PluginOptions
  @Flag(help: "Print one JSON document.") var json = false
  @Argument(
    help: ArgumentHelp(
      "A component (mixcse, org.mixcse.mixcse.mixcse), a method, a library's id, or a path (./lib.so, ./lib.so:name).",
      valueName: "name"), completion: .everything)
  var name: String

  func run() throws {
    let registry = try plugins.registry(logger: commandLogger())
    let report = try PluginInfoReport(name, in: registry)
    if json { return try printJSON(report) }
    try printText(report.text)
  }
}
