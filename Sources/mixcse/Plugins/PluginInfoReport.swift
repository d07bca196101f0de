// What `mixcse plugins info` prints: the same facts as text and as JSON.

import Host

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
