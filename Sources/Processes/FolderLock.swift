// One writer at a time in a folder: a lock on a file in it, with the number of the process that holds it. Taken by a
// training run for its output folder, and by a comparison, whose runs inherit it: after a kill it is held until the
// last of them has written its checkpoint.

import Files
import Glibc

/// Why a folder cannot be locked.
package enum FolderLockFailure: Error, Equatable {
  /// A process that is alive holds it.
  case inUse(process: Int32)
  /// The system said no: `open` where nothing can be written, `flock` where the file system has no locks.
  case system(SystemFailure)
}

/// A held lock on `FOLDER/.lock`; the file goes with the lock.
package final class FolderLock {
  /// The name of the file.
  package static let name = ".lock"

  private let path: String
  private let descriptor: Int32
  private let isInherited: Bool

  /// Takes the lock; where a process that is gone has left it to others, waits for them.
  ///
  /// - Parameters:
  ///   - folder: exists.
  ///   - isInherited: children keep the lock, and the file stays.
  ///   - waiting: called once before the first wait.
  package init(folder: String, isInherited: Bool = false, waiting: () -> Void) throws(FolderLockFailure) {
    path = folder + "/" + Self.name
    self.isInherited = isInherited
    descriptor = try Self.take(path, isInherited ? 0 : O_CLOEXEC, waiting)
    let text = Array("\(getpid())\n".utf8)
    ftruncate(descriptor, 0)
    pwrite(descriptor, text, text.count, 0)
  }

  deinit {
    // While it is held: whoever opened the file before finds in `take` that it is no longer the one of that name.
    if !isInherited { unlink(path) }
    close(descriptor)
  }

  /// Whether a process holds the lock of a folder. A file that nobody holds, left by a kill, is no lock.
  package static func isHeld(folder: String) -> Bool {
    let descriptor = open(folder + "/" + name, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    // A shared lock for a moment: whoever begins a run meanwhile tries again.
    return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
  }

  private static func take(
    _ path: String, _ options: Int32, _ waiting: () -> Void
  ) throws(FolderLockFailure) -> Int32 {
    var isSaid = false
    while true {
      let descriptor = open(path, O_RDWR | O_CREAT | options, 0o644)
      guard descriptor >= 0 else { throw .system(SystemFailure(operation: "open", code: errno)) }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
        if isStill(descriptor, at: path) { return descriptor }
        close(descriptor)
        continue
      }
      let code = errno
      defer { close(descriptor) }
      guard code == EWOULDBLOCK || code == EINTR else {
        throw .system(SystemFailure(operation: "flock", code: code))
      }
      if let owner = owner(descriptor), kill(owner, 0) == 0 { throw .inUse(process: owner) }
      if !isSaid { waiting() }
      isSaid = true
      usleep(100_000)
    }
  }

  private static func isStill(_ descriptor: Int32, at path: String) -> Bool {
    var (held, named) = (stat(), stat())
    return fstat(descriptor, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino
      && held.st_dev == named.st_dev
  }

  private static func owner(_ descriptor: Int32) -> pid_t? {
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    guard count > 0 else { return nil }
    let number = pid_t(String(decoding: bytes[..<count], as: UTF8.self).prefix { $0.isNumber })
    return number.flatMap { $0 > 1 ? $0 : nil }
  }
}
