// The flags that say where plugins come from; shared by every subcommand that uses plugins.

import ArgumentParser
import Host
import Logging
import Training

/// `--plugin-path`, `--plugin-as`, `--allow-insecure-plugin`, `--isolate` and its bounds.
struct PluginOptions: ParsableArguments {
  @Option(
    name: .customLong("plugin-path"),
    help: ArgumentHelp(
      "A folder with plugins, searched before all others; may be repeated.",
      discussion: """
        Then come the folders of CSE_PLUGIN_PATH (separated by ':'), $XDG_DATA_HOME/cse/plugins, lib/cse/plugins beside \
        the program's folder, and the program's folder. The working directory is never searched unless named.
        """, valueName: "dir"), completion: .directory)
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

  func validate() throws {
    var run = RunDescription()
    apply(to: &run)
    // The parser knows the exit code of its own errors only.
    do { try run.check() } catch let error as TrainingError { throw ValidationError("\(error)") }
  }

  /// Puts what was typed over a description.
  func apply(to run: inout RunDescription) {
    run.take(\.plugins.paths, list: pluginPaths)
    run.take(\.plugins.renamed, list: renamed)
    run.take(\.plugins.allowsInsecure, flag: allowInsecure)
    run.take(\.plugins.isolate, isolation.isolate)
    run.take(\.plugins.deadline, isolation.deadline)
    run.take(\.plugins.memory, isolation.memory)
  }

  /// The plugins these flags lead to; no plugin code has run yet.
  /// - Throws: `PluginError`
  func registry(logger: Logger, services: HostServices? = nil) throws -> PluginRegistry {
    var run = RunDescription()
    apply(to: &run)
    return try run.plugins.registry(logger: logger, services: services)
  }
}
