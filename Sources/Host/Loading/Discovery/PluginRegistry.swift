// All plugins this process can see: finds the files, checks them, loads them when a name has to be looked up.
// Made once by each command; the objective asks it for components by name.

import Files
package import Logging
import PluginGrammar

/// The plugins along a search path. Not for use by several threads.
///
/// Making a registry runs no plugin code. A component named by a path loads that file only; any other name loads the
/// libraries of the path, since only a library itself knows what it offers.
package final class PluginRegistry {
  /// A build that `--plugin-as NAME=FILE` puts beside the others.
  package struct Renamed: Sendable, Equatable {
    /// `[a-z0-9_-]+`.
    package let name: String
    /// As typed; `~/` is the home folder.
    package let file: String

    /// - Throws: `UsageError.option` where `text` is not NAME=FILE.
    package init(parsing text: String) throws {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, isLowercaseName(parts[0]), !parts[1].isEmpty else {
        throw UsageError.option(
          "--plugin-as", problem: "expected NAME=FILE with a name of [a-z0-9_-], found '\(text)'")
      }
      name = parts[0]
      file = parts[1]
    }
  }

  /// A file that cannot be used, and why.
  package struct Refusal: Sendable {
    /// Where it was found.
    package let path: String
    /// Why it is not used.
    package let reason: PluginRefusal
  }

  /// Where was looked.
  package let searchPath: PluginSearchPath
  /// Files that were meant to be plugins but cannot be used; libraries of other kinds are not among them.
  package private(set) var refusals: [Refusal] = []
  /// What a user should know: duplicates, components left out, entries that are not searched.
  package private(set) var warnings: [String] = []

  let logger: Logger
  /// Whether files are accepted that others could write.
  package let allowInsecure: Bool
  /// What makes libraries of files, here or elsewhere.
  package let opener: any LibraryOpener
  private var found: [PluginFile] = []
  private var folderNotes: [String] = []
  private var loaded: [PluginLibrary]?
  private var renamed: [PluginLibrary] = []
  /// Libraries named by a path, by the file behind it.
  private var byPath: [String: PluginLibrary] = [:]

  /// Looks through `searchPath` without running any plugin code.
  /// - Parameters:
  ///   - searchPath: Where to look.
  ///   - renamed: Builds to load under names of their own.
  ///   - allowInsecure: Accept files that others could write.
  ///   - opener: Makes libraries of files, and so decides where plugins run.
  ///   - logger: Where reasons and warnings go as well.
  /// - Throws: `PluginError` where a build of `renamed` cannot be used, `UsageError` where two have the same name.
  package init(
    searchPath: PluginSearchPath, renamed: [Renamed], allowInsecure: Bool, opener: any LibraryOpener, logger: Logger
  ) throws {
    self.searchPath = searchPath
    self.allowInsecure = allowInsecure
    self.opener = opener
    self.logger = logger
    for refused in searchPath.refused { warn("\(refused)") }
    for folder in searchPath.folders { scan(folder) }
    for (index, build) in renamed.enumerated() {
      if renamed[..<index].contains(where: { $0.name == build.name }) {
        throw UsageError.option("--plugin-as", problem: "two files are called '\(build.name)'")
      }
      self.renamed.append(try load(path: build.file, alias: build.name))
    }
  }

  /// Every usable library of the search path in order, after those of `--plugin-as`.
  package var libraries: [PluginLibrary] { renamed + searched }

  // MARK: Finding

  private func scan(_ folder: PluginSearchPath.Folder) {
    let names: [String]
    do {
      names = try libraryNames(in: folder.path)
    } catch {
      let reason = error == .missing ? "no such folder" : "\(error)"
      folderNotes.append("\(folder.path) (\(folder.origin): \(reason))")
      if folder.isRequired { warn("\(folder.origin): \(folder.path): \(reason)") }
      return
    }
    var count = 0
    for name in names where check(folder.path + "/" + name) { count += 1 }
    folderNotes.append("\(folder.path) (\(folder.origin): \(count) plugin\(count == 1 ? "" : "s"))")
  }

  /// Whether the file is a plugin, be it one that was found before.
  private func check(_ path: String) -> Bool {
    do {
      let file = try PluginFile(path: path, allowInsecure: allowInsecure)
      if let same = found.first(where: { $0.stamp == file.stamp || $0.sha256 == file.sha256 }) {
        logger.debug("\(path) is the same library as \(same.path)")
      } else {
        found.append(file)
      }
      return true
    } catch  where error.isNoPlugin {
      logger.debug("\(path): \(error)")
    } catch {
      refuse(path, error)
    }
    return false
  }

  func refuse(_ path: String, _ reason: PluginRefusal) {
    if refusals.contains(where: { $0.path == path }) { return }
    refusals.append(Refusal(path: path, reason: reason))
    logger.warning("plugin \(path) is not used: \(reason)")
  }

  private func warn(_ text: String) {
    warnings.append(text)
    logger.warning("\(text)")
  }

  /// Where was looked and what was refused, for messages.
  package var report: SearchReport {
    SearchReport(folders: folderNotes, refused: refusals.map { "\($0.path): \($0.reason)" })
  }

  // MARK: Loading

  /// The libraries of the search path, loaded on first use.
  var searched: [PluginLibrary] {
    if let loaded { return loaded }
    var libraries: [PluginLibrary] = []
    for file in found {
      do throws(PluginRefusal) {
        let named = byPath[file.resolvedPath]
        let library = if let named { named } else { try opener.open(file, alias: nil) }
        if let first = libraries.first(where: { $0.id == library.id }) {
          warn(duplicateText(first, library))
        } else {
          libraries.append(library)
          for note in library.notes { warn("\(library.path): \(note)") }
        }
      } catch {
        refuse(file.path, error)
      }
    }
    loaded = libraries
    return libraries
  }

  private func duplicateText(_ first: PluginLibrary, _ second: PluginLibrary) -> String {
    "two libraries have the id \(first.id): \(first.path) (version \(first.version), sha256 \(first.sha256.prefix(12)))"
      + " is used, \(second.path) (version \(second.version), sha256 \(second.sha256.prefix(12))) is not;"
      + " --plugin-as NAME=\(second.path) runs both side by side"
  }

  /// The library in the file at `path`.
  /// - Throws: `PluginError.refused`
  package func library(atPath path: String) throws -> PluginLibrary {
    let path = expandedHome(path)
    let key = Path.resolved(path) ?? path
    if let known = byPath[key] { return known }
    // A library of the search path may be named by its path as well; it stays one library.
    let library = try loaded?.first { $0.identity.resolvedPath == key } ?? load(path: path, alias: nil)
    byPath[key] = library
    return library
  }

  private func load(path: String, alias: String?) throws -> PluginLibrary {
    do {
      let file = try PluginFile(path: expandedHome(path), allowInsecure: allowInsecure)
      let library = try opener.open(file, alias: alias)
      for note in library.notes { warn("\(library.path): \(note)") }
      return library
    } catch {
      throw PluginError.refused(path: path, reason: error)
    }
  }

  /// The component where it is to run.
  /// - Throws: `PluginError.refused`
  package func placed(_ component: PluginComponent) throws -> PluginComponent {
    do {
      return try opener.placed(component)
    } catch {
      throw PluginError.refused(path: component.library.path, reason: error)
    }
  }

  private func expandedHome(_ path: String) -> String {
    guard path.hasPrefix("~/"), let home = homeFolder() else { return path }
    return home + path.dropFirst(1)
  }
}
