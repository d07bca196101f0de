// Why a file is not used as a plugin: one reason per candidate, from the file system up to the descriptor.
// Thrown by the pre-flight and the loader, listed by the registry, carried by PluginError.refused.

/// The reason why a library cannot be used.
package enum PluginRefusal: Error, Equatable, Sendable, CustomStringConvertible {
  // The file.
  case missing
  case unreadable(reason: String)
  case notARegularFile(found: String)
  case wrongOwner(what: String, path: String, owner: UInt32)
  case writableByOthers(what: String, path: String, mode: UInt32)
  /// There is nothing yet, and it is others who could put something there.
  case couldBeMadeByOthers(path: String)
  case tooLarge(bytes: Int)
  case changedSinceChecked

  // The ELF image.
  case notELF
  case truncated(what: String, end: UInt64, size: Int)
  case malformed(String)
  case wrongMachine(found: String, expected: String)
  case notALibrary(found: String)

  // What it offers and needs.
  case notAPlugin
  /// A file in Python that imports nothing of this project.
  case notAPythonPlugin
  /// The text of its bare functions cannot be used; where it stands, and what is wrong (with line and column).
  case functions(origin: String, problem: String)
  case wrongMajor(found: [Int], supported: Int)
  case missingDependency(name: String, neededBy: String, searched: [String])
  /// A library it needs is looked for where others could put one of theirs.
  case unsafeDependency(name: String, neededBy: String, problem: String)
  case loader(message: String, undefined: [String])

  // What its entry function said.
  case entryRefused(reason: [String])
  case entryNotIdempotent
  case hostTooOld(library: String, needs: Int, supported: Int)
  case descriptor(field: String, problem: String)
  /// Found by the process that loaded it in place of this one.
  case worker(String)

  /// The reason as half a sentence, to follow "cannot be used: ".
  package var description: String {
    switch self {
    case .missing, .unreadable, .notARegularFile, .wrongOwner, .writableByOthers, .couldBeMadeByOthers, .tooLarge,
      .changedSinceChecked:
      fileDescription
    case .notELF, .truncated, .malformed, .wrongMachine, .notALibrary:
      imageDescription
    case .notAPlugin, .notAPythonPlugin, .functions, .wrongMajor, .missingDependency, .unsafeDependency, .loader:
      symbolDescription
    case .entryRefused, .entryNotIdempotent, .hostTooOld, .descriptor, .worker:
      entryDescription
    }
  }

  private var fileDescription: String {
    switch self {
    case .missing: return "there is no such file"
    case .unreadable(let reason): return "it cannot be read: \(reason)"
    case .notARegularFile(let found): return "expected a regular file, found \(found)"
    case .wrongOwner(let what, let path, let owner):
      return "\(what) \(path) belongs to user \(owner); plugins must belong to you, to root or to the owner of this "
        + "program (chown it, or --allow-insecure-plugin)"
    case .writableByOthers(let what, let path, let mode):
      return "\(what) \(path) can be written by others (mode \(String(mode, radix: 8)))"
        + "; run chmod go-w on it, or use --allow-insecure-plugin"
    case .couldBeMadeByOthers(let path):
      return "\(path) is not there, and others could put something there; make it, or use --allow-insecure-plugin"
    case .tooLarge(let bytes): return "it has \(bytes) bytes, more than a plugin may have (1 GiB)"
    case .changedSinceChecked: return "it was replaced while it was being checked; start again"
    default: return ""
    }
  }

  private var imageDescription: String {
    switch self {
    case .notELF: return "it is no ELF file"
    case .truncated(let what, let end, let size):
      return
        "\(what) ends at byte \(end), but the file has \(size) bytes: it is half-written or damaged; build it again"
    case .malformed(let problem): return "it is damaged: \(problem)"
    case .wrongMachine(let found, let expected): return "it is built for \(found), this host needs \(expected)"
    case .notALibrary(let found): return "expected a shared library, found \(found)"
    default: return ""
    }
  }

  private var symbolDescription: String {
    switch self {
    case .notAPlugin: return "it exports neither cse_library_entry_v1 nor cse_functions, so it is no plugin"
    case .notAPythonPlugin:
      return "it imports nothing of mixcse.plugin, so it is no plugin; it begins with from mixcse.plugin import ..."
    case .functions(let origin, let problem): return "its bare functions (\(origin)) cannot be used: \(problem)"
    case .wrongMajor(let found, let supported):
      let versions = found.map(String.init).joined(separator: ", ")
      let older = found.allSatisfy { $0 < supported }
      return "it is built for plugin ABI \(versions), this host speaks \(supported); "
        + (older ? "rebuild the plugin against this host's cse_plugin.h" : "update the host or use an older build")
    case .missingDependency(let name, let neededBy, let searched):
      return "\(name), which \(neededBy) needs, is not installed (looked in \(searched.joined(separator: ", ")))"
    case .unsafeDependency(let name, let neededBy, let problem):
      return "\(name), which \(neededBy) needs, is looked for where others could put their own: \(problem)"
    case .loader(let message, let undefined):
      let symbols = undefined.prefix(8).joined(separator: ", ") + (undefined.count > 8 ? ", ..." : "")
      return message + (undefined.isEmpty ? "" : "; nothing it links to defines: \(symbols)")
    default: return ""
    }
  }

  private var entryDescription: String {
    switch self {
    case .entryRefused(let reason):
      return "it refuses this host" + (reason.isEmpty ? " and gives no reason" : ": " + reason.joined(separator: "; "))
    case .entryNotIdempotent: return "its entry function gave another descriptor when it was called again"
    case .hostTooOld(let library, let needs, let supported):
      return "\(library) needs plugin ABI 1.\(needs), this host speaks 1.\(supported); update the host"
    case .worker(let problem): return problem
    case .descriptor(let field, let problem): return "its descriptor is wrong: \(field): \(problem)"
    default: return ""
    }
  }

  /// Whether the file simply is something else, which nobody needs to be warned about.
  package var isNoPlugin: Bool { self == .notAPlugin || self == .notAPythonPlugin }
}
