// The flags of `mixcse train` that concern one run alone: its seed, and how it starts and stops. What trainings have
// in common, a comparison's too, is in TrainingFlags.

import ArgumentParser
import Glibc
import Processes
import Training

/// `--seed`, `--resume`, `--overwrite`, `--stop-after`, `--max-hours`, `--tensorboard`, `--profile`, `--schedule`.
struct RunFlags: ParsableArguments {
  @Option(help: "Decides order, dropout, head and plugins' random numbers; 0 to 2^64-1. (default: 42)")
  var seed: UInt64?

  @Flag(help: "Go on with the run in --output-dir from its last checkpoint.")
  var resume = false

  @Flag(help: "Replace the run in --output-dir; other files stay, and a folder without a run is refused.")
  var overwrite = false

  @Option(
    name: .customLong("stop-after"),
    help: ArgumentHelp(
      "Stop after this optimiser step with a checkpoint and exit code 75; --resume goes on. The schedule stays that of "
        + "the whole run.", valueName: "step"))
  var stopAfter: Int?

  @OptionGroup var limit: HoursOption

  @Flag(help: "Write tensorboard/ in the output folder, too, as the run goes on: tensorboard --logdir FOLDER.")
  var tensorboard = false

  @Flag(help: "Print where the time goes, by phase and plugin, and log each step's seconds (phases).")
  var profile = false

  @Option(
    name: .customLong("schedule"),
    help: ArgumentHelp(
      "A number that changes from step to step; may be repeated.",
      discussion: """
        TARGET is learning-rate or component.param, a live parameter such as mixcse.lambda. FORM is linear(from,to), \
        cosine(from,to), each with a third number of steps if it ends before the last one, or a bare schedule \
        function: ./lib.so:name:param=value.
        """, valueName: "target=form"))
  var schedules: [String] = []

  @Flag(name: .customLong("stop-with-input"), help: .hidden)
  var stopWithInput = false

  func validate() throws {
    if let stopAfter, stopAfter < 1 { throw ValidationError("--stop-after: expected 1 or more, found \(stopAfter)") }
  }

  /// Puts what was typed over a description; a schedule takes the place of the file's for its target.
  func apply(to run: inout RunDescription) {
    run.take(\.training.seed, seed)
    let targets = schedules.map { $0.prefix { $0 != "=" } + "=" }
    run.strategy.schedules.removeAll { known in targets.contains { known.hasPrefix($0) } }
    run.strategy.schedules += schedules
  }

  /// How the run starts and stops.
  var control: RunControl {
    var control = RunControl()
    (control.resume, control.overwrite) = (resume, overwrite)
    (control.stopAfter, control.showsProfile) = (stopAfter, profile)
    control.writesTensorBoard = tensorboard
    control.maximumHours = limit.maximumHours
    return control
  }

  /// With `--stop-with-input`: the end of standard input is as good as a Ctrl-C, so that no run outlives whoever
  /// started it.
  func watchInput() {
    guard stopWithInput else { return }
    let thread = WorkThread {
      var byte: UInt8 = 0
      while true {
        let count = read(STDIN_FILENO, &byte, 1)
        if count == 0 || (count < 0 && errno != EINTR) { break }
      }
      kill(getpid(), SIGINT)
    }
    thread?.detach()
  }
}
