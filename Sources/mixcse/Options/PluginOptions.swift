// The flags that say where plugins come from; shared by every subcommand that uses plugins.

import ArgumentParser
import Host
import Kernels
import Logging

/// `--plugin-path`, `--plugin-as`, `--allow-insecure-plugin`, `--isolate` and its bounds.
struct PluginOptions: ParsableArguments {
  @Option(
    name: .customLong("plugin-path"),
    help: ArgumentHelp(
      "A folder with plugins, searched before all others; may be repeated.",
      discussion: """
        Then come the folders of CSE_PLUGIN_PATH (parted by ':'), $XDG_DATA_HOME/cse/plugins, lib/cse/plugins beside the \
        program's folder, and the program's folder. The working directory is never searched unless named.
        """, valueName: "dir"))
  var pluginPaths: [String] = []

  @Option(
    name: .customLong("plugin-as"),
    help: ArgumentHelp("Loads a library under a name of its own, beside another build of it.", valueName: "name=file"))
  var renamed: [String] = []

  @Flag(
    name: .customLong("allow-insecure-plugin"),
    help: "Accept plugins that others could have written (owner and mode are not checked).")
  var allowInsecure = false

  @OptionGroup var isolation: IsolationOptions

  /// The flags as given, for a child process.
  var arguments: [String] {
    pluginPaths.flatMap { ["--plugin-path", $0] } + renamed.flatMap { ["--plugin-as", $0] }
      + (allowInsecure ? ["--allow-insecure-plugin"] : []) + isolation.arguments
  }

  /// The plugins these flags lead to; no plugin code has run yet.
  /// - Parameter services: What entry functions get already, where plugins will run.
  /// - Parameter copied: Load copies, so that the files may change while their code runs.
  /// - Throws: `PluginError`
  func registry(logger: Logger, services: HostServices? = nil, copied: Bool = false) throws -> PluginRegistry {
    if services != nil { PluginGuard.watch(seconds: isolation.deadline) }
    return try PluginRegistry(
      searchPath: PluginSearchPath(pluginPaths: pluginPaths),
      renamed: renamed.map(PluginRegistry.Renamed.init(parsing:)),
      allowInsecure: allowInsecure, host: services?.table, copiesLibraries: copied,
      isolation: isolation.make(allowInsecure: allowInsecure, threads: services?.pool.threads ?? 1, logger: logger),
      logger: logger)
  }
}
