// What the environment says of this process: whether a launcher started it as one of several. Asked before anything is
// written, so that several processes never write into one folder.

import Glibc

/// A launcher that started several processes, as one of them sees it.
package struct Launcher: Sendable, Equatable {
  /// The variables that say so, by meaning.
  package let rankVariable, sizeVariable: String
  /// Number of this process, from 0.
  package let rank: Int
  /// How many were started.
  package let size: Int
  /// Number of this process among those of its host; the rank where the launcher does not say.
  package let localRank: Int

  /// Variables of rank, size and rank on the host: Open MPI; MPICH, Intel MPI and Hydra; Slurm; torchrun and others.
  /// The first pair that is set counts: who starts one process inside of a job of many means one.
  private static let known: [(rank: String, sizes: [String], local: String)] = [
    ("OMPI_COMM_WORLD_RANK", ["OMPI_COMM_WORLD_SIZE"], "OMPI_COMM_WORLD_LOCAL_RANK"),
    ("PMI_RANK", ["PMI_SIZE"], "MPI_LOCALRANKID"),
    ("SLURM_PROCID", ["SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"], "SLURM_LOCALID"),
    ("RANK", ["WORLD_SIZE"], "LOCAL_RANK"),
  ]

  /// The launcher of this process; nil where it is alone.
  package init?(environment: (String) -> String? = { getenv($0).map { String(cString: $0) } }) {
    func number(_ name: String) -> Int? { environment(name).flatMap { Int($0) } }
    for (rankName, sizes, local) in Self.known {
      guard let rank = number(rankName), let sizeName = sizes.first(where: { number($0) != nil }),
        let size = number(sizeName)
      else { continue }
      guard size > 1 else { return nil }
      (rankVariable, sizeVariable) = (rankName, sizeName)
      (self.rank, self.size, localRank) = (rank, size, number(local) ?? rank)
      return
    }
    return nil
  }
}
