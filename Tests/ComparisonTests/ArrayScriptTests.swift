// The script of an array: its text, and what each task does, carried out by bash with a program and a scontrol that
// only say what they were asked for.

import Comparison
import Foundation
import TestSupport
import Testing

@Suite struct ArrayScriptTests {
  private let scratch: Scratch

  init() throws {
    scratch = try Scratch()
    // A run with a checkpoint for each line it is told to write; what it ends with stands in a file.
    try program(
      "mixcse",
      """
      echo "$@" >> calls
      if [ "$1" = train ]; then
        mkdir -p "run 0/checkpoints"
        if [ -e moves ]; then touch "run 0/checkpoints/step-$(date +%s%N).ckpt"; fi
        if [ -e waits ]; then
          trap 'touch passed; exit 130' USR1
          touch started
          while true; do sleep 0.05; done
        fi
        exit $(cat train-code)
      fi
      exit $(cat score-code)
      """)
    try program("scontrol", "echo \"$@\" >> requeued")
    _ = try scratch.file("train-code", "0")
    _ = try scratch.file("score-code", "0")
    _ = try scratch.file("script.sh", try script().text)
  }

  private func program(_ name: String, _ text: String) throws {
    let path = try scratch.file(name, "#!/bin/bash\n" + text + "\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }

  private func script(rung: Int? = nil, limit: Int? = nil, threads: Int? = nil) throws -> ArrayScript {
    let tasks = (0..<2).map { index in
      TaskCommands(
        name: "mixcse:lambda=0.\(index) seed 1", key: "runs/\(index)", folder: "run \(index)",
        train: ["train", "--from", "it's", "--resume"], score: index == 0 ? ["evaluate"] : nil, rung: rung)
    }
    return ArrayScript(
      name: "mixing", tasks: tasks, program: scratch.path + "/mixcse", directory: scratch.path, folder: "cluster",
      limit: limit, threads: threads, options: try SlurmOptions(parsing: ["--partition=cpu --time=4:00:00"]),
      commandLine: ["mixcse", "compare", "simcse\nexit 1"])
  }

  private func run(_ task: Int = 0) throws -> ShellResult {
    // A thread of a test has signals blocked, which what it starts inherits.
    var (none, before) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    return try shell(
      ["bash", scratch.path + "/script.sh"],
      environment: [
        "SLURM_ARRAY_TASK_ID": "\(task)", "SLURM_ARRAY_JOB_ID": "12", "SLURM_JOB_ID": "1\(task)",
        "SLURM_CPUS_PER_TASK": "3", "PATH": scratch.path + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? ""),
      ])
  }

  private func text(_ name: String) -> String {
    (try? String(contentsOfFile: scratch.path + "/" + name, encoding: .utf8)) ?? ""
  }

  @Test func theScriptSaysAllToSlurm() throws {
    let lines = try script(limit: 4, threads: 8).text.split(separator: "\n", omittingEmptySubsequences: false)
    let options = lines.filter { $0.hasPrefix("#SBATCH") }
    #expect(
      options == [
        "#SBATCH --job-name=mixing", "#SBATCH --array=0-1%4", "#SBATCH --requeue", "#SBATCH --open-mode=append",
        "#SBATCH --output=cluster/slurm-%A_%a.txt", "#SBATCH --signal=B:USR1@120", "#SBATCH --cpus-per-task=8",
        "#SBATCH --partition=cpu", "#SBATCH --time=4:00:00",
      ])
    #expect(lines.first == "#!/bin/bash" && lines.contains("  0) # mixcse:lambda=0.0 seed 1"))
    #expect(lines.contains("    train=(train --from 'it'\\''s' --resume)") && lines.contains("    score=()"))
    // What was typed is a comment, whatever was typed.
    #expect(!lines.contains { $0.hasPrefix("exit 1") })
    #expect(try script().text.contains("#SBATCH --array=0-1\n") && !script().text.contains("cpus-per-task="))
  }

  @Test func aTaskTrainsScoresAndSaysItsEnd() throws {
    let result = try run()
    #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
    #expect(text("calls") == "train --from it's --resume --threads 3\nevaluate --threads 3\n")
    #expect(text("cluster/ends/12_0") == "0 0\n" && text("requeued").isEmpty)
    #expect(try run(1).code == 0)
    #expect(text("cluster/ends/12_1") == "0 0\n")
    #expect(try run(7).code == 64)
  }

  @Test(arguments: [75, 130, 138, 143])
  func whatIsStoppedGoesBackIntoTheQueue(code: Int32) throws {
    _ = try scratch.file("train-code", "\(code)")
    // Without another checkpoint it would be stopped so again and again.
    #expect(try run().code == code)
    #expect(text("requeued").isEmpty && text("cluster/ends/12_0") == "\(code) 0\n")
    _ = try scratch.file("moves", "")
    #expect(try run().code == code)
    #expect(text("requeued") == "requeue 10\n" && text("cluster/ends/12_0") == "\(code) 1\n")
    #expect(!text("calls").contains("evaluate"))
  }

  @Test(arguments: [64, 69, 139])
  func whatFailsDoesNot(code: Int32) throws {
    _ = try scratch.file("moves", "")
    _ = try scratch.file("train-code", "\(code)")
    #expect(try run().code == code)
    #expect(text("requeued").isEmpty && text("cluster/ends/12_0") == "\(code) 1\n")
    _ = try scratch.file("train-code", "0")
    _ = try scratch.file("score-code", "65")
    #expect(try run().code == 65)
    #expect(text("cluster/ends/12_0") == "65 1\n")
  }

  /// At a rung a run waits for the others.
  @Test func aRungIsAnEnd() throws {
    _ = try scratch.file("script.sh", try script(rung: 4).text)
    _ = try scratch.file("moves", "")
    _ = try scratch.file("train-code", "75")
    #expect(try run().code == 0)
    #expect(text("requeued").isEmpty && text("cluster/ends/12_0") == "75 1\n")
  }

  /// The time limit warns by SIGUSR1, a preemption by SIGTERM; after that Slurm brings the task back itself.
  @Test(arguments: [SIGUSR1, SIGTERM])
  func signalsReachTheRun(signal: Int32) throws {
    _ = try scratch.file("waits", "")
    _ = try scratch.file("moves", "")
    let folder = scratch.path
    let sender = Thread {
      var number = ""
      for _ in 0..<3000 where number.isEmpty {
        usleep(10_000)
        guard FileManager.default.fileExists(atPath: folder + "/started") else { continue }
        number = (try? String(contentsOfFile: folder + "/pid", encoding: .utf8)) ?? ""
      }
      if let process = Int32(number.trimmingCharacters(in: .whitespacesAndNewlines)) { kill(process, signal) }
    }
    _ = try scratch.file("script.sh", "echo $$ > '\(folder)/pid'\n" + (try script().text))
    sender.start()
    #expect(try run().code == 130)
    #expect(FileManager.default.fileExists(atPath: folder + "/passed"))
    #expect(text("cluster/ends/12_0") == "130 1\n")
    #expect(text("requeued") == (signal == SIGUSR1 ? "requeue 10\n" : ""))
  }
}
