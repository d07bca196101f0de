// `--watch`: hot reload of plugins while `train` runs.

import ArgumentParser
import Training

struct WatchOptions: ParsableArguments {
  @Flag(
    name: .customLong("watch"),
    help: ArgumentHelp(
      "Reload plugin libraries that are built again while the run goes on.",
      discussion: """
        A new build is tried in a process of its own first; one that fails there or in its first step is refused, and \
        the old one goes on. States, weights and the values that were set carry over by name.
        """))
  var isOn = false

  @Option(
    name: .customLong("watch-deadline"), help: ArgumentHelp("Seconds the check may take.", visibility: .hidden))
  var deadline = 30.0

  func validate() throws {
    guard deadline > 0, deadline <= 3600 else {
      throw ValidationError("--watch-deadline: expected seconds above 0 and at most 3600, found \(deadline)")
    }
  }

  /// What the run is told; nil without `--watch`.
  var settings: PluginReloader.Settings? {
    guard isOn else { return nil }
    var settings = PluginReloader.Settings()
    settings.deadline = deadline
    return settings
  }
}
