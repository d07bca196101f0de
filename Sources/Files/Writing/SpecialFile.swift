// What lies at the path of an output and is no regular file: a pipe, a device, a link. It is written into and never
// replaced. Used by AtomicFile.

import Glibc

/// Something other than a regular file, open for writing.
struct SpecialFile {
  private let file: OutputFile
  /// Whether what it holds is replaced: not where this process was given it open.
  private let isTruncated: Bool
  private let path: String

  /// Nil where `path` is a regular file or nothing. Waits for the reader of a pipe.
  /// - Throws: `FileError.cannotWrite` where it cannot be written: a folder, say.
  init?(path: String) throws {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG else { return nil }
    let given = Self.givenDescriptor(path)
    var descriptor: Int32
    repeat {
      descriptor =
        given.map { fcntl($0, F_DUPFD_CLOEXEC, 3) } ?? open(path, O_WRONLY | O_CREAT | O_NOCTTY | O_CLOEXEC, 0o666)
    } while descriptor < 0 && errno == EINTR
    guard descriptor >= 0 else { throw FileError.cannotWrite(path: path, operation: "open", code: errno) }
    self.path = path
    file = OutputFile(descriptor: descriptor, reportedAs: path)
    isTruncated = given == nil && fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// Writes all of `source` into it, and closes both.
  /// - Throws: `FileError.cannotWrite`; part of it may have been written then.
  func take(_ source: OutputFile) throws {
    if isTruncated { try file.truncate() }
    try source.copy(to: file)
    try file.close()
  }

  /// The descriptor that a path such as /dev/stdout means; opened by its path it would begin at its first byte.
  private static func givenDescriptor(_ path: String) -> Int32? {
    if path == "/dev/stdout" { return STDOUT_FILENO }
    if path == "/dev/stderr" { return STDERR_FILENO }
    for folder in ["/dev/fd/", "/proc/self/fd/"] where path.hasPrefix(folder) {
      return Int32(path.dropFirst(folder.count))
    }
    return nil
  }
}
