// Libraries loaded from private copies, so that their files may be written while their code runs: the opener of a run
// with `--watch`. Given to PluginRegistry by Host, asked by hot reload for the builds in use and for new ones.

package import PluginLoading

/// Loads copies of libraries and keeps what they were copied from.
package final class LibraryCopies: LibraryOpener {
  private let loader: PluginLoader
  private let allowInsecure: Bool
  /// What was loaded, by the file behind it.
  private var copies: [String: LibraryCopy] = [:]

  /// - Parameters:
  ///   - loader: Loads the copies.
  ///   - allowInsecure: Accept files that others could write.
  package init(loader: PluginLoader, allowInsecure: Bool) {
    self.loader = loader
    self.allowInsecure = allowInsecure
  }

  /// Loads a copy of `file`.
  /// - Throws: `PluginRefusal`, `.changedSinceChecked` where the file is not the one that was checked any more.
  package func open(_ file: PluginFile, alias: String?) throws(PluginRefusal) -> PluginLibrary {
    let copy = try LibraryCopy(of: file.path, allowInsecure: allowInsecure)
    defer { copy.forget() }
    guard copy.sha256 == file.sha256 else { throw .changedSinceChecked }
    copies[file.resolvedPath] = copy
    return try load(copy, alias: alias)
  }

  /// The copy that `library` was loaded from; nil for one that did not come from here.
  package func copy(of library: LibraryIdentity) -> LibraryCopy? { copies[library.resolvedPath] }

  /// Loads another build of a library beside the one that is in use.
  /// - Throws: `PluginRefusal`
  package func load(_ copy: LibraryCopy, alias: String?) throws(PluginRefusal) -> PluginLibrary {
    try loader.open(PluginFile(path: copy.source, allowInsecure: allowInsecure, copy: copy.path), alias: alias)
  }
}

extension PluginRegistry {
  /// The copies its libraries are loaded from; nil where they are loaded from their files.
  package var copies: LibraryCopies? { opener as? LibraryCopies }
}
