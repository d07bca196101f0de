// A build plugin of SwiftPM (not one of the program's own plugins): before each build it writes the commit of the
// sources into a file of the module Commit, where it has changed.

import FoundationEssentials
import PackagePlugin

@main
struct RecordCommit: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
    let package = context.package.directoryURL
    let output = context.pluginWorkDirectoryURL
    return [
      .prebuildCommand(
        displayName: "Recording the commit of the sources", executable: URL(fileURLWithPath: "/bin/sh"),
        arguments: [package.appendingPathComponent("Sources/RecordCommit/commit.sh").path, package.path, output.path],
        outputFilesDirectory: output)
    ]
  }
}
