// The folders plugins are looked for in, in order, and why an entry of the environment is not among them.
// Made by the command from its flags, read by PluginRegistry.

import Files
import Glibc
import PluginGrammar
import Processes

/// Where to look for plugins, best first.
package struct PluginSearchPath: Sendable {
  /// One folder and what put it on the list.
  package struct Folder: Sendable, Equatable {
    /// Absolute.
    package let path: String
    /// `--plugin-path`, `CSE_PLUGIN_PATH`, ...
    package let origin: String
    /// It was asked for, so that its absence is worth a warning.
    package let isRequired: Bool
  }

  /// An entry that is not searched.
  package struct Refused: Sendable, Equatable, CustomStringConvertible {
    /// As the environment has it.
    package let entry: String
    /// The variable.
    package let origin: String
    /// Why it is left out.
    package let reason: String

    /// The variable, the entry and the reason.
    package var description: String { "\(origin): '\(entry)' is not searched: \(reason)" }
  }

  /// Best first; none twice.
  package private(set) var folders: [Folder] = []
  /// What is not searched.
  package private(set) var refused: [Refused] = []

  private static let dataOrigins = ["XDG_DATA_HOME", "your data folder"]

  /// The folder of the user's own plugins; nil where the environment names none.
  package var dataFolder: String? { folders.first { Self.dataOrigins.contains($0.origin) }?.path }

  /// An empty path; add folders with `init(folders:)`.
  package init(folders: [String] = []) {
    for folder in folders { add(folder, origin: "--plugin-path", isRequired: true) }
  }

  /// `--plugin-path` folders, `CSE_PLUGIN_PATH`, `$XDG_DATA_HOME/cse/plugins`, `lib/cse/plugins` beside the
  /// executable's folder, the executable's folder. The working directory is searched only where a flag names it.
  /// - Parameters:
  ///   - pluginPaths: The arguments of `--plugin-path`, first one first.
  ///   - environment: Looks up a variable of the environment.
  ///   - executable: The path of the running program.
  ///   - isPrivileged: The program runs with more rights than its user; the environment is then not believed.
  /// - Throws: `UsageError.option` where a folder named by a flag is none.
  package init(
    pluginPaths: [String], environment: (String) -> String? = { getenv($0).map { String(cString: $0) } },
    executable: String? = ThisProcess.executable, isPrivileged: Bool = runsPrivileged()
  ) throws {
    for path in pluginPaths {
      guard !path.isEmpty, Path.isFolder(path), let absolute = Path.resolved(path) else {
        throw UsageError.option("--plugin-path", problem: "expected a folder, found '\(path)'")
      }
      add(absolute, origin: "--plugin-path", isRequired: true)
    }
    addEnvironment(environment("CSE_PLUGIN_PATH"), isPrivileged: isPrivileged)
    if !isPrivileged { addDataHome(environment) }
    if let executable {
      let folder = Path.folder(of: executable)
      add(Path.folder(of: folder) + "/lib/cse/plugins", origin: "installed plugins", isRequired: false)
      add(folder, origin: "beside the program", isRequired: false)
    }
  }

  private mutating func addEnvironment(_ list: String?, isPrivileged: Bool) {
    guard let list, !list.isEmpty else { return }
    let origin = "CSE_PLUGIN_PATH"
    if isPrivileged {
      refused.append(Refused(entry: list, origin: origin, reason: "the program runs with more rights than its user"))
      return
    }
    for entry in list.split(separator: ":", omittingEmptySubsequences: false).map(String.init) {
      if entry.isEmpty {
        refused.append(Refused(entry: entry, origin: origin, reason: "an empty entry would be the working directory"))
      } else if !entry.hasPrefix("/") {
        let reason = "it is relative to the working directory; write it in full"
        refused.append(Refused(entry: entry, origin: origin, reason: reason))
      } else {
        add(entry, origin: origin, isRequired: true)
      }
    }
  }

  private mutating func addDataHome(_ environment: (String) -> String?) {
    let origin = Self.dataOrigins[0]
    if let home = environment("XDG_DATA_HOME"), !home.isEmpty {
      // The XDG rules ask to ignore relative paths.
      guard home.hasPrefix("/") else {
        refused.append(Refused(entry: home, origin: origin, reason: "it is relative to the working directory"))
        return
      }
      add(home + "/cse/plugins", origin: origin, isRequired: false)
    } else if let home = environment("HOME"), home.hasPrefix("/") {
      add(home + "/.local/share/cse/plugins", origin: Self.dataOrigins[1], isRequired: false)
    }
  }

  private mutating func add(_ path: String, origin: String, isRequired: Bool) {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    if !folders.contains(where: { $0.path == path }) {
      folders.append(Folder(path: path, origin: origin, isRequired: isRequired))
    }
  }
}

/// Whether the kernel marked this process as running with more rights than its user (AT_SECURE).
package func runsPrivileged() -> Bool {
  let secure: UInt = 23
  let isMarked = readWords("/proc/self/auxv").map { words in
    stride(from: 0, to: words.count - 1, by: 2).contains { words[$0] == secure && words[$0 + 1] != 0 }
  }
  return isMarked ?? false || getuid() != geteuid() || getgid() != getegid()
}

private func readWords(_ path: String) -> [UInt]? {
  guard let bytes = readSmallFileBytes(path) else { return nil }
  return bytes.withUnsafeBytes { buffer in
    (0..<(bytes.count / 8)).map { buffer.loadUnaligned(fromByteOffset: $0 * 8, as: UInt.self) }
  }
}

/// The names in a folder that end in `.so` or `.py`, sorted, because the order of a folder's entries is random.
/// - Throws: The system's message where it cannot be read.
func libraryNames(in folder: String) throws(PluginRefusal) -> [String] {
  guard let stream = opendir(folder) else {
    if errno == ENOENT { throw .missing }
    throw .unreadable(reason: systemMessage(errno))
  }
  defer { closedir(stream) }
  var names: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if isPluginFileName(name), !name.hasPrefix(".") { names.append(name) }
  }
  return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}
