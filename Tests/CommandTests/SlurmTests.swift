// A comparison through Slurm itself: an array, a task that is preempted and brought back, and the bits of the command's
// own runs. And a run on two ranks that srun starts.

import Foundation
import TestSupport
import Testing

/// One after the other: each cluster is that of this process.
@Suite(.serialized) struct SlurmTests {
  let world: CommandWorld

  init() throws { world = try CommandWorld() }

  /// Long enough to be met in the middle.
  private func compare(_ output: String, _ more: [String], _ environment: [String: String] = [:]) throws -> ShellResult
  {
    let flags = ["--max-steps", "200", "--eval-steps", "50", "--threads", "1"]
    return try shell(try comparisonArguments(world, output, flags + more), environment: environment)
  }

  private func waiting(_ cluster: SlurmCluster) throws -> [String] {
    let answer = try cluster.command("squeue", "--noheader", "--array", "--format=%A|%K|%T").output
    return answer.split(separator: "\n").map(String.init)
  }

  @Test(.needs(.slurm)) func aPreemptedComparisonHasTheSameBits() throws {
    let local = try compare("local", [])
    try #require(local.code == 0, "\(local.errors)")
    let cluster = try SlurmCluster()
    let flags = ["--launcher", "slurm", "--sbatch", "--time=30"]
    let refused = try compare("out", ["--launcher", "slurm", "--sbatch", "--partition=none"], cluster.environment)
    #expect(refused.code == 64 && refused.errors.contains("invalid partition"), "\(refused.errors)")
    let first = try compare("out", flags, cluster.environment)
    try #require(first.code == 75 && first.output.contains("submitted job "), "\(first) \(cluster.said)")

    // In the middle of a run its task is put back into the queue, as where a job of higher rank comes.
    var preempted = false
    let began = Date()
    var result = first
    while result.code == 75 {
      usleep(100_000)
      let tasks = try waiting(cluster)
      try #require(Date().timeIntervalSince(began) < 540, "\(result.output) \(tasks) \(cluster.said)")
      if !preempted,
        let run = ["simcse-seed42", "mixcse-seed42", "simcse-seed43", "mixcse-seed43"].first(where: {
          (10..<190).contains(world.lines("out/runs/" + $0))
            && !world.exists("out/runs/\($0)/config.json")
        }), let task = try job(of: run, tasks)
      {
        preempted = try cluster.command("scontrol", "requeue", task).code == 0
      }
      // Slurm lets what was put back wait for two minutes.
      for task in tasks where preempted && task.hasSuffix("PENDING") {
        _ = try cluster.command("scontrol", "update", "JobId=" + task.prefix { $0 != "|" }, "StartTime=now")
      }
      if tasks.isEmpty || Int.random(in: 0..<20) == 0 { result = try compare("out", flags, cluster.environment) }
    }
    #expect(result.code == 0, "\(result.errors) \(cluster.said)")
    #expect(preempted, "no task was met in the middle")
    let log = world.names("out/runs").map { (try? world.data("out/runs/\($0)/log.txt")) ?? Data() }
    #expect(log.contains { String(decoding: $0, as: UTF8.self).contains("resuming after step") })
    try expectSame(world, "local", "out")
  }

  @Test(.needs(.slurm, .compiler("mpicc"), .compiler("mpirun"))) func srunStartsRanks() throws {
    let world = try CommandWorld()
    let expected = try world.train("mpirun", ranks: 2, ["--method", "mixcse"])
    try #require(expected.code == 0, "\(expected.errors)")
    let cluster = try SlurmCluster()
    let variables = cluster.environment.merging(["CSE_RANKS": try RankLibrary.path.get()]) { $1 }
    let launcher = ["srun", "--mpi=pmix", "--ntasks=2", "--kill-on-bad-exit=1"]
    let found = try shell(
      launcher + world.rankedArguments("srun", ranks: 0, ["--method", "mixcse"]), environment: variables)
    try #require(found.code == 0, "\(found.errors) \(cluster.said)")
    #expect(found.errors.contains("ranks: 2 processes on 1 host, 1 thread each"), "\(found.errors)")
    #expect(try world.data("srun/model.safetensors") == world.data("mpirun/model.safetensors"))
    // Where Slurm does not connect them, nothing is trained: MPI itself says so.
    let alone = try shell(
      ["srun", "--mpi=none", "--ntasks=2"] + world.rankedArguments("alone", ranks: 0, ["--method", "mixcse"]),
      environment: variables)
    #expect(alone.code != 0 && !world.exists("alone/model.safetensors"), "\(alone.code) \(alone.errors)")
  }

  /// The number of the job that a run is.
  private func job(of run: String, _ tasks: [String]) throws -> String? {
    let script = try String(contentsOfFile: world.path("out/cluster/array-1.sh"), encoding: .utf8)
    let lines = script.split(separator: "\n")
    let isOf = { (line: Substring) in line.hasSuffix("/runs/" + run) && line.contains("folder=") }
    guard let place = lines.firstIndex(where: isOf) else { return nil }
    let index = lines[place - 1].drop { $0 == " " }.prefix { $0 != ")" }
    return tasks.first { $0.hasSuffix("|\(index)|RUNNING") }.map { String($0.prefix { $0 != "|" }) }
  }
}
