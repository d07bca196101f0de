// A folder for files that live no longer than this process, such as private copies of libraries. Those that killed
// processes left are removed by the next one to make one.

import Glibc

/// A new folder of mode 0700, gone with all that is in it when nobody holds it any more.
package final class ScratchFolder {
  /// Where it lies.
  package let path: String
  private var held: Temporary?
  private static let prefix = ".mixcse-scratch-"

  /// - Parameter parent: where it is made: the temporary folder, say.
  /// - Throws: `FileError.cannotWrite`.
  package init(in parent: String = Folder.temporary) throws {
    Self.removeStale(in: parent)
    let held = try Temporary(in: parent, prefix: Self.prefix)
    path = held.path
    self.held = held
  }

  deinit { remove() }

  /// Removes the folder before its time.
  package func remove() {
    guard held != nil else { return }
    _ = try? Folder.remove(path)
    held = nil
  }

  /// Removes the folders of processes that are gone. Nobody else's: the whole name must be one of these, the folder
  /// this user's alone.
  private static func removeStale(in parent: String) {
    for name in (try? Folder.names(in: parent)) ?? [] where name.hasPrefix(prefix) {
      guard name.utf8.count == prefix.utf8.count + 8 else { continue }
      var status = stat()
      guard lstat(parent + "/" + name, &status) == 0, status.st_mode & (S_IFMT | 0o777) == S_IFDIR | 0o700
      else { continue }
      Temporary.removeUnlessHeld(parent + "/" + name)
    }
  }
}
