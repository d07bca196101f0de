// `mixcse plugins`: which plugins there are, and everything about one of them.

import ArgumentParser

struct PluginsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plugins", abstract: "Shows, checks, makes and calls plugins.",
    subcommands: [
      PluginsListCommand.self, PluginsInfoCommand.self, PluginsCheckCommand.self, PluginsNewCommand.self,
      PluginsCallCommand.self,
    ])
}
