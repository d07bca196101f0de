// `mixcse plugins list`: what there is to train with, and what could not be used.

import ArgumentParser
import Host

struct PluginsListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists poolers, samplers, losses and methods, and what could not be used.")

  @OptionGroup var plugins: PluginOptions
  @Flag(help: "Print one JSON document.") var json = false

  func run() throws {
    let registry = try plugins.registry(logger: commandLogger())
    let libraries = registry.libraries
    if json { return try printJSON(PluginListReport(registry)) }
    try printText(componentTable(libraries.flatMap(\.components) + registry.encoders))
    let methods = libraries.flatMap { library in library.recipes.map { [$0.name, $0.text] } }
    if !methods.isEmpty { try printText("\nMETHODS\n" + textTable(methods, indent: 2)) }
    try printText("\n\(registry.report)")
  }

  private func componentTable(_ components: [PluginComponent]) -> String {
    var rows = [["KIND", "NAME", "LIBRARY", "VERSION", "WHAT IT DOES"]]
    for kind in ComponentKind.allCases {
      for component in components where component.kind == kind {
        rows.append([
          kind.rawValue, component.name, component.library.id, component.library.version, component.summary,
        ])
      }
    }
    return rows.count == 1 ? "no plugins were found" : textTable(rows)
  }
}
