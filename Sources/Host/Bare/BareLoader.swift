// From a file with bare functions to a PluginLibrary: reads the text (from the ELF file or from `FILE.cse` beside it, so
// that no code runs before it is understood), finds the functions, prepares them.

import Glibc
import PluginAPI

/// Where the text of bare functions stands.
package enum BareSource: Sendable, Equatable {
  /// Read from the file; `origin`: "cse_functions" or the path of the sidecar.
  case text(String, origin: String)
  /// The library has a function that returns it: `const char *cse_functions_v1(void)`.
  case function
}

extension BareSource {
  /// The text that goes with a library; nil where there is none.
  /// - Throws: `PluginRefusal.functions` where there is a text that cannot be read.
  static func find(_ image: ELFImage, path: String, allowInsecure: Bool) throws(PluginRefusal) -> BareSource? {
    let sidecar = path + ".cse"
    var info = stat()
    if stat(sidecar, &info) == 0 {
      let opened = try OpenedFile(sidecar)
      // It decides how the code is called, so it is as dangerous as the code.
      if !allowInsecure, let problem = FileSafety.problem(of: opened) { throw problem }
      guard info.st_size <= BareLimits.text else {
        throw .functions(origin: sidecar, problem: "it has \(info.st_size) bytes, at most \(BareLimits.text) are read")
      }
      guard let text = String(validating: try opened.contents(), as: UTF8.self) else {
        throw .functions(origin: sidecar, problem: "it is not UTF-8")
      }
      return .text(text, origin: sidecar)
    }
    switch image.functionsText {
    case .absent: return image.exports.contains("cse_functions_v1") ? .function : nil
    case .pointer:
      throw .functions(
        origin: "cse_functions",
        problem: "it is a pointer; write an array, const char cse_functions[] = \"...\", so that it can be read"
          + " without running the library")
    case .unreadable(let problem): throw .functions(origin: "cse_functions", problem: problem)
    case .text(let text): return .text(text, origin: "cse_functions")
    }
  }
}

enum BareLoader {
  /// The library behind `handle`, whose text is `source`. Without a handle its functions are in another process.
  static func load(
    _ file: PluginFile, _ source: BareSource, handle: UnsafeMutableRawPointer?, alias: String?,
    isolation: Isolation? = nil
  ) throws(PluginRefusal) -> PluginLibrary {
    let (text, origin) = try read(source, handle)
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
      alias: alias, version: parsed.version ?? "0", license: nil, sha256: file.sha256, buildID: file.image.buildID,
      needed: file.image.needed, abiMinor: 0)
    var components: [PluginComponent] = []
    for meaning in meanings {
      components.append(try component(meaning, file, handle, origin, of: identity, isolation))
    }
    return PluginLibrary(
      identity: identity, components: components, recipes: [], notes: meanings.flatMap(\.warnings))
  }

  static func read(
    _ source: BareSource, _ handle: UnsafeMutableRawPointer?
  ) throws(PluginRefusal) -> (text: String, origin: String) {
    switch source {
    case .text(let text, let origin): return (text, origin)
    case .function:
      let origin = "cse_functions_v1()"
      guard let symbol = dlsym(handle, "cse_functions_v1") else {
        throw .functions(origin: origin, problem: "it is gone")
      }
      typealias Reader = @convention(c) () -> UnsafePointer<CChar>?
      let pointer = unsafeBitCast(symbol, to: Reader.self)()
      let text = try DescriptorReader(memory: try ProbedMemory(), code: ExecutableRanges())
        .text(pointer, origin, limit: BareLimits.text)
      return (text, origin)
    }
  }

  private static func component(
    _ meaning: BareComponent, _ file: PluginFile, _ handle: UnsafeMutableRawPointer?, _ origin: String,
    of identity: LibraryIdentity, _ isolation: Isolation?
  ) throws(PluginRefusal) -> PluginComponent {
    let forward = try function(meaning.forward, file, handle, origin)
    var backward: ForeignFunction?
    if let signature = meaning.backward { backward = try function(signature, file, handle, origin) }
    var commit: ForeignFunction?
    if let signature = meaning.commit { commit = try function(signature, file, handle, origin) }
    let loaded = LoadedBareComponent(meaning, forward: forward, backward: backward, commit: commit)
    let table = loaded.makeTable()
    let declaration = meaning.forward.declaration
    let doc =
      declaration.attributes.text.isEmpty
      ? "\(declaration.kind.rawValue) \(declaration.symbol)(), a bare function" : declaration.attributes.text
    let descriptor = ComponentDescriptor(
      pointer: table, declared: table, kind: meaning.kind, name: meaning.name, doc: doc,
      parameters: meaning.parameters, metrics: meaning.metrics)
    return PluginComponent(descriptor, of: identity, bare: loaded, isolation: isolation)
  }

  private static func function(
    _ signature: BareSignature, _ file: PluginFile, _ handle: UnsafeMutableRawPointer?, _ origin: String
  ) throws(PluginRefusal) -> ForeignFunction {
    let symbol = signature.declaration.symbol
    guard file.image.functions.contains(symbol), let address = handle == nil ? absentAddress : dlsym(handle, symbol)
    else {
      let near = didYouMean(nearestNames(to: symbol, among: Array(file.image.functions)))
      let what =
        file.image.exports.contains(symbol) ? "is exported, but is no function" : "is no function the library exports"
      throw .functions(origin: origin, problem: "'\(symbol)' \(what)\(near)")
    }
    return try ForeignFunction(signature, address: address)
  }

  /// `bare.mine` for libmine.so.
  private static func defaultID(_ path: String) -> String {
    var stem = fileName(of: path)
    if stem.hasPrefix("lib") { stem.removeFirst(3) }
    if let dot = stem.firstIndex(of: ".") { stem = String(stem[..<dot]) }
    let id = "bare." + stem
    return isLibraryID(id) ? id : "bare.library"
  }
}
