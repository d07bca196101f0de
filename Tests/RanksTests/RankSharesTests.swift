// Who computes what: every sequence and every chunk has one rank, and each rank about as much as the others.

import Ranks
import Testing

@Suite struct RankSharesTests {
  private static let lengths: [[Int]] = [
    [], [7], [3, 3, 3, 3], [1, 1, 1, 30], [30, 1, 1, 1], (1...97).map { $0 * 7 % 40 + 2 },
  ]

  @Test("every sequence has one rank, in order", arguments: lengths, [1, 2, 3, 4, 8])
  func covers(lengths: [Int], ranks: Int) {
    let offsets = lengths.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
    let parts = RankShares.sequences(offsets: offsets, ranks: ranks)
    #expect(parts.count == ranks)
    #expect(parts.flatMap { Array($0) } == Array(0..<lengths.count))
    let tokens = parts.map { offsets[$0.upperBound] - offsets[$0.lowerBound] }
    // No border is further from its place than half of the longest sequence.
    let most = (offsets.last ?? 0) / ranks + 1 + (lengths.max() ?? 0)
    #expect(tokens.allSatisfy { $0 <= most }, "\(tokens)")
  }

  @Test("four like sequences are one each")
  func even() {
    #expect(RankShares.sequences(offsets: [0, 5, 10, 15, 20], ranks: 4) == [0..<1, 1..<2, 2..<3, 3..<4])
    #expect(RankShares.borders(sizes: [5, 5, 5, 5], ranks: 2) == [0, 2, 4])
  }
}

@Suite struct LauncherTests {
  private func launcher(_ variables: [String: String]) -> Launcher? { Launcher { variables[$0] } }

  @Test("a process knows that it is one of several")
  func several() throws {
    let open = try #require(
      launcher(["OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_LOCAL_RANK": "1"]))
    #expect((open.rank, open.size, open.localRank) == (3, 4, 1))
    let slurm = try #require(launcher(["SLURM_PROCID": "1", "SLURM_NTASKS": "8", "SLURM_STEP_NUM_TASKS": "2"]))
    #expect((slurm.rank, slurm.size, slurm.sizeVariable) == (1, 2, "SLURM_STEP_NUM_TASKS"))
    #expect(launcher(["PMI_RANK": "0", "PMI_SIZE": "2"])?.size == 2)
    #expect(launcher(["RANK": "1", "WORLD_SIZE": "2"])?.rank == 1)
  }

  @Test("a process that is alone is no rank")
  func alone() {
    #expect(launcher([:]) == nil)
    #expect(launcher(["RANK": "senior"]) == nil)
    #expect(launcher(["OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "1"]) == nil)
    // mpirun -n 1 within a job of four tasks means one.
    let inner = ["OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "1", "SLURM_PROCID": "0", "SLURM_NTASKS": "4"]
    #expect(launcher(inner) == nil)
  }
}
