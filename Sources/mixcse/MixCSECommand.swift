// The command `mixcse`: its subcommands, and how an error becomes a message and an exit code.

import ArgumentParser
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
    let arguments = Array(CommandLine.arguments.dropFirst())
    IsolatedWorker.runIfAsked(arguments)
    PluginGuard.install()
    do {
      var command = try parseAsRoot(ArgumentSpelling.standard(arguments))
      try command.run()
    } catch let failure as any CommandFailure {
      printToStandardError("error: \(failure)")
      Foundation.exit(failure.exitCode)
    } catch {
      end(with: error)
    }
  }

  /// As `exit(withError:)`, which would write what the command line says to the terminal as it stands.
  private static func end(with error: any Error) -> Never {
    let (code, text) = (exitCode(for: error), fullMessage(for: error))
    if !text.isEmpty { code.isSuccess ? printText(text) : printToStandardError(text) }
    Foundation.exit(code.rawValue)
  }
}
