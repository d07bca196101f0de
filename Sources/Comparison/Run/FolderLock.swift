// One comparison at a time in a folder. The lock is inherited by the runs: after a kill it is held until the last of
// them has written its checkpoint. Taken by ComparisonRunner.

import Glibc

/// A held lock on `FOLDER/.lock`.
final class FolderLock {
  private let descriptor: Int32

  /// Takes the lock; where only runs of a comparison that is gone hold it, waits for them.
  /// - Throws: `ComparisonError.inUse`, `.system`.
  init(folder: String, waiting: () -> Void) throws {
    let path = folder + "/.lock"
    // Without O_CLOEXEC: children keep it.
    descriptor = open(path, O_RDWR | O_CREAT, 0o644)
    guard descriptor >= 0 else { throw ComparisonError.system(path: path, operation: "open", code: errno) }
    var isSaid = false
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      let code = errno
      guard code == EWOULDBLOCK else {
        close(descriptor)
        throw ComparisonError.system(path: path, operation: "lock", code: code)
      }
      if let owner = Self.owner(descriptor), kill(owner, 0) == 0 {
        close(descriptor)
        throw ComparisonError.inUse(folder: folder, process: owner)
      }
      if !isSaid { waiting() }
      isSaid = true
      usleep(100_000)
    }
    let text = Array("\(getpid())\n".utf8)
    ftruncate(descriptor, 0)
    pwrite(descriptor, text, text.count, 0)
  }

  deinit { close(descriptor) }

  private static func owner(_ descriptor: Int32) -> pid_t? {
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    guard count > 0 else { return nil }
    return pid_t(String(decoding: bytes[..<count], as: UTF8.self).prefix { $0.isNumber })
  }
}
