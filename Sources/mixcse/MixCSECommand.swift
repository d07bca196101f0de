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
      FileHandle.standardError.write(Data("error: \(failure)\n".utf8))
      Foundation.exit(failure.exitCode)
    } catch {
      exit(withError: error)
    }
  }
}
