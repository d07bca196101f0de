// From where plugins are looked for to the registry that finds them. Used by every subcommand that needs plugins.

package import Host
import Kernels
package import Logging

extension PluginDescription {
  /// The plugins this leads to; no plugin code has run yet.
  /// - Parameters:
  ///   - services: what entry functions get already, where plugins will run.
  ///   - copied: load copies, so that the files may change while their code runs.
  /// - Throws: `PluginError`
  package func registry(
    logger: Logger, services: HostServices? = nil, copied: Bool = false
  ) throws -> PluginRegistry {
    if services != nil { PluginGuard.watch(seconds: deadline) }
    let bounds = Isolation.Bounds(
      deadline: deadline, memoryBytes: memory << 20, threads: services?.pool.threads ?? 1)
    return try PluginRegistry(
      searchPath: PluginSearchPath(pluginPaths: paths), renamed: renamed.map(PluginRegistry.Renamed.init(parsing:)),
      allowInsecure: allowsInsecure, host: services?.table, copiesLibraries: copied,
      isolation: isolation(bounds, logger: logger), python: PythonSettings(bounds: bounds, logger: logger),
      logger: logger)
  }

  /// Nil where nothing is isolated.
  private func isolation(_ bounds: Isolation.Bounds, logger: Logger) throws -> Isolation? {
    guard isolate != nil else { return nil }
    return try Isolation(names: isolatedNames, bounds: bounds, allowInsecure: allowsInsecure, logger: logger)
  }
}
