// `mixcse swap`: another strategy for a run that is going on. Writes a wish into the run's folder and waits for what
// the run makes of it.

import ArgumentParser
import Files
import FoundationEssentials
import Glibc
import Host
import Processes
import Training

struct SwapCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "swap", abstract: "Lets another strategy take over in a run that is going on.",
    discussion: """
      Example: mixcse swap runs/mixcse 'mixcse:lambda=0.3'

      The run tries the strategy in a process of its own, then in a step; where either fails, it goes on as it was. What \
      happened is recorded with the run, which is another one from then on, and --resume goes on with the strategy.

      Exit codes: 0 the strategy trains; 64 wrong usage; 66 no such run; 69 refused, or no process is training; 75 no \
      answer in time.
      """)

  @Argument(help: ArgumentHelp("The output folder of the run.", valueName: "run"))
  var output: String
  @Argument(
    help: ArgumentHelp(
      "As in a comparison: a recipe, or samplers and losses joined by +, from the plugins that the run finds by name.",
      valueName: "strategy"))
  var strategy: String
  @Option(help: ArgumentHelp("Seconds to wait for the answer, 1 or more.", valueName: "seconds"))
  var timeout = 300.0

  func validate() throws {
    guard timeout >= 1, timeout <= 1e6 else {
      throw ValidationError("--timeout: expected seconds from 1 to 1000000, found \(timeout)")
    }
  }

  func run() throws {
    let folder = Path.withoutTrailingSlashes(output)
    for path in [folder, folder + "/run.json"] where !Path.exists(path) {
      throw TrainingError.missingFile(path: path, expected: "the output folder of a run that is going on")
    }
    // What can be known to be wrong without asking.
    try StrategyRequest.checkNames(change: strategy)
    try checkLife(folder)
    let files = SwapFiles(folder: folder)
    let request = SwapRequest(id: UUID().uuidString, strategy: strategy)
    do { try files.ask(request) } catch SwapFiles.Failure.pending {
      throw TrainingError.swap(
        folder: folder, problem: "another strategy was asked for and is not answered yet; wait for it and ask again")
    }
    let answer = try wait(for: request, files, folder)
    if let refusal = answer.refusal {
      throw TrainingError.swap(
        folder: folder, problem: "after step \(answer.step) the run refused \(strategy): \(refusal)")
    }
    try printText((["after step \(answer.step): \(answer.strategy)"] + answer.notes).joined(separator: "\n"))
  }

  private func wait(for request: SwapRequest, _ files: SwapFiles, _ folder: String) throws -> SwapAnswer {
    let began = ContinuousClock.now
    while true {
      if let answer = files.takeAnswer(to: request.id) { return answer }
      if ContinuousClock.now - began > .seconds(timeout) {
        files.withdraw(request.id)
        // It may have come in between.
        if let answer = files.takeAnswer(to: request.id) { return answer }
        throw TrainingError.noAnswer(folder: folder, seconds: timeout)
      }
      do { try checkLife(folder) } catch {
        if let answer = files.takeAnswer(to: request.id) { return answer }
        files.withdraw(request.id)
        throw error
      }
      usleep(50_000)
    }
  }

  /// - Throws: `TrainingError.swap` where no process trains in the folder.
  private func checkLife(_ folder: String) throws {
    guard !FolderLock.isHeld(folder: folder) else { return }
    throw TrainingError.swap(
      folder: folder,
      problem: "no process is training there; begin the run again with --resume and ask then, or plan the change with "
        + "--then")
  }
}
