// What a worker is told on its command line: which library, which component, which instance. Written by this process,
// read by IsolatedWorker.

import Kernels
import PluginLoading

/// The settings of one worker.
struct WorkerSettings {
  /// What the command is called that becomes a worker.
  static let verb = "isolated-plugin"

  /// One use of a component; nil to describe the library only.
  struct Instance {
    let kind: String
    let component: String
    let name: String
    let seed: UInt64
    /// Where the doorbell is, in shared memory.
    let doorbell: UInt
  }

  let library: String
  let sha256: String
  let allowInsecure: Bool
  let threads: Int
  let memoryBytes: Int
  let parent: Int32
  let shown, shared: SharedMemory.Place
  let instance: Instance?

  var arguments: [String] {
    var texts = [
      library, sha256, allowInsecure ? "1" : "0", "\(threads)", "\(memoryBytes)", "\(parent)", "\(shown.address)",
      "\(shown.byteCount)", "\(shared.address)", "\(shared.byteCount)",
    ]
    if let instance {
      texts += [instance.kind, instance.component, instance.name, "\(instance.seed)", "\(instance.doorbell)"]
    }
    return [Self.verb] + texts
  }

  init(_ library: LibraryIdentity, _ isolation: Isolation, parent: Int32, instance: Instance?) {
    self.init(path: library.resolvedPath, sha256: library.sha256, isolation, parent: parent, instance: instance)
  }

  init(path: String, sha256: String, _ isolation: Isolation, parent: Int32, instance: Instance?) {
    library = path
    self.sha256 = sha256
    allowInsecure = isolation.allowInsecure
    threads = isolation.bounds.threads
    memoryBytes = isolation.bounds.memoryBytes
    self.parent = parent
    (shown, shared) = (isolation.memory.shown, isolation.memory.shared)
    self.instance = instance
  }

  /// Reads what `arguments` wrote; nil for anything else.
  init?(_ texts: [String]) {
    guard texts.count == 10 || texts.count == 15, let threads = Int(texts[3]), let memoryBytes = Int(texts[4]),
      let parent = Int32(texts[5]), let shown = UInt(texts[6]), let shownBytes = Int(texts[7]),
      let shared = UInt(texts[8]), let sharedBytes = Int(texts[9])
    else { return nil }
    (library, sha256, allowInsecure) = (texts[0], texts[1], texts[2] == "1")
    (self.threads, self.memoryBytes, self.parent) = (threads, memoryBytes, parent)
    self.shown = SharedMemory.Place(descriptor: 3, address: shown, byteCount: shownBytes)
    self.shared = SharedMemory.Place(descriptor: 4, address: shared, byteCount: sharedBytes)
    guard texts.count == 15 else {
      instance = nil
      return
    }
    guard let seed = UInt64(texts[13]), let doorbell = UInt(texts[14]) else { return nil }
    instance = Instance(kind: texts[10], component: texts[11], name: texts[12], seed: seed, doorbell: doorbell)
  }
}
