// The output folder of a run: refused, continued or emptied before training starts, and given its model at the end.
// The folder itself is the Hugging Face model; metrics.jsonl, run.json and checkpoints/ lie beside the model's files.

import Files
import Glibc
import ModelFiles
import Processes

/// The folder a run writes to.
package struct OutputFolder {
  /// Without a slash at its end.
  package let path: String
  let checkpoints: CheckpointFolder

  /// Names a folder; nothing is looked at.
  package init(path: String) {
    let path = Path.withoutTrailingSlashes(path)
    self.path = path
    checkpoints = CheckpointFolder(outputFolder: path)
  }

  var logPath: String { path + "/metrics.jsonl" }
  var eventsPath: String { path + "/tensorboard" }
  var recordPath: String { path + "/run.json" }

  /// Everything that can be known to go wrong before the model is even loaded; nothing is changed.
  ///
  /// What a user has in the folder is never removed: without `overwrite` it must be new or empty, with it the folder
  /// must hold a run, and going on needs a checkpoint where there is a model already.
  /// - Parameters:
  ///   - model: the folder that the model is read from.
  ///   - inputs: the other files that the run reads, with the flags that name them.
  /// - Throws: `TrainingError.usage`.
  func check(
    resume: Bool, overwrite: Bool, model: String, inputs: [(flag: String, path: String)] = []
  ) throws {
    guard Path.exists(path) else { return }
    guard Path.isFolder(path) else { throw refusal("a folder or nothing", "a file", "Choose another name") }
    let names = Folders.names(path).filter { $0 != FolderLock.name && !SwapFiles.names.contains($0) }
    if names.isEmpty || isUntouched(names) { return }
    let found = "\(names.count) entries (\(names.prefix(3).joined(separator: ", ")))"
    guard !Path.isWithin(model, path) || !(resume || overwrite) else {
      throw refusal(
        "a folder that does not hold the model", "--model \(model) in it, which the run would replace",
        "Choose another folder")
    }
    for input in inputs where resume || overwrite {
      guard let name = (Self.runNames + Self.modelNames).first(where: { Path.isWithin(input.path, path + "/" + $0) })
      else { continue }
      throw refusal(
        "a folder in which the run replaces nothing that it reads", "\(input.flag) \(input.path) in its \(name)",
        "Choose another folder, or move the file")
    }
    if resume {
      guard checkpoints.steps.isEmpty, names.contains(where: Self.modelNames.contains), finishedRun == nil else {
        return
      }
      throw refusal(
        "checkpoints to go on from", "a model without any: \(found)",
        "Its checkpoints are gone; choose another folder for a new run")
    }
    guard overwrite else {
      throw refusal(
        "a new or empty folder", found,
        "Choose another folder, or pass --resume to go on with its run, or --overwrite to replace it")
    }
    guard hasRecord || !checkpoints.ownNames.isEmpty else {
      throw refusal(
        "a run to replace", "\(found), and neither a run's run.json nor its checkpoints",
        "--overwrite removes nothing but runs; choose another folder, or move what is there away")
    }
  }

  private func refusal(_ expected: String, _ found: String, _ advice: String) -> TrainingError {
    .usage(place: "--output-dir \(path)", expected: expected, found: found, advice: advice)
  }

  /// Makes the folder and keeps other runs out of it as long as the lock is held. Nothing in it may be touched before.
  /// - Parameter say: hears that the folder cannot be locked, or that another run is being waited for.
  /// - Returns: nil where the folder cannot be locked.
  /// - Throws: `TrainingError.usage` naming the process that writes to the folder, `.cannotWrite`.
  func lock(say: (String) -> Void) throws -> FolderLock? {
    try Folders.create(path)
    do throws(FolderLockFailure) {
      return try FolderLock(
        folder: path, waiting: { say("waiting for a run that is about to end in \(path), or to show that it goes on") },
        lost: Self.leave)
    } catch {
      switch error {
      case .inUse(let owner):
        throw refusal(
          "a folder that no other run writes to", "a run that is writing to it (\(owner))",
          "Wait for it, end it, or choose another folder")
      case .system(let failure):
        say("note: \(path) cannot be locked (\(failure)); start no other run in it meanwhile")
        return nil
      }
    }
  }

  /// Ends the process at once, without a checkpoint: the folder is another's now.
  private static let leave: @Sendable (LockOwner) -> Void = { other in
    StandardError.write(
      "error: expected the lock of the output folder, found that \(other) took it while this process stood still; it "
        + "goes on with the run\n")
    _exit(75)
  }

  /// Makes the folder of checkpoints, tries to write, and removes what a killed run left unfinished.
  /// - Throws: `TrainingError.cannotWrite` where nothing can be written.
  func prepare() throws {
    try checkpoints.create()
    try probe()
    checkpoints.removeUnfinished()
    SwapFiles(folder: path).clear()
    Temporary.removeStale(in: path) { Self.runNames.contains($0) || Self.modelNames.contains($0) }
    for name in Self.modelNames where Path.isFolder(path + "/" + name) {
      Temporary.removeStale(in: path + "/" + name) { _ in true }
    }
  }

  /// Whether all there is are the empty folders of a run that was refused before its first step.
  private func isUntouched(_ names: [String]) -> Bool {
    names == [CheckpointFolder.name] && Folders.names(checkpoints.path).isEmpty
  }

  /// Removes an earlier run: its checkpoints, its log and its model, and no other file.
  package func clear() throws {
    try checkpoints.removeOwn()
    for name in Self.runNames + Self.modelNames where name != CheckpointFolder.name {
      let entry = path + "/" + name
      guard Path.exists(entry) else { continue }
      try Folder.remove(entry)
    }
    try removeEvents()
    try checkpoints.create()
  }

  /// Of an earlier run; what else lies there stays.
  private func removeEvents() throws {
    let file = eventsPath + "/" + EventLog.fileName
    guard Path.exists(file) else { return }
    try Folder.remove(file)
    rmdir(eventsPath)
  }

  /// run.json, where it is a run's.
  private var record: JSONObject? {
    guard let bytes = try? WholeFile.bytes(of: recordPath, expected: "the record of a run"),
      let record = try? JSONValue.parse(bytes).object, record[RunRecord.identity] != nil
    else { return nil }
    return record
  }

  private var hasRecord: Bool { record != nil }

  /// What run.json says of the run in the folder, where that run is finished.
  var finishedRun: (identity: RunIdentity, result: TrainingResult)? {
    guard let record, record["finished"] == .bool(true),
      let identity = record[RunRecord.identity]?.object,
      let result = TrainingResult(record["result"], outputFolder: path)
    else { return nil }
    return (RunIdentity(identity), result)
  }

  /// Removes the checkpoints of a finished run and nothing that lies beside them. They go in one move, and only then
  /// from the disk: killed in between, the next run in the folder removes the rest. Where they cannot be moved, the
  /// best models go last: a run without steps to go on from is finished.
  /// - Returns: the bytes that are free by that.
  /// - Throws: `FileError`
  func removeCheckpoints() throws -> Int {
    let bytes = Folder.bytes(in: checkpoints.path)
    let aside = Temporary.name(for: checkpoints.path)
    if checkpoints.isAllOurs, rename(checkpoints.path, aside) == 0 {
      try Folder.remove(aside)
    } else {
      try checkpoints.removeOwn()
    }
    return bytes
  }

  /// Room on the disk, in bytes.
  struct Space {
    /// What a run needs: two checkpoints, a third being written, the best model twice.
    var needed: Int
    /// What there is, with the checkpoints that will go; nil where the system does not say.
    var free: Int?
  }

  func space(parameterBytes: Int, stateBytes: Int, modelBytes: Int) -> Space {
    let checkpoint = 3 * parameterBytes + stateBytes
    var place = path
    while !Path.isFolder(place), place.count > 1, place.contains("/") { place = Path.folder(of: place) }
    let free = Folder.freeBytes(Path.isFolder(place) ? place : ".")
    return Space(
      needed: (CheckpointFolder.kept + 1) * checkpoint + 2 * modelBytes,
      free: free.map { $0 + checkpoints.steps.count * checkpoint })
  }

  /// - Throws: `TrainingError.notEnoughSpace`
  func checkSpace(_ space: Space) throws {
    guard let free = space.free, free < space.needed else { return }
    throw TrainingError.notEnoughSpace(path: path, needed: space.needed, free: free)
  }

  /// Puts the files of an exported model into the folder, the weights last.
  func publish(_ model: String) throws {
    let names = Folders.names(model).filter { !$0.hasPrefix(".") }
    for name in names.sorted(by: { ($0 == "model.safetensors" ? 1 : 0, $0) < ($1 == "model.safetensors" ? 1 : 0, $1) })
    {
      let source = model + "/" + name
      if Path.isFolder(source) {
        try Folders.create(path + "/" + name)
        for inner in Folders.names(source) { try place(source + "/" + inner, at: path + "/" + name + "/" + inner) }
      } else {
        try place(source, at: path + "/" + name)
      }
    }
    try AtomicFile.syncFolder(path)
  }

  /// The same file under a second name where the disk can do that, else a copy.
  private func place(_ source: String, at target: String) throws {
    let temporary = Temporary.name(for: target)
    guard link(source, temporary) == 0 else {
      let bytes = try WholeFile.bytes(of: source, expected: "a file of the exported model")
      return try AtomicFile.write(to: target) { try $0.write(bytes) }
    }
    // Renaming one name of a file over another of the same file leaves both.
    defer { unlink(temporary) }
    guard rename(temporary, target) == 0 else {
      throw TrainingError.cannotWrite(path: target, operation: "rename", code: errno)
    }
  }

  private func probe() throws {
    let name = path + "/.mixcse-write-test"
    let descriptor = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw TrainingError.cannotWrite(path: path, operation: "write", code: errno) }
    defer { unlink(name) }
    defer { close(descriptor) }
    do throws(WriteFailure) {
      try writeAll([UInt8](repeating: 0x20, count: 4096), to: descriptor)
    } catch {
      throw TrainingError.cannotWrite(path: path, operation: "write", code: error.code)
    }
  }

  /// What a run writes beside its model.
  private static let runNames = [CheckpointFolder.name, "metrics.jsonl", "run.json"]

  /// The names an export may consist of.
  private static let modelNames = ModelExport.tokenizerFiles + modelParts

  private static let modelParts = [
    "config.json", "model.safetensors", "modules.json", "sentence_bert_config.json",
    "config_sentence_transformers.json", "mixcse.json", ModelExport.pluginWeightsFile, "1_Pooling",
    "1_WeightedLayerPooling", "2_Pooling", "2_Dense", "3_Dense",
  ]
}
