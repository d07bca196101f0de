// Puts a whole folder in place in one step: written beside it, then exchanged. Called by ModelExport.

import Glibc

/// A folder written as a whole.
package enum FolderReplacement {
  /// Fills a temporary folder beside `folder` and moves it there.
  ///
  /// `replaceable` sees the names in an existing folder and returns what speaks against replacing it, or nil.
  /// - Throws: `FileError.wouldOverwrite`, `.cannotWrite`, or what `fill` throws; `folder` is as before then.
  package static func write<Result>(
    to folder: String, replaceable: ([String]) -> String?, _ fill: (_ temporary: String) throws -> Result
  ) throws -> Result {
    let target = resolved(folder)
    try check(target, replaceable)
    Temporary.removeStale(for: target)
    let held = try Temporary(for: target, isFolder: true)
    let temporary = held.path
    // What is left under the temporary name is either a failed attempt or the folder that was replaced.
    defer { _ = try? Folder.remove(temporary) }
    let result = try fill(temporary)
    for folder in try Folder.subfolders(of: temporary) { try AtomicFile.syncFolder(folder) }
    try AtomicFile.syncFolder(temporary)
    try move(temporary, to: target)
    try AtomicFile.syncFolder(Path.folder(of: target))
    return result
  }

  /// Without trailing slashes, and where it is a link, what it points to.
  private static func resolved(_ path: String) -> String {
    let path = Path.withoutTrailingSlashes(path)
    return Path.resolved(path) ?? path
  }

  private static func check(_ target: String, _ replaceable: ([String]) -> String?) throws {
    guard Path.exists(target) else { return }
    guard Folder.isRealFolder(target) else { throw FileError.wouldOverwrite(path: target, found: "a file") }
    if let reason = replaceable(try Folder.names(in: target)) {
      throw FileError.wouldOverwrite(path: target, found: reason)
    }
  }

  /// Renames; a folder that is there is exchanged in the same step, where the system can do that, else moved aside.
  private static func move(_ temporary: String, to target: String) throws {
    if rename(temporary, target) == 0 { return }
    guard errno == ENOTEMPTY || errno == EEXIST else {
      throw FileError.cannotWrite(path: target, operation: "rename", code: errno)
    }
    if exchange(temporary, target) { return }
    let old = Temporary.name(for: target, "old")
    guard rename(target, old) == 0 else {
      throw FileError.cannotWrite(path: target, operation: "rename", code: errno)
    }
    guard rename(temporary, target) == 0 else {
      let code = errno
      rename(old, target)
      throw FileError.cannotWrite(path: target, operation: "rename", code: code)
    }
    // The export is in place; a remainder that cannot be removed costs disk space only.
    _ = try? Folder.remove(old)
  }

  /// renameat2 with RENAME_EXCHANGE; looked up, since Glibc's module hides GNU extensions.
  private static func exchange(_ first: String, _ second: String) -> Bool {
    typealias Function = @convention(c) (Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32) -> Int32
    guard let symbol = dlsym(nil, "renameat2") else { return false }
    return unsafeBitCast(symbol, to: Function.self)(AT_FDCWD, first, AT_FDCWD, second, 2) == 0
  }
}
