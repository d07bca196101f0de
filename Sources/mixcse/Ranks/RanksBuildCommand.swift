// `mixcse ranks build`: compiles the library that connects ranks against the MPI that is there, since each MPI has an
// ABI of its own.

import ArgumentParser
import Processes
import Ranks

struct RanksBuildCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "build", abstract: "Compiles the library that connects ranks, with the MPI of this machine.",
    discussion: """
      Needs an MPI with its compiler (Debian: libopenmpi-dev and openmpi-bin; on a cluster: module load openmpi). It is \
      put where mixcse train finds it; with another MPI it is built again.
      """)

  @Option(help: ArgumentHelp("The compiler of the MPI whose launcher is used.", valueName: "file")) var mpicc = "mpicc"
  @Option(
    help: ArgumentHelp(
      "The folder of the library. (default: ranks in the folder of your plugins, $XDG_DATA_HOME/cse/plugins)",
      valueName: "dir"))
  var output: String?
  @Option(
    help: ArgumentHelp(
      "Where cse_ranks.h and MPIRanks are. (default: CSE_SDK, share/cse beside the program's folder, or the sources "
        + "the program was built from)", valueName: "dir"))
  var sdk: String?

  func run() throws {
    let source = try PluginSDK(sdk).ranks()
    guard ChildOutput.found(mpicc) != nil else {
      throw ValidationError(
        "--mpicc \(mpicc): expected the compiler of an MPI, found none\n"
          + "  sudo apt-get install libopenmpi-dev openmpi-bin   (on a cluster: module load openmpi)")
    }
    let build = try LibraryBuild(RankGroup.libraryName, in: output, else: RanksLibrary.folder)
    try build.run(mpicc, source: source.file) { target in
      [
        "-std=gnu11", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-pthread", "-I" + source.header, source.file,
        "-o", target,
      ]
    }
    try printText("\(build.target)\nmpirun -n 2 mixcse train ...")
    guard output != nil else { return }
    try printText("  with \(RanksLibrary.variable)=\(build.target)")
  }
}
