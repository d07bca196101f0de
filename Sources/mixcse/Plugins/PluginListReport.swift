// What `mixcse plugins list --json` prints.

import Host

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
    components = (libraries.flatMap(\.components) + registry.encoders).map(ComponentReport.init)
    methods = libraries.flatMap { library in
      library.recipes.map { MethodReport(name: $0.name, expansion: $0.text, library: library.id) }
    }
    refused = registry.refusals.map { Refused(path: $0.path, reason: "\($0.reason)") }
    warnings = registry.warnings
    searched = registry.report.folders
  }
}
