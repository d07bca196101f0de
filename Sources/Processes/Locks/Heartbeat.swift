// The sign of life of a process that holds a lock: the time of the lock's file moves as long as it lives. What other
// machines go by, where neither its number nor the system's lock says anything. Kept by FolderLock.

import Glibc

/// How often a lock shows life, and how long none has to be seen until its owner counts as gone.
package struct LockPace: Sendable {
  /// Seconds between two signs of life.
  package var beat: Double
  /// Seconds without one; several beats, since a file system may be slow.
  package var patience: Double

  /// A pace by its parts.
  package init(beat: Double, patience: Double) { (self.beat, self.patience) = (beat, patience) }

  /// Of all locks.
  package static let usual = LockPace(beat: 10, patience: 60)
}

/// A thread that touches a lock's file until the object goes.
final class Heartbeat {
  private let end: PipeEnds
  private let thread: WorkThread

  /// Nil where the system grants no thread or no pipe: the lock then looks left behind to other machines.
  /// - Parameters:
  ///   - descriptor: of the file, open for writing as long as this object lives.
  ///   - path: where the file is looked at: it says whether the lock is still this process's.
  ///   - seconds: between two beats.
  ///   - lost: called once where another process has taken the lock.
  init?(
    _ descriptor: Int32, at path: String, owner: LockOwner, every seconds: Double,
    lost: @escaping @Sendable (LockOwner) -> Void
  ) {
    guard let end = try? PipeEnds() else { return nil }
    let started = WorkThread {
      var waited = pollfd(fd: end.reading, events: 0, revents: 0)
      while true {
        let found = poll(&waited, 1, Int32(seconds * 1000))
        if found > 0 { return }
        if found < 0, errno != EINTR { return }
        if let other = LockFile.owner(at: path), other != owner { return lost(other) }
        if found == 0 { futimens(descriptor, nil) }
      }
    }
    guard let started else { return nil }
    (self.end, thread) = (end, started)
  }

  deinit {
    end.closeWriting()
    thread.join()
  }
}

/// What a lock's file says, to whoever opens it now: a network's file system answers from the server then.
struct LockFile: Equatable {
  /// Nil where it names none.
  var owner: LockOwner?
  /// Nanoseconds since 1970, by the clock of whoever set it.
  var time: Int

  /// Nil where there is no such file.
  init?(path: String) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    self.init(descriptor)
  }

  init?(_ descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    time = status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
    var bytes = [UInt8](repeating: 0, count: 1024)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    owner = count > 0 ? LockOwner(text: String(decoding: bytes[..<count], as: UTF8.self)) : nil
  }

  static func owner(at path: String) -> LockOwner? { LockFile(path: path)?.owner }
}

/// Looks at a lock of another machine until it is known whether its owner lives. No clock of that machine is asked.
struct LockWatch {
  enum Finding {
    /// It is not known yet.
    case unknown
    /// It showed life while it was looked at.
    case lives
    /// It showed none for long enough.
    case isGone
  }

  let patience: Double
  private var first: LockFile?
  private var began = ContinuousClock.now

  init(patience: Double) { self.patience = patience }

  /// What is known after another look.
  mutating func look(_ file: LockFile) -> Finding {
    guard let first, first.owner == file.owner else {
      (first, began) = (file, .now)
      return .unknown
    }
    if first.time != file.time { return .lives }
    return ContinuousClock.now - began >= .seconds(patience) ? .isGone : .unknown
  }
}
