// `--isolate[=NAME,...]` and what a plugin may use; part of PluginOptions.

import ArgumentParser

/// `--isolate`, `--plugin-deadline`, `--plugin-memory`. A bare `--isolate` has become `--isolate=*` before it is parsed
/// (`ArgumentSpelling`).
struct IsolationOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Runs plugins in processes of their own: with =NAME,... those, without a value all.",
      discussion: """
        A plugin that crashes, hangs, ends the program or fills the memory then ends its own process only: the run says \
        which plugin, function and step it was, saves the last whole step and ends with 69. The numbers are the same.
        """, valueName: "name,..."))
  var isolate: String?
  @Option(
    name: .customLong("plugin-deadline"),
    help: ArgumentHelp(
      "Seconds one call into a plugin may take, then the run ends with 69; 0 = any time. (default: 60)",
      valueName: "seconds"))
  var deadline: Double?
  @Option(
    name: .customLong("plugin-memory"),
    help: ArgumentHelp(
      "MiB of memory of its own that an isolated plugin may take; 0 = all there is. (default: 4096)",
      valueName: "MiB"))
  var memory: Int?
}
