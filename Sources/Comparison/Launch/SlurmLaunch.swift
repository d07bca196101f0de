// A comparison on Slurm: which runs wait or run there, which ended how, and a new array for the others. Used by
// ComparisonRunner.

import Files
package import Processes

/// The arrays of a comparison.
package struct SlurmLaunch {
  /// How a run stands that is still to be done.
  package enum Standing: Equatable {
    /// In the queue, or on a node.
    case there(TaskPlace)
    /// To be submitted, for the first time or to go on from a checkpoint.
    case due
    /// Its task ended with an error.
    case failed(ProcessEnd)
    /// Its task is no longer in the queue, and left no word.
    case lost(task: String)
  }

  /// `OUTPUT/cluster`: scripts, what tasks said to Slurm, how they ended, the record.
  let folder: String
  private(set) var record: ArrayRecord
  private let queue: [SlurmQueue.Task]

  /// - Throws: `ComparisonError`, also where Slurm does not answer.
  init(folder: String) throws {
    try Folder.create(folder + "/ends")
    let record = try ArrayRecord(folder: folder)
    self.init(folder: folder, record: record, queue: record.entries.isEmpty ? [] : try SlurmQueue.tasks())
  }

  /// What is known, by its parts.
  package init(folder: String, record: ArrayRecord, queue: [SlurmQueue.Task]) {
    (self.folder, self.record, self.queue) = (folder, record, queue)
  }

  /// How a run stands by its key.
  package func standing(_ key: String) -> Standing {
    guard let entry = record.entry(key) else { return .due }
    if let task = queue.first(where: { $0.job == entry.job && $0.task == entry.task }) {
      let reason = task.place.filter { !"()".contains($0) }
      return .there(task.isRunning ? .running(host: task.place) : .queued(reason: reason))
    }
    switch TaskEnd(path: folder + "/ends/" + entry.name)?.meaning {
    case nil: return .lost(task: entry.name)
    case .failed(let end): return .failed(end)
    case .goesOn, .done: return .due
    }
  }

  /// Submits an array and remembers it.
  /// - Returns: the number of its job, and its script.
  mutating func submit(_ script: ArrayScript) throws -> (job: Int, path: String) {
    let path = "\(folder)/array-\(record.arrays + 1).sh"
    try AtomicFile.write(to: path) { try $0.write(script.text) }
    let job = try SlurmQueue.submit(path)
    record.add(job: job, keys: script.tasks.map(\.key))
    try record.write(to: folder)
    return (job, path)
  }

  /// Forgets tasks that are seen to an end: the same command submits those that failed again.
  mutating func forget(_ keys: [String]) throws {
    let before = record
    record.forget(keys)
    if record != before { try record.write(to: folder) }
  }
}
