// `mixcse check-reload`: the child in which a run with `--watch` tries a rebuilt plugin. Not for users.

import ArgumentParser
import Files
import FoundationEssentials
import Glibc
import Host
import Kernels
import Training

struct CheckReloadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check-reload", abstract: "Tries a rebuilt plugin for a run with --watch.", shouldDisplay: false)

  @Argument(help: "What to try, as JSON.") var request: String
  @Option(help: "Seconds after which the process ends itself.") var deadline = 30.0

  func run() throws {
    // Whoever waits for the answer may be gone.
    alarm(UInt32(max(deadline.rounded(.up), 1)) + 1)
    let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: request)))
    let test = try SmokeTest(JSONValue.parse(bytes), path: request)
    try test.run(services: HostServices(pool: ThreadPool(threads: 1), logger: commandLogger()), allowInsecure: false)
  }
}
