// What `--launcher` hands over, without a cluster: options, commands, what Slurm's programs print, how runs stand.

import Comparison
import Files
import Foundation
import Processes
import TestSupport
import Testing

@Suite struct LaunchTests {
  @Test func wordsAreCutAsAShellDoes() {
    #expect(ShellWords.split("--a=b  -p cpu") == ["--a=b", "-p", "cpu"])
    #expect(ShellWords.split(#"--comment='two words' "x y"z \' ''"#) == ["--comment=two words", "x yz", "'", ""])
    #expect(ShellWords.split("'open") == nil && ShellWords.split("\\") == nil && ShellWords.split("")?.isEmpty == true)
    for words in [["a b", "c'd", ""], ["--x=1", "$HOME", "`ls`", "*"]] {
      #expect(ShellWords.split(ShellWords.join(words)) == words)
    }
  }

  @Test func optionsOfSbatch() throws {
    let options = try SlurmOptions(parsing: ["--partition=cpu --time 4:00:00", "-p gpu -n1 --comment='a b'"])
    #expect(options.lines == ["--partition=cpu", "--time 4:00:00", "-p gpu", "-n1", "'--comment=a b'"])
    let refused: [(text: String, threads: Int?, said: String)] = [
      ("--array=0-3", nil, "--jobs"), ("-a 0-3", nil, "--jobs"), ("--wait", nil, "the same command"),
      ("--wrap=ls", nil, "--wrap"), ("--test-only", nil, "--dry-run"), ("'open", nil, "closed quotes"),
      ("cpu", nil, "options, which begin with -"), ("--time=1 4:00", nil, "'4:00'"), (" ", nil, "none"),
      ("--cpus-per-task=4", 8, "--threads"), ("-c 4", 8, "--threads"),
    ]
    for (text, threads, said) in refused {
      #expect { try SlurmOptions(parsing: [text], threads: threads) } throws: {
        guard let error = $0 as? ComparisonError else { return false }
        return error.exitCode == 64 && "\(error)".contains(said) && "\(error)".hasPrefix("--sbatch '\(text)'")
      }
    }
    #expect(try SlurmOptions(parsing: ["--cpus-per-task=4"]).lines == ["--cpus-per-task=4"])
  }

  @Test func launchersAndWhatTheyCanBeCombinedWith() throws {
    func problem(_ change: (inout ComparisonRequest) -> Void) -> String {
      var request = ComparisonRequest()
      change(&request)
      do {
        try request.checkLauncher()
        return ""
      } catch { return "\(error)" }
    }
    #expect(problem { $0.sbatch = ["--time=1"] }.contains("--sbatch: expected --launcher slurm beside it"))
    #expect(problem { ($0.launcher, $0.maximumHours) = (.slurm, 1) }.contains("--sbatch '--time=4:00:00'"))
    #expect(problem { ($0.launcher, $0.maximumHours) = (.script, 1) }.contains("--max-hours"))
    #expect(problem { ($0.launcher, $0.jobs) = (.script, 4) }.contains("parallel --jobs 4"))
    #expect(problem { ($0.launcher, $0.printsJSON) = (.script, true) }.contains("--json"))
    #expect(problem { ($0.launcher, $0.sbatch) = (.slurm, ["--array=1"]) }.contains("--array"))
    #expect(problem { ($0.launcher, $0.jobs) = (.slurm, 4) }.isEmpty)
  }

  @Test func aLineARun() {
    let task = TaskCommands(
      name: "a seed 1", key: "runs/a-seed1", folder: "out/runs/a-seed1", train: ["train", "--from", "my file"],
      score: ["evaluate", "--model", "out"])
    #expect(
      task.line(program: "/opt/mixcse", in: "/home/me")
        == "cd /home/me && /opt/mixcse train --from 'my file' && /opt/mixcse evaluate --model out")
    var scored = task
    scored.train = nil
    #expect(scored.line(program: "mixcse", in: "/a b") == "cd '/a b' && mixcse evaluate --model out")
  }

  @Test func whatSqueuePrints() {
    let output = "12|0|RUNNING|node7\n12|1|PENDING|(Resources)\n13|N/A|RUNNING|node8\n\n 12 | 2 | COMPLETING | node7 \n"
    #expect(
      SlurmQueue.parse(output) == [
        .init(job: 12, task: 0, state: "RUNNING", place: "node7"),
        .init(job: 12, task: 1, state: "PENDING", place: "(Resources)"),
        .init(job: 12, task: 2, state: "COMPLETING", place: "node7"),
      ])
    #expect(SlurmQueue.parse("").isEmpty && SlurmQueue.parse("slurm_load_jobs error").isEmpty)
  }

  @Test func endsOfTasks() {
    #expect(TaskEnd(text: "0 1\n")?.meaning == .done && TaskEnd(text: "0 0")?.meaning == .done)
    for code in [75, 130, 138, 143] {
      #expect(TaskEnd(text: "\(code) 1")?.meaning == .goesOn)
      #expect(TaskEnd(text: "\(code) 0")?.meaning != .goesOn, "it would be stopped so again and again")
    }
    #expect(TaskEnd(text: "130 0")?.meaning == .failed(.exited(130)))
    #expect(TaskEnd(text: "69 1")?.meaning == .failed(.exited(69)))
    #expect(TaskEnd(text: "139 1")?.meaning == .failed(.signalled(11)))
    #expect(TaskEnd(text: "137 1")?.meaning == .failed(.signalled(9)), "out of memory, and so again")
    for text in ["", "0", "x 1", "0 2", "300 1", "0 1 2"] { #expect(TaskEnd(text: text) == nil, "\(text)") }
  }

  @Test func howRunsStand() throws {
    let scratch = try Scratch()
    try FileManager.default.createDirectory(atPath: scratch.path + "/ends", withIntermediateDirectories: true)
    var record = ArrayRecord()
    record.add(job: 12, keys: ["a", "b", "c", "d", "e", "f"])
    record.add(job: 14, keys: ["f"])
    for (task, text) in [("12_0", "130 1"), ("12_2", "75 1"), ("12_3", "69 0"), ("12_5", "0 1")] {
      _ = try scratch.file("ends/" + task, text + "\n")
    }
    let queue = [
      SlurmQueue.Task(job: 12, task: 0, state: "RUNNING", place: "node7"),
      SlurmQueue.Task(job: 12, task: 1, state: "PENDING", place: "(Priority)"),
      SlurmQueue.Task(job: 14, task: 0, state: "PENDING", place: "(Resources)"),
    ]
    let launch = SlurmLaunch(folder: scratch.path, record: record, queue: queue)
    // A word of before it was brought back counts for nothing while it is in the queue.
    #expect(launch.standing("a") == .there(.running(host: "node7")))
    #expect(launch.standing("b") == .there(.queued(reason: "Priority")))
    #expect(launch.standing("c") == .due && launch.standing("never submitted") == .due)
    #expect(launch.standing("d") == .failed(.exited(69)))
    #expect(launch.standing("e") == .lost(task: "12_4"))
    #expect(launch.standing("f") == .there(.queued(reason: "Resources")), "the later array counts")

    try record.write(to: scratch.path)
    #expect(try ArrayRecord(folder: scratch.path) == record)
    record.forget(["d", "e"])
    #expect(SlurmLaunch(folder: scratch.path, record: record, queue: []).standing("d") == .due)
    _ = try scratch.file("arrays.json", "{}")
    #expect { try ArrayRecord(folder: scratch.path) } throws: { "\($0)".contains("scancel") }
    #expect(try ArrayRecord(folder: scratch.path + "/nowhere") == ArrayRecord())
  }

  @Test func foldersThatNodesSee() {
    let mounts = """
      21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
      22 21 0:20 / /tmp rw - tmpfs tmpfs rw
      23 21 0:40 / /home rw - nfs4 server:/home rw
      24 21 0:41 / /my\\040data rw master:2 - lustre mds:/data rw
      """
    func kind(_ path: String) -> String? { SharedFolder.kind(of: path, mounts: mounts) }
    #expect(kind("/srv/out") == "ext4" && kind("/tmp/out") == "tmpfs" && kind("/tmpfiles") == "ext4")
    #expect(kind("/home/me/out") == "nfs4" && kind("/my data/out") == "lustre" && kind("/home") == "nfs4")
    let nodes = ["node1", "node2"]
    #expect(SharedFolder(kind: "nfs4", nodes: nodes, host: "login") == .isShared)
    #expect(SharedFolder(kind: "ext4", nodes: nodes, host: "login") == .isLocalDisk("ext4"))
    #expect(SharedFolder(kind: "tmpfs", nodes: nodes, host: "node1") == .isPrivate("tmpfs"))
    #expect(SharedFolder(kind: "tmpfs", nodes: ["node1"], host: "node1.cluster.org") == .isShared)
    #expect(SharedFolder(kind: String?.none, nodes: nodes, host: "login") == .isShared)
  }
}
