// One writer at a time in a folder: a lock on a file in it, which says who holds it and shows that it lives. Taken by a
// training run for its output folder, and by a comparison, whose runs inherit it: after a kill it is held until the
// last of them has written its checkpoint.
//
// Within one machine the system's lock decides. Between machines that share a file system it may end at the machine, or
// there may be none: there the file's owner and its heartbeat decide.

import Files
import Glibc

/// Why a folder cannot be locked.
package enum FolderLockFailure: Error, Equatable {
  /// A process that is alive holds it.
  case inUse(LockOwner)
  /// The system said no: `open` where nothing can be written.
  case system(SystemFailure)
}

/// A held lock on `FOLDER/.lock`; the file goes with the lock.
package final class FolderLock {
  /// The name of the file.
  package static let name = ".lock"

  private let path: String
  private let descriptor: Int32
  private let isInherited: Bool
  private var heartbeat: Heartbeat?

  /// Takes the lock; where a process that is gone has left it to others, waits for them, and where another machine
  /// holds it until that machine has shown life, or none for `pace.patience`.
  ///
  /// - Parameters:
  ///   - folder: exists.
  ///   - isInherited: children keep the lock, and the file stays.
  ///   - pace: of signs of life.
  ///   - hasSystemLocks: whether the system is asked for a lock; without it, as where it has none, the file alone
  ///     counts.
  ///   - waiting: called once before the first wait.
  ///   - lost: called on another thread where somebody took the lock after this process had been stopped for longer
  ///     than `pace.patience`.
  package init(
    folder: String, isInherited: Bool = false, pace: LockPace = .usual, hasSystemLocks: Bool = true,
    waiting: () -> Void, lost: @escaping @Sendable (LockOwner) -> Void = { _ in }
  ) throws(FolderLockFailure) {
    path = folder + "/" + Self.name
    self.isInherited = isInherited
    var taking = LockTaking(path: path, options: isInherited ? 0 : O_CLOEXEC, pace: pace)
    taking.hasSystemLocks = hasSystemLocks
    descriptor = try taking.take(waiting)
    let owner = LockOwner.current
    let text = Array(owner.text.utf8)
    ftruncate(descriptor, 0)
    pwrite(descriptor, text, text.count, 0)
    heartbeat = Heartbeat(descriptor, at: path, owner: owner, every: pace.beat, lost: lost)
  }

  deinit {
    heartbeat = nil
    if let other = LockFile.owner(at: path), other != .current {
      // Taken meanwhile: the file is theirs.
    } else if isInherited {
      // No owner to be waited for.
      ftruncate(descriptor, 0)
    } else {
      // While it is held: whoever opened the file before finds in `take` that it is no longer the one of that name.
      unlink(path)
    }
    close(descriptor)
  }

  /// Whether a process holds the lock of a folder. A file that nobody holds, left by a kill, is no lock.
  package static func isHeld(folder: String) -> Bool {
    let descriptor = open(folder + "/" + name, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    // A shared lock for a moment: whoever begins a run meanwhile tries again.
    if flock(descriptor, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK { return true }
    return owner(folder: folder) != nil
  }

  /// Who holds the lock of a folder by what its file says; nil where nobody does, or where the file tells of nobody
  /// that is known to live. Of another machine it goes by this one's clock.
  package static func owner(folder: String) -> LockOwner? {
    let path = folder + "/" + name
    guard let file = LockFile(path: path), let owner = file.owner else { return nil }
    if owner.isHere {
      let descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { return nil }
      defer { close(descriptor) }
      return !owner.isGone && flock(descriptor, LOCK_SH | LOCK_NB) != 0 ? owner : nil
    }
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let age = Double(now.tv_sec) - Double(file.time) / 1e9
    return age < LockPace.usual.patience ? owner : nil
  }
}
