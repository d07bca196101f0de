// Loads a checked plugin file into this process and validates what its entry function returns.
// Called by PluginRegistry when a component of the library may be needed.

import CIsolation
import Files
import Glibc
package import PluginAPI

/// Makes libraries of files that passed the pre-flight. The registry is given one, and so is told where plugins run: in
/// this process (PluginLoader), from private copies (PluginReload), in processes of their own (PluginIsolation).
package protocol LibraryOpener: AnyObject {
  /// The library in `file`, under the name `alias` if it has been given one.
  /// - Throws: `PluginRefusal`
  func open(_ file: PluginFile, alias: String?) throws(PluginRefusal) -> PluginLibrary

  /// The component where it is to run, which may be another place than where its library was described.
  /// - Throws: `PluginRefusal`
  func placed(_ component: PluginComponent) throws(PluginRefusal) -> PluginComponent
}

extension LibraryOpener {
  /// Where it was loaded, as most openers have it.
  package func placed(_ component: PluginComponent) throws(PluginRefusal) -> PluginComponent { component }
}

/// Loads libraries into this process.
package final class PluginLoader: LibraryOpener {
  /// Reads a library of bare functions: the file, where its text stands, the handle of dlopen, its alias.
  package typealias BareReader = (
    _ file: PluginFile, _ source: BareSource, _ handle: UnsafeMutableRawPointer, _ alias: String?
  ) throws(PluginRefusal) -> PluginLibrary

  /// Opens a file in Python, under an alias if it has been given one.
  package typealias PythonReader = (_ file: PluginFile, _ alias: String?) throws(PluginRefusal) -> PluginLibrary

  private let host: UnsafePointer<cse_host>?
  private let readBare: BareReader
  private let readPython: PythonReader?

  /// - Parameters:
  ///   - host: The table entry functions get; without one they get a table that only keeps what they log.
  ///   - readBare: How bare functions become components; BareFunctions has it.
  ///   - readPython: How files in Python do; PluginPython has it.
  package init(
    host: UnsafePointer<cse_host>?, readBare: @escaping BareReader, readPython: PythonReader? = nil
  ) {
    self.host = host
    self.readBare = readBare
    self.readPython = readPython
  }

  /// Loads `file`, as `alias` if it has been given one. It stays mapped for the life of the process: a library in
  /// Swift that is closed takes the runtime down with it, and descriptors are used until the end anyway.
  /// - Throws: `PluginRefusal`
  package func open(_ file: PluginFile, alias: String?) throws(PluginRefusal) -> PluginLibrary {
    guard file.isUnchanged() else { throw .changedSinceChecked }
    guard let image = file.image else {
      guard let readPython else { throw .worker("plugins in Python cannot be used here") }
      return try readPython(file, alias)
    }
    // Constructors and entry functions are the plugin's code already. A report of a crash shows the name as it stands.
    let name = strdup(file.path.visible)
    noteEntry(name, "loading")
    defer {
      iso_leave()
      free(name)
    }
    guard let handle = dlopen(file.loadPath, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
      let message = dlerror().map { String(cString: $0) } ?? "dlopen failed without a reason"
      let undefined = DependencySearch().undefinedSymbols(of: image, path: file.loadPath)
      throw .loader(message: message, undefined: undefined)
    }
    // Built again between the check and here: what runs is not what was checked and what records would name.
    guard file.isUnchanged() else { throw .changedSinceChecked }
    if let source = file.bareSource { return try readBare(file, source, handle, alias) }
    guard let symbol = dlsym(handle, "cse_library_entry_v1") else {
      throw .loader(message: dlerror().map { String(cString: $0) } ?? "its entry function is gone", undefined: [])
    }
    let entry = unsafeBitCast(symbol, to: Entry.self)
    let descriptor = try DescriptorReader().library(at: try call(entry).get())
    let identity = LibraryIdentity(
      path: file.path, resolvedPath: file.resolvedPath, declaredID: descriptor.id, alias: alias,
      version: descriptor.version, license: descriptor.license, sha256: file.sha256, buildID: image.buildID,
      needed: image.needed, abiMinor: descriptor.abiMinor)
    return PluginLibrary(
      identity: identity, components: descriptor.components.map { PluginComponent($0, of: identity) },
      recipes: descriptor.recipes, notes: descriptor.notes)
  }

  private typealias Entry = @convention(c) (UnsafePointer<cse_host>) -> UnsafePointer<cse_library>?

  private func call(_ entry: Entry) -> Result<UnsafePointer<cse_library>, PluginRefusal> {
    let host = self.host ?? EntryHost.table
    _ = EntryHost.takeLines()
    guard let library = entry(host) else {
      // It may be called many times; once more with a table that keeps the reason it logs.
      if host != EntryHost.table { _ = entry(EntryHost.table) }
      return .failure(.entryRefused(reason: EntryHost.takeLines()))
    }
    guard entry(host) == library else { return .failure(.entryNotIdempotent) }
    return .success(library)
  }
}
