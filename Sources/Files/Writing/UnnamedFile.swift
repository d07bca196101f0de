// Files without a name, which go with the process that made them. Used for what is unpacked, and for what is written
// into a pipe once it is complete.

import Glibc

enum UnnamedFile {
  /// A new file in `folder`, open for reading and writing.
  /// - Throws: `FileError.cannotWrite`.
  static func descriptor(in folder: String) throws -> Int32 {
    // __O_TMPFILE of Linux, which Glibc's module does not show.
    let unnamed = open(folder, 0o20000000 | O_DIRECTORY | O_RDWR | O_CLOEXEC, 0o600)
    if unnamed >= 0 { return unnamed }
    // Not every file system knows such files.
    var template = Array((folder + "/.mixcse-unnamed-XXXXXX").utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else { throw FileError.cannotWrite(path: folder, operation: "mkstemp", code: errno) }
    unlink(template)
    return descriptor
  }
}
