// Loads a checked plugin file into this process and validates what its entry function returns.
// Called by PluginRegistry when a component of the library may be needed.

import CIsolation
import Glibc
import PluginAPI

enum PluginLoader {
  /// Loads `file`, as `alias` if it has been given one. It stays mapped for the life of the process: a library in
  /// Swift that is closed takes the runtime down with it, and descriptors are used until the end anyway.
  static func load(
    _ file: PluginFile, alias: String?, host: UnsafePointer<cse_host>?
  ) throws(PluginRefusal) -> PluginLibrary {
    guard file.isUnchanged() else { throw .changedSinceChecked }
    // Constructors and entry functions are the plugin's code already.
    let name = strdup(file.path)
    iso_enter(name, "loading", -1)
    defer {
      iso_leave()
      free(name)
    }
    guard let handle = dlopen(file.loadPath, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
      let message = dlerror().map { String(cString: $0) } ?? "dlopen failed without a reason"
      let undefined = DependencySearch().undefinedSymbols(of: file.image, path: file.loadPath)
      throw .loader(message: message, undefined: undefined)
    }
    if let source = file.bareSource { return try BareLoader.load(file, source, handle: handle, alias: alias) }
    guard let symbol = dlsym(handle, "cse_library_entry_v1") else {
      throw .loader(message: dlerror().map { String(cString: $0) } ?? "its entry function is gone", undefined: [])
    }
    let entry = unsafeBitCast(symbol, to: Entry.self)
    let reader = DescriptorReader(memory: try ProbedMemory(), code: ExecutableRanges())
    let descriptor = try reader.library(at: try call(entry, host: host).get())
    let identity = LibraryIdentity(
      path: file.path, resolvedPath: file.resolvedPath, declaredID: descriptor.id, alias: alias,
      version: descriptor.version, license: descriptor.license, sha256: file.sha256, buildID: file.image.buildID,
      needed: file.image.needed, abiMinor: descriptor.abiMinor)
    return PluginLibrary(
      identity: identity, components: descriptor.components.map { PluginComponent($0, of: identity) },
      recipes: descriptor.recipes, notes: descriptor.notes)
  }

  private typealias Entry = @convention(c) (UnsafePointer<cse_host>) -> UnsafePointer<cse_library>?

  private static func call(
    _ entry: Entry, host: UnsafePointer<cse_host>?
  ) -> Result<UnsafePointer<cse_library>, PluginRefusal> {
    let host = host ?? EntryHost.table
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
