// How a lock is taken: by the system where it can, and by the file's owner and heartbeat where another machine may hold
// it. Used by FolderLock.

import Files
import Glibc

/// One attempt to take a lock.
struct LockTaking {
  let path: String
  /// For `open`, beside reading and writing.
  let options: Int32
  let pace: LockPace
  var hasSystemLocks = true
  /// What is known of an owner on another machine.
  private var watch: LockWatch

  init(path: String, options: Int32, pace: LockPace) {
    (self.path, self.options, self.pace) = (path, options, pace)
    watch = LockWatch(patience: pace.patience)
  }

  /// - Returns: a descriptor of the file, which is this process's now.
  mutating func take(_ waiting: () -> Void) throws(FolderLockFailure) -> Int32 {
    var isSaid = false
    while true {
      if let descriptor = try hasSystemLocks ? takeLocked() : takeUnlocked() { return descriptor }
      if !isSaid { waiting() }
      isSaid = true
      usleep(UInt32(min(0.1, pace.beat / 4) * 1e6))
    }
  }

  /// With the system's lock; nil where somebody has to be waited for.
  private mutating func takeLocked() throws(FolderLockFailure) -> Int32? {
    while true {
      let descriptor = try opened(O_CREAT)
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
        guard isStill(descriptor) else {
          close(descriptor)
          continue
        }
        // This machine has nobody else who holds it; another one may, where the lock ends at the machine.
        guard let file = LockFile(descriptor), let owner = file.owner, !owner.sharesKernel else { return descriptor }
        return try isOver(file, owner, descriptor) ? descriptor : nil
      }
      let code = errno
      defer { close(descriptor) }
      if [ENOSYS, EOPNOTSUPP, ENOTSUP, ENOLCK, EINVAL].contains(code) {
        hasSystemLocks = false
        return try takeUnlocked()
      }
      guard code == EWOULDBLOCK || code == EINTR else {
        throw .system(SystemFailure(operation: "flock", code: code))
      }
      guard let file = LockFile(descriptor), let owner = file.owner else { return nil }
      if owner.isHere {
        // Its children, where it is gone.
        if !owner.isGone { throw .inUse(owner) }
      } else if case .lives = watch.look(file) {
        throw .inUse(owner)
      }
      return nil
    }
  }

  /// By the file alone: it is there or not, and whoever makes it has the lock.
  private mutating func takeUnlocked() throws(FolderLockFailure) -> Int32? {
    while true {
      let made = open(path, O_RDWR | O_CREAT | O_EXCL | options, 0o644)
      if made >= 0 { return made }
      guard errno == EEXIST else { throw .system(SystemFailure(operation: "open", code: errno)) }
      guard let file = LockFile(path: path) else { continue }
      // A file without an owner is about to get one.
      let owner = file.owner ?? LockOwner(process: 0, host: "", kernel: "?")
      if owner.isHere, !owner.isGone { throw .inUse(owner) }
      if !owner.isHere {
        switch watch.look(file) {
        case .unknown: return nil
        case .lives: throw .inUse(owner)
        case .isGone: break
        }
      }
      remove(file)
    }
  }

  /// Takes away the file of somebody who is gone, unless somebody else was faster.
  private func remove(_ file: LockFile) {
    let aside = Temporary.name(for: path, "old")
    guard rename(path, aside) == 0 else { return }
    if LockFile(path: aside) != file { link(aside, path) }
    unlink(aside)
  }

  /// Whether the owner on another machine is known to be gone; closes the file where that is not known.
  private mutating func isOver(
    _ file: LockFile, _ owner: LockOwner, _ descriptor: Int32
  ) throws(FolderLockFailure) -> Bool {
    let finding = watch.look(file)
    if case .isGone = finding { return true }
    close(descriptor)
    if case .lives = finding { throw .inUse(owner) }
    return false
  }

  private func opened(_ more: Int32) throws(FolderLockFailure) -> Int32 {
    let descriptor = open(path, O_RDWR | more | options, 0o644)
    guard descriptor >= 0 else { throw .system(SystemFailure(operation: "open", code: errno)) }
    return descriptor
  }

  private func isStill(_ descriptor: Int32) -> Bool {
    var (held, named) = (stat(), stat())
    return fstat(descriptor, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino
      && held.st_dev == named.st_dev
  }
}
