// Wires the modules of the host together: which opener a registry gets, and so where its plugins run.
// Called by the command and by whoever else needs plugins; everything else about registries is in PluginLoading.

import BareFunctions
package import Logging
package import PluginAPI
package import PluginIsolation
package import PluginLoading
import PluginReload

extension PluginRegistry {
  /// Looks through `searchPath` without running any plugin code.
  /// - Parameters:
  ///   - searchPath: Where to look.
  ///   - renamed: Builds to load under names of their own.
  ///   - allowInsecure: Accept files that others could write.
  ///   - host: The table entry functions get; without one they get a table that only keeps what they log.
  ///   - copiesLibraries: Load private copies, so that the files may be written while their code runs.
  ///   - isolation: Which plugins run in processes of their own; nil for none.
  ///   - logger: Where reasons and warnings go as well.
  /// - Throws: `PluginError` where a build of `renamed` cannot be used, `UsageError` where two have the same name.
  package convenience init(
    searchPath: PluginSearchPath, renamed: [Renamed] = [], allowInsecure: Bool = false,
    host: UnsafePointer<cse_host>? = nil, copiesLibraries: Bool = false, isolation: Isolation? = nil,
    logger: Logger = Logger(label: "plugins")
  ) throws {
    let loader = PluginLoader(host: host)
    let opener: any LibraryOpener =
      if let isolation {
        IsolatedLoader(isolation, loader: loader)
      } else if copiesLibraries {
        LibraryCopies(loader: loader, allowInsecure: allowInsecure)
      } else {
        loader
      }
    try self.init(
      searchPath: searchPath, renamed: renamed, allowInsecure: allowInsecure, opener: opener, logger: logger)
  }

  /// Set where plugins, or some of them, run in processes of their own.
  package var isolation: Isolation? { (opener as? IsolatedLoader)?.isolation }
}
