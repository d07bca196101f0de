// `mixcse compare --launcher`: the runs of others have the bits of the command's own, what fails or is stopped there is
// told, and wrong usage is refused. Slurm is here a shell script with a queue of files; SlurmTests has the real one.

import Foundation
import TestSupport
import Testing

@Suite struct LauncherCommandTests {
  let world: CommandWorld

  init() throws { world = try CommandWorld() }

  private func arguments(_ output: String, _ more: [String]) throws -> [String] {
    try comparisonArguments(world, output, more)
  }

  private func compare(_ output: String, _ more: [String], _ environment: [String: String] = [:]) throws -> ShellResult
  {
    try shell(try arguments(output, more), environment: environment)
  }

  @Test func printedCommandsAreTheRuns() throws {
    let local = try compare("local", ["--jobs", "2"])
    try #require(local.code == 0, "\(local.errors)")
    let first = try compare("script", ["--launcher", "script"])
    #expect(first.code == 75 && first.errors.contains("5 runs to be done, one a line"), "\(first.errors)")
    let lines = first.output.split(separator: "\n").map(String.init)
    try #require(lines.count == 5)
    #expect(lines.allSatisfy { $0.hasPrefix("cd ") } && !lines.contains { $0.contains("--stop-with-input") })
    // The model before training, and one run; then the rest.
    for line in lines.prefix(2) {
      let result = try shell(["sh", "-c", line])
      try #require(result.code == 0, "\(line): \(result.errors)")
    }
    let second = try compare("script", ["--launcher", "script"])
    #expect(second.code == 75 && second.output == lines.dropFirst(2).map { $0 + "\n" }.joined(), "\(second.errors)")
    #expect(!world.exists("script/report.html"))
    for line in lines.dropFirst(2) { try #require(try shell(["sh", "-c", line]).code == 0) }
    let third = try compare("script", ["--launcher", "script"])
    try #require(third.code == 0, "\(third.errors)")
    try expectSame(world, "local", "script")
  }

  /// A run that goes on elsewhere is not handed out again.
  @Test func runsThatGoOnElsewhereAreLeftAlone() throws {
    try #require(try compare("out", ["--launcher", "script"]).code == 75)
    let owner = "77\nnode7\nanother-kernel\nPBS job 5\n"
    try world.write("out/runs/simcse-seed42/.lock", owner)
    let second = try compare("out", ["--launcher", "script"])
    #expect(second.code == 75 && second.output.split(separator: "\n").count == 4, "\(second.output)")
    #expect(second.errors.contains("and 1 going on elsewhere"), "\(second.errors)")
  }

  @Test func aQueueOfTheTest() throws {
    let local = try compare("local", ["--jobs", "2"])
    try #require(local.code == 0, "\(local.errors)")
    let queue = try FileQueue(world)
    let flags = ["--launcher", "slurm", "--jobs", "2", "--sbatch", "--partition=cpu --time=1:00"]
    let first = try compare("out", flags, queue.environment)
    #expect(first.code == 75 && first.output.contains("submitted job 12: 5 tasks"), "\(first)")
    #expect(first.output.contains("0 of 4 runs finished, 5 waiting"), "\(first.output)")
    let script = try String(contentsOfFile: world.path("out/cluster/array-1.sh"), encoding: .utf8)
    #expect(script.contains("#SBATCH --array=0-4%2\n") && script.contains("#SBATCH --partition=cpu\n"))
    // Nothing is submitted twice.
    let again = try compare("out", flags, queue.environment)
    #expect(again.code == 75 && !again.output.contains("submitted"), "\(again.output)")
    #expect(again.output.contains("5 waiting (Priority)"), "\(again.output)")
    // Task 0 scores the model before training; 1 and 2 are the first seed.
    for task in 0..<3 { try #require(try queue.run("out", job: 12, task: task).code == 0) }
    let half = try compare("out", flags, queue.environment)
    #expect(half.code == 75 && half.output.contains("2 of 4 runs finished, 2 waiting"), "\(half.output)")
    #expect(!world.exists("out/report.html") && !world.exists("out/looks.json"))
    // One is cancelled before it began, one fails: the others are reported, and the same command tries them again.
    try queue.remove(job: 12, task: 3)
    try queue.end("out", job: 12, task: 4, "69 0")
    let failed = try compare("out", flags, queue.environment)
    #expect(failed.code == 69 && failed.errors.contains("2 of 4 runs failed"), "\(failed.errors)")
    #expect(failed.errors.contains("task 12_3 left the queue without a word"), "\(failed.errors)")
    let retried = try compare("out", flags, queue.environment)
    #expect(retried.code == 75 && retried.output.contains("submitted job 13: 2 tasks"), "\(retried.output)")
    for task in 0..<2 { try #require(try queue.run("out", job: 13, task: task).code == 0) }
    let last = try compare("out", flags, queue.environment)
    #expect(last.code == 0 && world.exists("out/report.html"), "\(last.errors)")
    try expectSame(world, "local", "out")
  }

  /// One array a rung; the same strategies are given up as here, and what stays has the same bits.
  @Test func aBudgetIsAnArrayARung() throws {
    let budget = ["--budget", "--eval-steps", "4"]
    let local = try compare("local", budget)
    try #require(local.code == 0, "\(local.errors)")
    let queue = try FileQueue(world)
    var (arrays, result) = (0, try compare("out", budget + ["--launcher", "slurm"], queue.environment))
    while result.code == 75, arrays < 5 {
      #expect(result.output.contains("submitted job \(12 + arrays)"), "\(result.output)")
      for task in try queue.tasks(job: 12 + arrays) {
        try #require(try queue.run("out", job: 12 + arrays, task: task).code == 0)
      }
      arrays += 1
      result = try compare("out", budget + ["--launcher", "slurm"], queue.environment)
    }
    #expect(result.code == 0 && arrays == 3, "\(arrays): \(result.errors)")
    try expectSame(world, "local", "out")
  }

  /// The runs that choose come first; then the same command hands the comparison's out.
  @Test func valuesAreChosenElsewhereToo() throws {
    let tuned = ["--tune", "learning-rate=0,1e-3", "--tune-seeds", "7", "--max-steps", "4"]
    try #require(try compare("local", tuned).code == 0)
    var (rounds, result) = ([Int](), try compare("out", tuned + ["--launcher", "script"]))
    while result.code == 75, rounds.count < 4 {
      let lines = result.output.split(separator: "\n").map(String.init)
      for line in lines { try #require(try shell(["sh", "-c", line]).code == 0) }
      rounds.append(lines.count)
      result = try compare("out", tuned + ["--launcher", "script"])
    }
    #expect(result.code == 0 && rounds == [4, 5], "\(rounds): \(result.errors)")
    func chosen(_ output: String) throws -> Data {
      let document = try JSONSerialization.jsonObject(with: world.data(output + "/results.json")) as? [String: Any]
      let parts = [try #require(document?["tuning"]), try #require(document?["metrics"])]
      return try JSONSerialization.data(withJSONObject: parts, options: .sortedKeys)
    }
    #expect(try chosen("local") == chosen("out"))
  }

  @Test func wrongUsage() throws {
    let cases: [(flags: [String], said: String)] = [
      (["--launcher", "pbs"], "launcher"), (["--sbatch", "--time=1"], "--sbatch: expected --launcher slurm beside it"),
      (["--launcher", "script", "--jobs", "3"], "parallel --jobs 3"),
      (["--launcher", "slurm", "--max-hours", "2"], "--max-hours"),
      (["--launcher", "slurm", "--sbatch", "--array=0-3"], "Leave it out"),
      (["--launcher", "slurm", "--sbatch", "--cpus-per-task=2"], "one of --threads and --cpus-per-task"),
    ]
    for (flags, said) in cases {
      let result = try compare("wrong", flags)
      #expect(result.code == 64 && result.errors.contains(said), "\(flags): \(result.code) \(result.errors)")
    }
    try world.write("plan.toml", "launcher = \"slrum\"\n")
    let file = try compare("wrong", ["--from", world.path("plan.toml")])
    #expect(file.code == 65 && file.errors.contains("'slrum'"), "\(file.errors)")
    #expect(!world.exists("wrong/runs"))
  }

  /// Without sbatch, with an sbatch that refuses, and with a squeue that does not answer.
  @Test func troubleWithSlurm() throws {
    let tools = world.path("tools")
    try FileManager.default.createDirectory(atPath: tools, withIntermediateDirectories: true)
    let none = try compare("out", ["--launcher", "slurm"], ["PATH": tools])
    #expect(none.code == 64 && none.errors.contains("expected sbatch on the PATH"), "\(none.errors)")
    let queue = try FileQueue(world)
    try queue.program("sbatch", "echo 'sbatch: error: invalid partition specified: cpu' >&2; exit 1")
    let refused = try compare("out", ["--launcher", "slurm"], queue.environment)
    #expect(refused.code == 64 && refused.errors.contains("invalid partition specified: cpu"), "\(refused.errors)")
    try queue.program("sbatch", "echo 12")
    try #require(try compare("out", ["--launcher", "slurm"], queue.environment).code == 75)
    try queue.program("squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1")
    let silent = try compare("out", ["--launcher", "slurm"], queue.environment)
    #expect(silent.code == 75 && silent.errors.contains("Unable to contact slurm controller"), "\(silent.errors)")
  }

  /// A run that somebody stops alone goes on; the comparison ends as if nothing had been.
  @Test func anInterruptedRunGoesOn() throws {
    try #require(try compare("local", []).code == 0)
    let live = LiveRun(errors: world.path("errors"))
    try live.start(try arguments("out", ["--max-steps", "16"]))
    try live.wait("the first steps") { world.lines("out/runs/simcse-seed42") >= 3 }
    let owner = try String(contentsOfFile: world.path("out/runs/simcse-seed42/.lock"), encoding: .utf8)
    let process = try #require(owner.split(separator: "\n").first.flatMap { Int32($0) })
    kill(process, SIGTERM)
    live.process.waitUntilExit()
    #expect(live.process.terminationStatus == 0, "\(live.errors)")
    // On a busy machine it may have been over before the signal came.
    if live.errors.contains("interrupted") { #expect(live.errors.contains("it goes on"), "\(live.errors)") }
    try expectSame(world, "local", "out")
  }
}

/// A comparison of 2 x 2 with dropout, shuffling and evaluations.
func comparisonArguments(_ world: CommandWorld, _ output: String, _ more: [String] = []) throws -> [String] {
  [
    Resources.command, "compare", "simcse", "mixcse", "--output-dir", world.path(output), "--model",
    world.path("model"), "--train-file", world.path("train.txt"), "--eval-data", world.path("pairs.tsv"),
    "--plugin-path", try CommandPlugins.folder.get(), "--eval-steps", "4", "--save-steps", "2", "--max-steps", "16",
    "--batch-size", "8", "--learning-rate", "1e-3", "--threads", "2", "--seeds", "42,43",
  ] + more
}

/// Two comparisons with the same bits: weights, logs, scores of pairs.
func expectSame(_ world: CommandWorld, _ a: String, _ b: String) throws {
  let runs = world.names(a + "/runs").sorted()
  #expect(runs == world.names(b + "/runs").sorted() && runs.count == 4)
  for run in runs.map({ "/runs/" + $0 }) {
    guard world.exists(a + run + "/model.safetensors") else { continue }
    #expect(try world.data(a + run + "/model.safetensors") == world.data(b + run + "/model.safetensors"), "\(run)")
    #expect(try world.metrics(a + run) == world.metrics(b + run), "\(run)")
    let scores = world.names(a + run).filter { $0.hasPrefix("pair-scores-") }
    #expect(scores.count == 1)
    for name in scores.map({ "\(run)/\($0)" }) {
      #expect(try part("sets", a + name) == part("sets", b + name), "\(run)")
    }
  }
  func part(_ key: String, _ file: String) throws -> Data {
    let document = try JSONSerialization.jsonObject(with: world.data(file)) as? [String: Any]
    return try JSONSerialization.data(withJSONObject: try #require(document?[key]), options: .sortedKeys)
  }
  #expect(try part("metrics", a + "/results.json") == part("metrics", b + "/results.json"))
}

/// Slurm's programs over a folder: sbatch numbers scripts from 12 on, squeue lists what was not run yet.
struct FileQueue {
  private let folder: String

  init(_ world: CommandWorld) throws {
    folder = world.path("queue-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(atPath: folder + "/waiting", withIntermediateDirectories: true)
    try program(
      "sbatch",
      """
      cd '\(folder)'
      for job in $(seq 12 99); do [ -e $job.sh ] || break; done
      cp "$2" $job.sh || exit 1
      last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' $job.sh)
      for task in $(seq 0 "$last"); do touch waiting/${job}_$task; done
      echo $job
      """)
    try program(
      "squeue",
      """
      cd '\(folder)/waiting' || exit 1
      for file in *_*; do
        if [ -e "$file" ]; then echo "${file%_*}|${file#*_}|PENDING|(Priority)"; fi
      done
      """)
    try program("sinfo", "hostname")
    try program("scontrol", "exit 0")
  }

  var environment: [String: String] {
    ["PATH": folder + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "")]
  }

  func program(_ name: String, _ text: String) throws {
    let path = folder + "/" + name
    try ("#!/bin/bash\n" + text + "\n").write(toFile: path, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }

  func tasks(job: Int) throws -> [Int] {
    try FileManager.default.contentsOfDirectory(atPath: folder + "/waiting")
      .filter { $0.hasPrefix("\(job)_") }.compactMap { Int($0.dropFirst("\(job)_".count)) }.sorted()
  }

  func remove(job: Int, task: Int) throws {
    try FileManager.default.removeItem(atPath: "\(folder)/waiting/\(job)_\(task)")
  }

  /// Carries a task out as Slurm would.
  func run(_ output: String, job: Int, task: Int) throws -> ShellResult {
    try remove(job: job, task: task)
    return try shell(
      ["bash", "\(folder)/\(job).sh"],
      environment: environment.merging([
        "SLURM_ARRAY_JOB_ID": "\(job)", "SLURM_ARRAY_TASK_ID": "\(task)", "SLURM_JOB_ID": "\(100 * job + task)",
        "SLURM_CPUS_ON_NODE": "1",
      ]) { $1 })
  }

  /// Ends a task without carrying it out.
  func end(_ output: String, job: Int, task: Int, _ text: String) throws {
    try remove(job: job, task: task)
    let script = try String(contentsOfFile: "\(folder)/\(job).sh", encoding: .utf8)
    let ends = try #require(script.split(separator: "\n").first { $0.hasPrefix("ends=") }?.dropFirst(5))
    try (text + "\n").write(toFile: "\(ends)/\(job)_\(task)", atomically: true, encoding: .utf8)
  }
}
