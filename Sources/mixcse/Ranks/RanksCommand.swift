// `mixcse ranks`: what connects several processes is built on the machine where they run.

import ArgumentParser

struct RanksCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ranks", abstract: "Builds what lets several processes train one model (mpirun, srun).",
    subcommands: [RanksBuildCommand.self])
}
