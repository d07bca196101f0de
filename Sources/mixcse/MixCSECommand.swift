// The command `mixcse`: its subcommands, and how an error becomes a message and an exit code.

import ArgumentParser
import Files
import Foundation
import Host

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
      TrainCommand.self, EncodeCommand.self, EvaluateCommand.self, TokenizeCommand.self, ProbeCommand.self,
      CompareCommand.self, PluginsCommand.self, CheckReloadCommand.self, LookUpCommand.self,
    ])

  static func main() {
    StandardStreams.prepare()
    let arguments = Array(CommandLine.arguments.dropFirst())
    IsolatedWorker.runIfAsked(arguments)
    PluginGuard.install()
    do {
      var command = try parseAsRoot(RepeatedOptions.checked(ArgumentSpelling.standard(arguments)))
      try command.run()
      try StandardOutput.flush()
    } catch {
      Foundation.exit(report(error))
    }
  }

  /// Says what went wrong, after all that was printed before; help that was asked for goes to standard output.
  /// - Returns: the exit code.
  private static func report(_ error: any Error) -> Int32 {
    if let failure = error as? any CommandFailure {
      // Whoever closes the other end (`| head`) has seen enough.
      if error as? FileError != .cannotPrint(code: EPIPE) { printToStandardError("error: \(failure)") }
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
