// Wires the modules of the host together: which opener a registry gets, and so where its plugins run.
// Called by the command and by whoever else needs plugins; everything else about registries is in PluginLoading.

import BareFunctions
import Kernels
package import Logging
package import PluginAPI
package import PluginIsolation
package import PluginLoading
package import PluginPython
import PluginReload

extension PluginRegistry {
  /// Looks through `searchPath` without running any plugin code.
  /// - Parameters:
  ///   - searchPath: Where to look.
  ///   - renamed: Builds to load under names of their own.
  ///   - allowInsecure: Accept files that others could write.
  ///   - host: The table entry functions get; without one they get a table that only keeps what they log.
  ///   - copiesLibraries: Load private copies, so that the files may be written while their code runs.
  ///   - isolation: Which plugins run in processes of their own; nil for none. Those in Python always do.
  ///   - python: Which Python runs these, and within which bounds; nil for the usual ones.
  ///   - logger: Where reasons and warnings go as well.
  /// - Throws: `PluginError` where a build of `renamed` cannot be used, `UsageError` where two have the same name.
  package convenience init(
    searchPath: PluginSearchPath, renamed: [Renamed] = [], allowInsecure: Bool = false,
    host: UnsafePointer<cse_host>? = nil, copiesLibraries: Bool = false, isolation: Isolation? = nil,
    python: PythonSettings? = nil, logger: Logger = Logger(label: "plugins")
  ) throws {
    let settings =
      python
      ?? PythonSettings(
        bounds: Isolation.Bounds(deadline: 60, memoryBytes: 0, threads: ThreadPool.availableThreads()), logger: logger)
    let loader = PluginLoader(host: host, readPython: PythonOpener(settings).open)
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
