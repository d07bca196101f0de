// Questions about paths that nobody needs to open a file for. Called everywhere.

import Glibc

/// What a path says, and what lies there.
package enum Path {
  /// The last part: the whole path where it has no slash.
  package static func name(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }

  /// The folder a path lies in: "." for a bare name.
  package static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The path without slashes at its end; the root stays.
  package static func withoutTrailingSlashes(_ path: String) -> String {
    var path = path[...]
    while path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/") { path.removeLast() }
    return String(path)
  }

  /// The absolute path behind symbolic links; nil where nothing is there.
  package static func resolved(_ path: String) -> String? {
    guard let text = realpath(path, nil) else { return nil }
    defer { free(text) }
    return String(cString: text)
  }

  /// Whether `path` is `folder` or lies in it, whatever links lead there; false where one of them is not there.
  package static func isWithin(_ path: String, _ folder: String) -> Bool {
    guard let path = resolved(path), let folder = resolved(folder) else { return false }
    return path == folder || path.hasPrefix(folder == "/" ? folder : folder + "/")
  }

  /// Whether something is there; a link that leads nowhere is nothing.
  package static func exists(_ path: String) -> Bool { kind(path) != nil }

  /// Whether something is there, where a link that leads nowhere is a mistake: a file that may be missing was meant to
  /// be there then.
  /// - Throws: `FileError.malformed` for such a link.
  package static func isPresent(_ path: String) throws -> Bool {
    if exists(path) { return true }
    if let error = danglingLink(path, expected: "a file") { throw error }
    return false
  }

  /// The error for a link that leads nowhere; nil for anything else.
  static func danglingLink(_ path: String, expected: String) -> FileError? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let length = readlink(path, &buffer, buffer.count)
    guard length > 0, !exists(path) else { return nil }
    return .malformed(
      path: path, place: "", expected: expected,
      found: "a link to \(String(decoding: buffer[..<length], as: UTF8.self)), where nothing is",
      advice: "What it leads to was removed or never fetched: fetch the model again (hf download)")
  }

  /// Whether a folder is there, or a link to one.
  package static func isFolder(_ path: String) -> Bool { kind(path) == S_IFDIR }

  /// Whether something is there that is no folder.
  package static func isFile(_ path: String) -> Bool { kind(path).map { $0 != S_IFDIR } ?? false }

  /// Whether a regular file is there, or a link to one.
  package static func isRegularFile(_ path: String) -> Bool { kind(path) == S_IFREG }

  private static func kind(_ path: String) -> mode_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
  }
}
