// The command `mixcse`: its subcommands, and how an error becomes a message and an exit code.

import ArgumentParser
import Files
import Glibc
import Host
import Ranks

/// An error of one of the modules: what it says goes to standard error, its code ends the process.
protocol CommandFailure: Error, CustomStringConvertible {
  var exitCode: Int32 { get }
}

@main
struct MixCSECommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mixcse",
    abstract: "Trains sentence encoders by contrastive learning, with samplers, losses and poolers from plugins.",
    version: BuildReport.text,
    subcommands: [
      TrainCommand.self, SwapCommand.self, EncodeCommand.self, EvaluateCommand.self, TokenizeCommand.self,
      SimilarityCommand.self, IndexCommand.self, SearchCommand.self, MineCommand.self, ProbeCommand.self,
      CompareCommand.self, PluginsCommand.self, EncoderCommand.self, RanksCommand.self, CheckReloadCommand.self,
      LookUpCommand.self, OpenEncoderCommand.self,
    ])

  static func main() {
    StandardStreams.prepare()
    if CommandLine.arguments.isEmpty {
      // Swift reads them from there. Without them any command would print the help and end well.
      printToStandardError("error: expected /proc, from which a program learns its arguments; found none: mount it")
      Glibc.exit(66)
    }
    let arguments = Array(CommandLine.arguments.dropFirst())
    IsolatedWorker.runIfAsked(arguments)
    PluginGuard.install()
    do {
      var command = try parse(
        EmptyValues.refused(RepeatedOptions.checked(ArgumentSpelling.standard(arguments))))
      try checkRanks(command)
      do { try command.run() } catch let error as ValidationError {
        // What only the whole description shows to be missing: the parser would name its root in place of the command.
        let name = type(of: command).configuration.commandName ?? ""
        let path = arguments.first == PluginsCommand.configuration.commandName ? "plugins \(name)" : name
        Glibc.exit(refuse("\(error)\nSee mixcse \(path) --help", error))
      }
      try StandardOutput.flush()
    } catch {
      Glibc.exit(report(error))
    }
  }

  /// Only training and evaluation join the processes that a launcher started beside this one; what rank 0 starts itself
  /// is no rank.
  private static func checkRanks(_ command: any ParsableCommand) throws {
    let isMeant = command is TrainCommand || command is EvaluateCommand || command is CheckReloadCommand
    guard let launcher = Launcher(), !isMeant else { return }
    throw RanksError.notForRanks(
      launcher, what: "mixcse \(type(of: command).configuration.commandName ?? "")",
      reason: "Each of them would do the same work and write the same files. Leave out the launcher; in a Slurm job: "
        + "srun -n 1")
  }

  /// Ends the process where the arguments have a slip that the parser does not see.
  private static func parse(_ arguments: [String]) throws -> any ParsableCommand {
    do { return try parseAsRoot(arguments) } catch {
      guard exitCode(for: error).rawValue != 0, let advice = ArgumentAdvice.text(arguments) else { throw error }
      Glibc.exit(refuse(advice, error))
    }
  }

  /// Says what is wrong with the arguments, and where a shell may have cut them.
  /// - Returns: the exit code.
  private static func refuse(_ text: String, _ error: any Error) -> Int32 {
    printToStandardError("error: " + text + (PipeAdvice.text.map { "\n" + $0 } ?? ""))
    return exitCode(for: error).rawValue
  }

  /// Says what went wrong, after all that was printed before; help that was asked for goes to standard output.
  /// - Returns: the exit code.
  private static func report(_ error: any Error) -> Int32 {
    if let failure = error as? any CommandFailure {
      // Whoever closes the other end (`| head`) has seen enough.
      let isSaid = (error as? RanksError)?.isSaidByAnother ?? (error as? FileError == .cannotPrint(code: EPIPE))
      if !isSaid { printToStandardError("error: \(failure)", host: error is RanksError) }
      try? StandardOutput.flush()
      return failure.exitCode
    }
    let (code, text) = (exitCode(for: error).rawValue, fullMessage(for: error))
    do {
      if code == 0, !text.isEmpty { try printText(text) }
      try StandardOutput.flush()
    } catch let failure as any CommandFailure where code == 0 {
      return report(failure)
    } catch {
      // What went wrong first decides.
    }
    if code != 0, !text.isEmpty { printToStandardError(text) }
    return code
  }
}
