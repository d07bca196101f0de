// `mixcse plugins`: which plugins there are, and everything about one of them.

import ArgumentParser
import Foundation
import Host

struct PluginsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plugins", abstract: "Shows, checks, makes and calls plugins.",
    subcommands: [
      PluginsListCommand.self, PluginsInfoCommand.self, PluginsCheckCommand.self, PluginsNewCommand.self,
      PluginsCallCommand.self,
    ])
}

struct PluginsListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists poolers, samplers, losses and methods, and what could not be used.")

  @OptionGroup var plugins: PluginOptions
  @Flag(help: "Print one JSON document.") var json = false

  func run() throws {
    let registry = try plugins.registry(logger: commandLogger())
    let libraries = registry.libraries
    if json { return try printJSON(PluginListReport(registry)) }
    print(componentTable(libraries))
    let methods = libraries.flatMap { library in library.recipes.map { [$0.name, $0.text] } }
    if !methods.isEmpty { print("\nMETHODS\n" + textTable(methods, indent: 2)) }
    print("\n\(registry.report)")
  }

  private func componentTable(_ libraries: [PluginLibrary]) -> String {
    var rows = [["KIND", "NAME", "LIBRARY", "VERSION", "WHAT IT DOES"]]
    for kind in ComponentKind.allCases {
      for component in libraries.flatMap(\.components).filter({ $0.kind == kind }) {
        rows.append([
          kind.rawValue, component.name, component.library.id, component.library.version, component.summary,
        ])
      }
    }
    return rows.count == 1 ? "no plugins were found" : textTable(rows)
  }
}

struct PluginsInfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Shows a component, a method or a library: parameters, ranges, where it comes from.")

  @OptionGroup var plugins: PluginOptions
  @Flag(help: "Print one JSON document.") var json = false
  @Argument(
    help: ArgumentHelp(
      "A component (mixcse, org.mixcse.mixcse.mixcse), a method, a library's id, or a path (./lib.so, ./lib.so:name).",
      valueName: "name"))
  var name: String

  func run() throws {
    let registry = try plugins.registry(logger: commandLogger())
    let report = try PluginInfoReport(name, in: registry)
    if json { return try printJSON(report) }
    print(report.text)
  }
}

/// Columns as wide as their longest cell; the last one is as wide as it is.
func textTable(_ rows: [[String]], indent: Int = 0) -> String {
  let columns = rows.map(\.count).max() ?? 0
  let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
  return rows.map { row in
    let cells = row.enumerated().map { index, cell in
      index == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
    }
    return String(repeating: " ", count: indent) + cells.joined(separator: "  ")
  }.joined(separator: "\n")
}

/// Prints one JSON document on standard output, with sorted keys.
func printJSON(_ value: some Encodable) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  print(String(decoding: try encoder.encode(value), as: UTF8.self))
}

/// One line for the user, apart from the output.
func printToStandardError(_ line: String) {
  FileHandle.standardError.write(Data((line + "\n").utf8))
}
