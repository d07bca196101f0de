// From a file in Python to a PluginLibrary: its process runs it and says what it declares, from which the descriptor is
// built that any other plugin has. Given to PluginLoader by Host.

import Files
import PluginGrammar
import PluginIsolation
package import PluginLoading

/// Opens files in Python.
package struct PythonOpener: Sendable {
  private let settings: PythonSettings

  /// An opener; no Python is started before a file is opened.
  package init(_ settings: PythonSettings) { self.settings = settings }

  /// The library in `file`, under the name `alias` if it has been given one.
  /// - Throws: `PluginRefusal`
  package func open(_ file: PluginFile, alias: String?) throws(PluginRefusal) -> PluginLibrary {
    let place = PythonPlace(file, settings)
    let report = try place.describe()
    guard let versions = report.first, let described = DescribedLibrary(Array(report.dropFirst())) else {
      throw .worker("its process reported nothing of use")
    }
    let descriptor = try DescriptorReader().library(at: described.makeLibrary())
    let identity = LibraryIdentity(
      path: file.path, resolvedPath: file.resolvedPath, declaredID: descriptor.id, alias: alias,
      version: descriptor.version, license: descriptor.license, sha256: file.sha256, buildID: nil, runtime: versions,
      abiMinor: described.abiMinor)
    return PluginLibrary(
      identity: identity, components: descriptor.components.map { PluginComponent($0, of: identity, place: place) },
      recipes: descriptor.recipes, notes: described.notes)
  }
}
