// `mixcse encoder`: encoders that are built on the machine where they run.

import ArgumentParser

struct EncoderCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encoder", abstract: "Builds encoder plugins, which compute on other devices.",
    subcommands: [EncoderBuildCommand.self])
}
