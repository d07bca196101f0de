// One training run or evaluation on several processes: how this one joins the others, and what those do that only
// help.

import ArgumentParser
import Files
import Glibc
import Host
import Kernels
import Processes
import Ranks
import Training

/// `--rank-deadline`.
struct RankOptions: ParsableArguments {
  @Option(
    name: .customLong("rank-deadline"),
    help: ArgumentHelp(
      "With mpirun or srun: seconds after which a rank that hangs ends all of them.", valueName: "seconds"))
  var deadline = 60.0

  func validate() throws {
    guard deadline >= 1, deadline <= 86400 else {
      throw ValidationError("--rank-deadline: expected 1 to 86400 seconds, found \(deadline)")
    }
  }

  /// Runs `body` in the first of the processes that a launcher started, or in the only one; the others help it.
  /// - Throws: `RanksError` where they do not find each other, before `body`; what `body` throws.
  func run(_ body: (RankGroup?) throws -> Void) throws {
    guard let launcher = Launcher() else { return try body(nil) }
    let group = try RankGroup(launcher, libraries: RanksLibrary.places(), deadline: deadline)
    guard group.rank == 0 else { return work(group) }
    // Whatever comes of it, the others are told that it is over.
    defer { group.end() }
    try body(group)
  }

  /// Works for rank 0 until it has done.
  private func work(_ group: RankGroup) {
    // Whoever stops a job stops all its processes: rank 0 writes a checkpoint, for which it needs the others.
    for number in Interruption.signals { signal(number, SIG_IGN) }
    RankWorker(group, threads: threads(group), logger: commandLogger()).run()
  }

  /// The threads of one process.
  func threads(_ group: RankGroup?) -> Int {
    let available = ThreadPool.availableThreads()
    return group?.threads(available: available, processors: sysconf(Int32(_SC_NPROCESSORS_ONLN))) ?? available
  }
}

/// Where the library that connects ranks is.
enum RanksLibrary {
  /// The variable that names it.
  static let variable = "CSE_RANKS"
  /// The folder of the library in a folder of plugins, where it is not taken for one.
  static let folder = "ranks"

  /// What the variable names; the user's own; what is installed beside the program.
  static func places() throws -> [String] {
    if !runsPrivileged(), let path = getenv(variable).map({ String(cString: $0) }), !path.isEmpty { return [path] }
    return try PluginSearchPath(pluginPaths: []).folders.map { "\($0.path)/\(folder)/\(RankGroup.libraryName)" }
  }
}
