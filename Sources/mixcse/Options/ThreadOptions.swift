// `--threads`, shared by every subcommand that computes.

import ArgumentParser
import Kernels

struct ThreadOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Threads to compute with, 1 to 1024. (default: the processors there are)", valueName: "n"))
  var threads: Int?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads: expected 1 to 1024, found \(threads)")
    }
  }

  var count: Int { threads ?? ThreadPool.availableThreads() }
}
