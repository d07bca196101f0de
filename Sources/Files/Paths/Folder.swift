// Folders: made, listed, removed. Called wherever a run, an export or a report writes more than one file.

package import Glibc

/// What is done with folders.
package enum Folder {
  /// Makes a folder and those above it; one that is there already is left as it is.
  /// - Parameter mode: Who may do what in those that are made, less what the user's umask takes away.
  /// - Throws: `FileError.cannotWrite`.
  package static func create(_ path: String, mode: mode_t = 0o777) throws {
    let path = Path.withoutTrailingSlashes(path)
    if mkdir(path, mode) == 0 { return }
    let code = errno
    if Path.isFolder(path) { return }
    let parent = Path.folder(of: path)
    guard code == ENOENT, parent != path, parent != "." else {
      throw FileError.cannotWrite(path: path, operation: "mkdir", code: code)
    }
    try create(parent, mode: mode)
    guard mkdir(path, mode) == 0 || errno == EEXIST else {
      throw FileError.cannotWrite(path: path, operation: "mkdir", code: errno)
    }
  }

  /// Bytes that removing a folder makes free: of its files, those in folders of it too, that have no other name.
  package static func bytes(in path: String) -> Int {
    ((try? names(in: path)) ?? []).reduce(0) { sum, name in
      var status = stat()
      guard lstat(path + "/" + name, &status) == 0 else { return sum }
      if status.st_mode & S_IFMT == S_IFDIR { return sum + bytes(in: path + "/" + name) }
      return status.st_nlink == 1 ? sum + Int(status.st_size) : sum
    }
  }

  /// The names in a folder, sorted by their bytes.
  /// - Throws: `FileError.notFound`, `.unreadable`.
  package static func names(in path: String) throws -> [String] {
    guard let stream = opendir(path) else {
      if errno == ENOENT || errno == ENOTDIR { throw FileError.notFound(path: path, expected: "a folder") }
      throw FileError.unreadable(path: path, operation: "open folder", code: errno)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The paths of all folders below one, links not followed, those deeper down after the ones they lie in.
  /// - Throws: `FileError.unreadable`.
  static func subfolders(of path: String) throws -> [String] {
    try names(in: path).map { path + "/" + $0 }.filter(isRealFolder).flatMap { [$0] + (try subfolders(of: $0)) }
  }

  /// Removes a file, a link, or a folder with all that is in it. What is not there is no error.
  /// - Throws: `FileError.cannotWrite`, `.unreadable`.
  package static func remove(_ path: String) throws {
    if isRealFolder(path) {
      for name in try names(in: path) { try remove(path + "/" + name) }
      guard rmdir(path) == 0 || errno == ENOENT else {
        throw FileError.cannotWrite(path: path, operation: "remove", code: errno)
      }
    } else if unlink(path) != 0, errno != ENOENT {
      throw FileError.cannotWrite(path: path, operation: "remove", code: errno)
    }
  }

  /// Bytes an ordinary user may still write to the disk of `path`; nil where the system does not say.
  package static func freeBytes(_ path: String) -> Int? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    return Int(status.f_bavail) * Int(status.f_frsize)
  }

  /// A folder itself and no link to one.
  static func isRealFolder(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The folder for what only lives as long as this process: `TMPDIR`, else `/tmp`.
  package static var temporary: String {
    guard let text = getenv("TMPDIR"), case let path = String(cString: text), !path.isEmpty else { return "/tmp" }
    return Path.withoutTrailingSlashes(path)
  }
}
