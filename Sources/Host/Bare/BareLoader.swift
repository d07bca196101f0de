// From a file with bare functions to a PluginLibrary: reads the text, which PluginFile found before any code ran, finds
// the functions, prepares them. Called by the loaders for files without a descriptor.

import Files
import Glibc
package import PluginAPI
import PluginGrammar
package import PluginLoading

extension PluginLoader {
  /// A loader of libraries with a descriptor and of libraries with bare functions.
  /// - Parameters:
  ///   - host: The table entry functions get; without one they get a table that only keeps what they log.
  ///   - readPython: How files in Python are opened; nil: not at all.
  package convenience init(host: UnsafePointer<cse_host>?, readPython: PythonReader? = nil) {
    let readBare: BareReader = { file, source, handle, alias throws(PluginRefusal) in
      let (text, origin) = try BareLoader.read(source, handle)
      return try BareLoader.library(in: file, text: text, origin: origin, alias: alias) { dlsym(handle, $0) }
    }
    self.init(host: host, readBare: readBare, readPython: readPython)
  }
}

/// The reader of libraries with bare functions.
package enum BareLoader {
  /// The library in `file`, whose text is `text`.
  /// - Parameters:
  ///   - origin: Where the text stands, for messages.
  ///   - place: Where the functions are, if not in this process.
  ///   - address: The address of a function; called for functions that the file has.
  /// - Throws: `PluginRefusal.functions` with the place in the text.
  package static func library(
    in file: PluginFile, text: String, origin: String, alias: String?, place: (any ComponentPlace)? = nil,
    address: (_ symbol: String) -> UnsafeMutableRawPointer?
  ) throws(PluginRefusal) -> PluginLibrary {
    let parsed: BareText
    let meanings: [BareComponent]
    do {
      parsed = try BareParser.parse(text)
      meanings = try BareComponent.components(of: parsed, source: text)
    } catch {
      throw .functions(origin: origin, problem: "\(error)")
    }
    if meanings.isEmpty { throw .functions(origin: origin, problem: "it declares no functions") }
    let identity = LibraryIdentity(
      path: file.path, resolvedPath: file.resolvedPath, declaredID: parsed.libraryID ?? defaultID(file.path),
      alias: alias, version: parsed.version ?? "0", license: nil, sha256: file.sha256, buildID: file.image?.buildID,
      sidecar: origin.hasSuffix(BareSource.sidecarSuffix) ? SHA256.digits(of: Array(text.utf8)) : nil,
      needed: file.image?.needed ?? [], abiMinor: 0)
    var components: [PluginComponent] = []
    for meaning in meanings {
      components.append(try component(meaning, file, origin, of: identity, place, address))
    }
    return PluginLibrary(
      identity: identity, components: components, recipes: [], notes: meanings.flatMap(\.warnings))
  }

  /// The text of bare functions of a library that dlopen gave `handle` for, and where it stands.
  /// - Throws: `PluginRefusal.functions`, `.descriptor` for a text that cannot be read.
  package static func read(
    _ source: BareSource, _ handle: UnsafeMutableRawPointer?
  ) throws(PluginRefusal) -> (text: String, origin: String) {
    switch source {
    case .text(let text, let origin): return (text, origin)
    case .function:
      let origin = source.origin
      guard let symbol = dlsym(handle, "cse_functions_v1") else {
        throw .functions(origin: origin, problem: "it is gone")
      }
      typealias Reader = @convention(c) () -> UnsafePointer<CChar>?
      let pointer = unsafeBitCast(symbol, to: Reader.self)()
      return (try DescriptorReader().text(pointer, origin, limit: BareLimits.text), origin)
    }
  }

  private static func component(
    _ meaning: BareComponent, _ file: PluginFile, _ origin: String, of identity: LibraryIdentity,
    _ place: (any ComponentPlace)?, _ address: (String) -> UnsafeMutableRawPointer?
  ) throws(PluginRefusal) -> PluginComponent {
    let forward = try function(meaning.forward, file, origin, address)
    var backward: ForeignFunction?
    if let signature = meaning.backward { backward = try function(signature, file, origin, address) }
    var commit: ForeignFunction?
    if let signature = meaning.commit { commit = try function(signature, file, origin, address) }
    let loaded = LoadedBareComponent(meaning, forward: forward, backward: backward, commit: commit)
    let table = loaded.makeTable()
    let declaration = meaning.forward.declaration
    let doc =
      declaration.attributes.text.isEmpty
      ? "\(declaration.kind.rawValue) \(declaration.symbol)(), a bare function" : declaration.attributes.text
    let descriptor = ComponentDescriptor(
      pointer: table, declared: table, kind: meaning.kind, name: meaning.name, doc: doc,
      parameters: meaning.parameters, metrics: meaning.metrics)
    return PluginComponent(descriptor, of: identity, source: loaded, place: place)
  }

  private static func function(
    _ signature: BareSignature, _ file: PluginFile, _ origin: String, _ address: (String) -> UnsafeMutableRawPointer?
  ) throws(PluginRefusal) -> ForeignFunction {
    let symbol = signature.declaration.symbol
    let (functions, exports) = (file.image?.functions ?? [], file.image?.exports ?? [])
    guard functions.contains(symbol), let address = address(symbol) else {
      let near = didYouMean(nearestNames(to: symbol, among: Array(functions)))
      let what =
        exports.contains(symbol) ? "is exported, but is no function" : "is no function the library exports"
      throw .functions(origin: origin, problem: "'\(symbol)' \(what)\(near)")
    }
    return try ForeignFunction(signature, address: address)
  }

  /// `bare.mine` for libmine.so.
  private static func defaultID(_ path: String) -> String {
    var stem = Path.name(of: path)
    if stem.hasPrefix("lib") { stem.removeFirst(3) }
    if let dot = stem.firstIndex(of: ".") { stem = String(stem[..<dot]) }
    let id = "bare." + stem
    return isLibraryID(id) ? id : "bare.library"
  }
}
