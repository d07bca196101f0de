// What `mixcse plugins` prints: the same facts as text and as JSON.

import Foundation
import Host

/// One component with all that is known about it.
struct ComponentReport: Encodable {
  struct Parameter: Encodable {
    let name: String
    let type: String
    let choices: [String]?
    let `default`: String
    let range: String?
    let live: Bool
    let log: Bool
    let text: String
  }

  let id: String
  let name: String
  let kind: String
  let doc: String
  let parameters: [Parameter]
  let metrics: [String]
  let library: LibraryReport

  init(_ component: PluginComponent) {
    id = component.id
    name = component.name
    kind = component.kind.rawValue
    doc = component.doc
    metrics = component.metrics
    library = LibraryReport(component.library)
    parameters = component.parameters.map { parameter in
      var choices: [String]?
      if case .choice(let words) = parameter.type { choices = words }
      return Parameter(
        name: parameter.name, type: choices == nil ? "\(parameter.type)" : "choice", choices: choices,
        default: "\(parameter.default)", range: parameter.range.map { "\($0)" }, live: parameter.live,
        log: parameter.log, text: parameter.text)
    }
  }

  var text: String {
    var lines = ["\(kind) \(name) (\(id))"]
    lines += doc.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)" }
    let heads = parameters.map { parameter -> [String] in
      let type = parameter.choices?.joined(separator: "|") ?? parameter.type
      let traits = [parameter.live ? "live" : nil, parameter.log ? "log" : nil].compactMap { $0 }
      let value = parameter.default.isEmpty ? "\"\"" : parameter.default
      let range = parameter.range.map { " in \($0)" } ?? ""
      return ["\(parameter.name)", "\(type) = \(value)\(range)", traits.joined(separator: " "), parameter.text]
    }
    lines.append(heads.isEmpty ? "PARAMETERS: none" : "PARAMETERS\n" + textTable(heads, indent: 2))
    if !metrics.isEmpty { lines.append("METRICS: " + metrics.joined(separator: ", ")) }
    return lines.joined(separator: "\n")
  }
}

/// Where something comes from.
struct LibraryReport: Encodable {
  let id: String
  let declaredID: String
  let version: String
  let license: String?
  let path: String
  let sha256: String
  let buildID: String?
  let abi: String

  init(_ library: LibraryIdentity) {
    id = library.id
    declaredID = library.declaredID
    version = library.version
    license = library.license
    path = library.path
    sha256 = library.sha256
    buildID = library.buildID
    abi = "1.\(library.abiMinor)"
  }

  var text: String {
    let rows = [
      ["library", declaredID == id ? id : "\(id) (\(declaredID), renamed)"], ["version", version],
      ["license", license ?? "not stated"], ["plugin ABI", abi], ["file", path], ["sha256", sha256],
      ["build id", buildID ?? "none"],
    ]
    return "FROM\n" + textTable(rows, indent: 2)
  }
}

/// A method and what it stands for.
struct MethodReport: Encodable {
  let name: String
  let expansion: String
  let library: String
}

/// The whole of `plugins list --json`.
struct PluginListReport: Encodable {
  struct Refused: Encodable {
    let path: String
    let reason: String
  }

  let components: [ComponentReport]
  let methods: [MethodReport]
  let refused: [Refused]
  let warnings: [String]
  let searched: [String]

  init(_ registry: PluginRegistry) {
    let libraries = registry.libraries
    components = libraries.flatMap(\.components).map(ComponentReport.init)
    methods = libraries.flatMap { library in
      library.recipes.map { MethodReport(name: $0.name, expansion: $0.text, library: library.id) }
    }
    refused = registry.refusals.map { Refused(path: $0.path, reason: "\($0.reason)") }
    warnings = registry.warnings
    searched = registry.report.folders
  }
}

/// The whole of `plugins info NAME --json`: everything the name may mean.
struct PluginInfoReport: Encodable {
  let components: [ComponentReport]
  let methods: [MethodReport]
  let libraries: [LibraryReport]

  /// - Throws: `PluginError` where the name means nothing.
  init(_ name: String, in registry: PluginRegistry) throws {
    let found = try registry.everything(called: name)
    components = found.components.map(ComponentReport.init)
    methods = found.recipes.map {
      MethodReport(name: $0.recipe.name, expansion: $0.recipe.text, library: $0.library.id)
    }
    libraries = found.libraries.map { LibraryReport($0.identity) }
  }

  var text: String {
    var parts = methods.map { "method \($0.name) = \($0.expansion)" } + components.map(\.text)
    parts += libraries.map(\.text)
    return parts.joined(separator: "\n\n")
  }
}
