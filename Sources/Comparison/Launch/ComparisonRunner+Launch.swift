// Runs that others carry out: commands that are printed, or an array of Slurm's. A part of ComparisonRunner.

import Files
import Glibc
import Processes
import Training

extension ComparisonRunner {
  /// Where scripts and records of a cluster lie.
  private var clusterFolder: String { plan.outputFolder + "/cluster" }

  /// Looks how far the runs are that are to come to `rung`, or to their end, and leaves those to others that nobody
  /// has.
  func launch(to rung: Int?) throws {
    for task in work where task.state == .finished && task.model == nil { discardCheckpoints(task) }
    let due = work.filter { scores && rung == nil && $0.state == .trained || isDue($0, rung: rung) }
    guard !due.isEmpty else { return }
    if plan.request.launcher == .script {
      handover = try commands(due, rung: rung)
    } else {
      handover = try array(due, rung: rung)
    }
  }

  /// After the end: what failed is tried again by the same command.
  func endLaunch() throws {
    guard handover == nil, plan.request.launcher == .slurm, Path.exists(clusterFolder) else { return }
    var launch = SlurmLaunch(folder: clusterFolder, record: try ArrayRecord(folder: clusterFolder), queue: [])
    try launch.forget(work.map(key))
  }

  // MARK: - Commands

  private func commands(_ due: [RunTask], rung: Int?) throws -> Handover {
    var lines: [String] = []
    for task in due {
      if task.model == nil, let owner = FolderLock.owner(folder: task.folder) {
        task.place = .running(host: owner.host)
      } else {
        lines.append(try commands(task, rung: rung).line(program: plan.program.file, in: WorkingFolder.path))
      }
    }
    return .script(commands: lines, elsewhere: due.count - lines.count)
  }

  /// What is to be done for a run, whose description is written.
  private func commands(_ task: RunTask, rung: Int?) throws -> TaskCommands {
    var train: [String]?
    if task.state == .trained {
      try Folder.create(task.folder)
    } else {
      try describe(task)
      train = trainArguments(task, rung: rung)
    }
    let isScored = scores && rung == nil
    return TaskCommands(
      name: task.name, key: key(task), folder: task.folder, train: train,
      score: isScored
        ? plan.evaluateArguments(
          strategy: task.strategy, model: task.model ?? task.folder, scores: scoresPath(task)) : nil,
      rung: rung)
  }

  private func key(_ task: RunTask) -> String {
    // The same with and without a slash at the end of what was typed.
    String((task.scores ?? task.folder).dropFirst(plan.outputFolder.count).drop { $0 == "/" })
  }

  // MARK: - Slurm

  private func array(_ due: [RunTask], rung: Int?) throws -> Handover? {
    var launch = try SlurmLaunch(folder: clusterFolder)
    var new: [RunTask] = []
    for task in due {
      switch launch.standing(key(task)) {
      case .there(let place): task.place = place
      case .due: new.append(task)
      case .failed(let end): fail(task, reason(end, of: task))
      case .lost(let name):
        fail(
          task,
          "its task \(name) left the queue without a word: it was cancelled before it began, or its node went down or "
            + "does not see \(plan.outputFolder); Slurm's words are in \(clusterFolder)/slurm-\(name).txt")
      }
    }
    var said: [String] = []
    if !new.isEmpty {
      try checkFolder()
      let script = ArrayScript(
        name: RunFolders.safeNames([Path.name(of: Path.withoutTrailingSlashes(plan.outputFolder))])[0],
        tasks: try new.map { try commands($0, rung: rung) }, program: plan.program.file, directory: WorkingFolder.path,
        folder: clusterFolder, limit: plan.request.jobs, threads: plan.request.run.threads,
        options: try SlurmOptions(parsing: plan.request.sbatch, threads: plan.request.run.threads),
        commandLine: plan.program.origin.commandLine)
      let (job, path) = try launch.submit(script)
      for task in new { task.place = .queued(reason: "submitted") }
      said.append("submitted job \(job): \(script.tasks.count) tasks, \(path)")
    }
    let isOver = !due.contains { $0.place != nil }
    return isOver ? nil : .slurm(said: (said + [progress(rung)]).joined(separator: "\n"))
  }

  private func reason(_ end: ProcessEnd, of task: RunTask) -> String {
    guard case .exited(let code) = end, ArrayScript.goesOn.contains(code) else { return task.failure(end) }
    return "it was stopped before it had come further than when it began (give it more time or room): "
      + task.failure(end)
  }

  /// Whether the nodes can see the folder, as far as is known here.
  private func checkFolder() throws {
    let folder = plan.outputFolder
    switch SharedFolder(folder: folder, nodes: try SlurmQueue.nodes()) {
    case .isShared: return
    case .isLocalDisk(let kind):
      display.note(
        "note: \(folder) is on a disk of this machine (\(kind)); the nodes of the cluster must see it under that path"
      )
    case .isPrivate(let kind):
      throw ComparisonError.usage(
        place: "--output-dir \(folder)", expected: "a folder that the nodes of the cluster see",
        found: "one that only this machine sees (\(kind))", advice: "Choose one on the cluster's shared file system")
    }
  }

  /// How far all runs are, in a sentence.
  private func progress(_ rung: Int?) -> String {
    var parts = ["\(tasks.count { $0.state == .finished }) of \(tasks.count) runs finished"]
    if let rung { parts.append("\(tasks.count { $0.tail.scores[rung] != nil }) at step \(rung)") }
    let places = work.compactMap(\.place)
    let running = places.compactMap { if case .running(let host) = $0 { host } else { nil } }
    let queued = places.compactMap { if case .queued(let reason) = $0 { reason } else { nil } }
    func list(_ words: [String]) -> String { Set(words).sorted().joined(separator: ", ") }
    if !running.isEmpty { parts.append("\(running.count) tasks running (\(list(running)))") }
    if !queued.isEmpty { parts.append("\(queued.count) waiting (\(list(queued)))") }
    let failed = tasks.count { $0.phase == .failed }
    if failed > 0 { parts.append("\(failed) failed") }
    return parts.joined(separator: ", ")
      + ". The same command shows how far it is, and writes the report when all runs have ended"
  }
}

/// Where relative paths begin.
enum WorkingFolder {
  /// As the shell has it where that is the same folder: what a link leads to may be another path on another machine.
  static var path: String {
    var (here, named) = (stat(), stat())
    if let text = getenv("PWD").map({ String(cString: $0) }), text.hasPrefix("/"), stat(".", &here) == 0,
      stat(text, &named) == 0, here.st_ino == named.st_ino, here.st_dev == named.st_dev
    {
      return text
    }
    return Path.resolved(".") ?? "."
  }
}
