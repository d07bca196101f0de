// Why a process that was started as one of several does not go on: said once a host, before anything is written.

/// An error of the module Ranks.
package enum RanksError: Error, Equatable {
  /// The library for ranks is in none of these places.
  case noLibrary(Launcher, places: [String])
  /// The library cannot be loaded, or does not form a group.
  case cannotJoin(Launcher, library: String, problem: String)
  /// The group that was formed is not what the launcher started.
  case otherSize(Launcher, library: String, size: Int)
  /// What was asked for is not made for ranks.
  case notForRanks(Launcher, what: String, reason: String)
}

extension RanksError: CustomStringConvertible {
  /// What the command prints.
  package var description: String {
    switch self {
    case .noLibrary(let launcher, let places):
      "\(launcher.text): expected the library that connects them, found none in \(places.joined(separator: ", ")). "
        + "Nothing was written. Build it once, with the MPI that the job will use:\n  mixcse ranks build\n"
        + Self.alone
    case .cannotJoin(let launcher, let library, let problem):
      "\(launcher.text): expected \(library) to connect them, found: \(problem). Nothing was written. Build it again "
        + "with the MPI whose launcher is used:\n  mixcse ranks build --mpicc MPICC\n" + Self.alone
    case .otherSize(let launcher, let library, let size):
      "\(launcher.text): expected a group of \(launcher.size) processes, found one of \(size). Nothing was written. "
        + "The launcher belongs to another MPI than \(library): use the mpirun beside the mpicc that built it (with "
        + "Slurm: srun --mpi=pmix, or mpirun inside the job), or build it again:\n"
        + "  mixcse ranks build --mpicc MPICC\n" + Self.alone
    case .notForRanks(let launcher, let what, let reason):
      "\(launcher.text): expected mixcse train or evaluate, found \(what). \(reason)"
    }
  }

  private static let alone =
    "For one process leave out the launcher; in a Slurm job: srun -n 1."

  /// The exit code of the command for this error.
  package var exitCode: Int32 {
    switch self {
    case .noLibrary, .cannotJoin, .otherSize: 69
    case .notForRanks: 64
    }
  }
}

extension RanksError {
  /// Whether the first process of this host says the same.
  package var isSaidByAnother: Bool {
    switch self {
    case .noLibrary(let launcher, _), .cannotJoin(let launcher, _, _), .otherSize(let launcher, _, _),
      .notForRanks(let launcher, _, _):
      launcher.localRank > 0
    }
  }
}

extension Launcher {
  /// For messages.
  package var text: String { "this process is number \(rank) of \(size) (\(rankVariable), \(sizeVariable))" }
}
