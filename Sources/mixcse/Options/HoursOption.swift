// `--max-hours`, shared by the subcommands that train.

import ArgumentParser

struct HoursOption: ParsableArguments {
  @Option(
    name: .customLong("max-hours"),
    help: ArgumentHelp(
      "Stop before this much time has passed since the start, with a checkpoint and exit code 75; started again it "
        + "goes on. Above 0; fractions are allowed.", valueName: "hours"))
  var maximumHours: Double?

  func validate() throws {
    if let hours = maximumHours, !(hours > 0 && hours <= 1e6) {
      throw ValidationError("--max-hours: expected hours above 0 and at most 1000000, found \(hours)")
    }
  }
}
