// Files and folders under names of the moment, and how those of a killed process are told from those of a living one:
// each is locked by whoever made it, and the system drops the lock with the process. Used by AtomicFile,
// FolderReplacement, ScratchFolder and by the output folder of a run.

import Glibc

/// A file or folder that will be renamed or removed by this process; locked as long as this object lives.
package final class Temporary {
  /// Where it lies.
  package let path: String
  /// Open for reading and writing; a folder only for reading.
  let descriptor: Int32

  /// Makes a hidden file or folder beside `target`, under a name that nothing else has.
  /// - Throws: `FileError.cannotWrite`.
  init(for target: String, isFolder: Bool) throws {
    (path, descriptor) = try Self.make(isFolder: isFolder, reportedAs: target) { Self.name(for: target) }
  }

  /// Makes a folder of mode 0700 that is hidden in `parent`.
  /// - Throws: `FileError.cannotWrite`.
  init(in parent: String, prefix: String) throws {
    (path, descriptor) = try Self.make(isFolder: true, mode: 0o700, reportedAs: parent) {
      parent + "/" + prefix + Self.tag
    }
  }

  deinit { close(descriptor) }

  /// A hidden name beside `target` that nothing else uses; `removeStale` knows it.
  package static func name(for target: String, _ word: String = "tmp") -> String {
    "\(Path.folder(of: target))/.\(Path.name(of: target)).\(word)-\(getpid())-\(tag)"
  }

  private static var tag: String {
    let digits = String(UInt32.random(in: 0 ... .max), radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// Tries again where somebody who cleans up was faster than the lock.
  private static func make(
    isFolder: Bool, mode: mode_t = 0o777, reportedAs target: String, _ name: () -> String
  ) throws -> (path: String, descriptor: Int32) {
    while true {
      let path = name()
      if isFolder, mkdir(path, mode) != 0 {
        throw FileError.cannotWrite(path: target, operation: "create a folder beside it", code: errno)
      }
      let options = isFolder ? O_RDONLY | O_DIRECTORY : O_RDWR | O_CREAT | O_EXCL
      let descriptor = open(path, options | O_CLOEXEC, 0o666)
      if descriptor < 0, isFolder, errno == ENOENT { continue }
      guard descriptor >= 0 else { throw FileError.cannotWrite(path: target, operation: "create", code: errno) }
      // Where the file system has no locks nobody removes what others left, either.
      while flock(descriptor, LOCK_EX) != 0, errno == EINTR {}
      var (held, named) = (stat(), stat())
      if fstat(descriptor, &held) == 0, lstat(path, &named) == 0, held.st_ino == named.st_ino {
        return (path, descriptor)
      }
      close(descriptor)
    }
  }

  // MARK: - What others left

  /// Removes what earlier attempts at `target` left behind when their process was killed. A folder that was moved aside
  /// stays where nothing took its place.
  package static func removeStale(for target: String) {
    removeStale(in: Path.folder(of: target)) { $0 == Path.name(of: target) }
  }

  /// Removes what processes that are gone left in a folder for the targets of some names.
  package static func removeStale(in folder: String, where isOurs: (_ name: String) -> Bool) {
    // An unreadable folder shows when something is created in it.
    for name in (try? Folder.names(in: folder)) ?? [] where name.hasPrefix(".") {
      guard let (target, word) = parts(name), isOurs(target), word == "tmp" || Path.exists(folder + "/" + target)
      else { continue }
      removeUnlessHeld(folder + "/" + name)
    }
  }

  /// `.NAME.tmp-PROCESS-TAG` to its name and its word.
  private static func parts(_ name: String) -> (target: String, word: String)? {
    for word in ["tmp", "old"] {
      guard let range = name.range(ofLast: ".\(word)-") else { continue }
      let tail = name[range.upperBound...].split(separator: "-", omittingEmptySubsequences: false)
      guard tail.count == 2, Int32(tail[0]) != nil, UInt32(tail[1], radix: 16) != nil else { continue }
      return (String(name[name.index(after: name.startIndex)..<range.lowerBound]), word)
    }
    return nil
  }

  /// Removes a file or folder of this user whose lock nobody holds.
  static func removeUnlessHeld(_ path: String) {
    let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_uid == geteuid(), flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      return
    }
    _ = try? Folder.remove(path)
  }
}

extension String {
  /// Where a text stands last in this one.
  fileprivate func range(ofLast text: String) -> Range<String.Index>? {
    var found: Range<String.Index>?
    var rest = self[...]
    while let range = rest.firstRange(of: text) {
      found = range
      rest = rest[range.upperBound...]
    }
    return found
  }
}
