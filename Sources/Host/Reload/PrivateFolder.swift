// A folder that only this process uses, for copies of libraries while they are checked and loaded.
// Made by LibraryCopy's users; gone with its files when nobody holds it any more.

import Files
import Glibc
package import PluginLoading

/// A new folder of mode 0700 in `$XDG_RUNTIME_DIR`, else in the temporary folder: in the first that nobody else can
/// exchange.
package final class PrivateFolder {
  /// Where it lies.
  package var path: String { folder.path }
  private let folder: ScratchFolder

  /// - Throws: `PluginRefusal.unreadable` where no folder can be made that code may be loaded from.
  package init() throws(PluginRefusal) {
    let named = ["XDG_RUNTIME_DIR", "TMPDIR"].compactMap { (name: String) in
      getenv(name).map { String(cString: $0) }
    }
    var reason = "no folder for it"
    for parent in named.filter({ $0.hasPrefix("/") }) + ["/tmp"] where Self.holdsCode(parent) {
      if let problem = FileSafety.problem(ofFolder: parent) {
        reason = "\(parent): \(problem)"
        continue
      }
      do {
        folder = try ScratchFolder(in: parent)
        return
      } catch {
        reason = "\(error)"
      }
    }
    throw .unreadable(reason: "its private copy cannot be made: \(reason)")
  }

  /// The path of a file in the folder, which goes when the folder goes.
  package func file(_ name: String) -> String { path + "/" + name }

  /// Removes the folder before its time; what was loaded from it stays.
  func remove() { folder.remove() }

  /// From a folder mounted `noexec` nothing can be loaded.
  private static func holdsCode(_ folder: String) -> Bool {
    var info = statvfs()
    let noExecution: UInt = 8
    return statvfs(folder, &info) == 0 && info.f_flag & noExecution == 0
  }
}
