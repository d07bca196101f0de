// Describes a library without loading it here: a worker loads and validates it and reports its texts, from which the
// same descriptor is built again, with functions that nobody calls. Used by PluginRegistry under `--isolate`.

import Glibc
import BareFunctions
package import PluginAPI
import PluginGrammar
package import PluginLoading
import Processes

/// The opener of a run with `--isolate`.
package final class IsolatedLoader: LibraryOpener {
  /// Which plugins run in processes of their own, and within which bounds.
  package let isolation: Isolation
  private let loader: PluginLoader
  /// Libraries that were described by a process of their own and then loaded here after all.
  private var loadedHere: [String: PluginLibrary] = [:]

  /// - Parameter loader: Loads what is not to be isolated.
  package init(_ isolation: Isolation, loader: PluginLoader) {
    self.isolation = isolation
    self.loader = loader
  }

  /// The library in `file`, whose instances will run in processes of their own.
  /// - Throws: `PluginRefusal`
  package func open(_ file: PluginFile, alias: String?) throws(PluginRefusal) -> PluginLibrary {
    // In a process of its own anyway.
    if file.image == nil { return try loader.open(file, alias: alias) }
    let report = try describe(file)
    if let source = file.bareSource {
      var (text, origin) = (report.first, source.origin)
      if text == nil { (text, origin) = try BareLoader.read(source, nil) }
      return try BareLoader.library(
        in: file, text: text ?? "", origin: origin, alias: alias, place: isolation, address: { _ in absentAddress })
    }
    guard let described = DescribedLibrary(report) else { throw .worker("its process reported nothing of use") }
    let descriptor = try DescriptorReader().library(at: described.makeLibrary())
    let identity = LibraryIdentity(
      path: file.path, resolvedPath: file.resolvedPath, declaredID: descriptor.id, alias: alias,
      version: descriptor.version, license: descriptor.license, sha256: file.sha256, buildID: file.image?.buildID,
      abiMinor: described.abiMinor)
    return PluginLibrary(
      identity: identity, components: descriptor.components.map { PluginComponent($0, of: identity, place: isolation) },
      recipes: descriptor.recipes, notes: described.notes)
  }

  /// The component where it is to run: one that `--isolate=NAME,...` does not name is loaded here.
  /// - Throws: `PluginRefusal`
  package func placed(_ component: PluginComponent) throws(PluginRefusal) -> PluginComponent {
    guard component.place != nil, !isolation.covers(component), component.place === isolation else { return component }
    let identity = component.library
    let library: PluginLibrary
    if let known = loadedHere[identity.path] {
      library = known
    } else {
      let file = try PluginFile(path: identity.path, allowInsecure: isolation.allowInsecure)
      library = try loader.open(file, alias: identity.alias)
      loadedHere[identity.path] = library
    }
    guard library.sha256 == identity.sha256, let found = library.component(component.kind, component.name) else {
      throw .changedSinceChecked
    }
    return found
  }

  /// What the worker says of the library, after its first word.
  private func describe(_ file: PluginFile) throws(PluginRefusal) -> [String] {
    let settings = WorkerSettings(
      path: file.resolvedPath, sha256: file.sha256, isolation, parent: getpid(), instance: nil)
    let process: WorkerProcess
    do {
      process = try WorkerProcess(settings, name: file.path, isolation: isolation)
    } catch {
      throw .worker("its process could not be started: \(error)")
    }
    guard let bytes = process.readReport(within: isolation.bounds.startSeconds) else {
      throw .worker("loading it did not end within \(isolation.bounds.startSeconds) s (--plugin-deadline)")
    }
    if let report = Netstrings.decode(bytes), let first = report.first {
      if first == WorkerReport.ready { return Array(report.dropFirst()) }
      if first == WorkerReport.refused { throw .worker(report.dropFirst().joined(separator: " ")) }
    }
    _ = process.wait(milliseconds: 1000)
    process.stop()
    guard bytes.isEmpty, let end = process.end else { throw .worker("its process reported nothing of use") }
    let line = process.lastLine().map { $0.isEmpty ? "" : "; the last it printed: \($0)" } ?? ""
    switch end {
    case .signalled(let signal):
      throw .worker("its process died of \(SignalName.short(signal)) while loading it" + line)
    case .exited(let code): throw .worker("loading it ended the process with code \(code)" + line)
    case .overran: throw .worker("loading it did not end in time" + line)
    }
  }
}

/// A function of an isolated component as this process has it: there, and never called.
private let absentFunction: @convention(c) () -> cse_status = { cse_status(CSE_E_INTERNAL) }
/// The one extension that is described with a component: what a pooler says of itself, behind its descriptor.
private let describedExtension:
  @convention(c) (UnsafePointer<cse_component>?, UnsafePointer<CChar>?) -> UnsafeRawPointer? = { component, id in
    guard let component, let id, strcmp(id, CSE_POOLING_1) == 0,
      let offset = MemoryLayout<DescribedComponent>.offset(of: \.pooling)
    else { return nil }
    let pooling = UnsafeRawPointer(component) + offset
    return pooling.assumingMemoryBound(to: cse_pooling_1.self).pointee.struct_size > 0 ? pooling : nil
  }

/// A descriptor and what its extension gives; `pooling.struct_size` is 0 where a pooler does not describe itself.
private struct DescribedComponent {
  var component = cse_component()
  var pooling = cse_pooling_1()
}

/// Where bare functions of an isolated library are said to be.
private var absentAddress: UnsafeMutableRawPointer { unsafeBitCast(absentFunction, to: UnsafeMutableRawPointer.self) }

/// A library in texts: written by a worker, made into a descriptor again by the host.
package struct DescribedLibrary {
  private struct Component {
    let kind, claims: UInt32
    let name: String
    let doc, parameters, metrics: String
    /// Which functions there are, one digit each.
    let functions: String
    /// What a pooler says of itself: tokens, head, and whether it weighs layers, by the header's numbers; else empty.
    let pooling: String
  }

  /// As many as the reader of descriptors takes; each note is a warning on the terminal.
  private static let mostComponents = 1024
  private static let mostNotes = 1024

  private let id, version, license, recipes: String
  /// The minor version of the plugin ABI it was built for.
  package let abiMinor: Int
  /// What was left out, and why.
  package let notes: [String]
  private let components: [Component]

  /// Of a library that is loaded in this process.
  init(_ library: PluginLibrary) {
    (id, version, license) = (library.identity.declaredID, library.version, library.license ?? "")
    recipes = library.recipes.map { "\($0.name) = \($0.text)" }.joined(separator: "\n")
    abiMinor = library.identity.abiMinor
    notes = library.notes
    components = library.components.map { component in
      let table = component.pointer.pointee
      let present = [
        table.create != nil, table.destroy != nil, table.plan != nil, table.commit != nil, table.pool != nil,
        table.pool_backward != nil, table.sample != nil, table.sample_backward != nil, table.on_logits != nil,
        table.on_embeds != nil, table.augment != nil,
      ]
      return Component(
        kind: table.kind, claims: table.claims, name: component.name, doc: component.doc,
        parameters: table.params.map { String(cString: $0) } ?? "", metrics: component.metrics.joined(separator: ","),
        functions: present.map { $0 ? "1" : "0" }.joined(),
        pooling: component.pooling.map(Self.text) ?? "")
    }
  }

  private static func text(_ pooling: PoolingDescription) -> String {
    "\(pooling.tokens.number) \(pooling.wantsHead ? 1 : 0) \(pooling.layerWeights == nil ? 0 : 1)"
  }

  /// What a worker reports of it.
  package var texts: [String] {
    var texts: [String] = [id, version, license, recipes, String(abiMinor), String(notes.count)]
    texts += notes
    for part in components {
      texts += [String(part.kind), String(part.claims), part.name, part.doc, part.parameters, part.metrics]
      texts += [part.functions, part.pooling]
    }
    return texts
  }

  /// Reads `texts`; nil for anything else.
  package init?(_ texts: [String]) {
    guard texts.count >= 6, let abiMinor = Int(texts[4]), let count = Int(texts[5]), count >= 0,
      count <= min(texts.count - 6, Self.mostNotes), (texts.count - 6 - count) % 8 == 0,
      (texts.count - 6 - count) / 8 <= Self.mostComponents
    else { return nil }
    (id, version, license, recipes, self.abiMinor) = (texts[0], texts[1], texts[2], texts[3], abiMinor)
    notes = Array(texts[6..<(6 + count)])
    var components: [Component] = []
    for start in stride(from: 6 + count, to: texts.count, by: 8) {
      let part = Array(texts[start..<(start + 8)])
      guard let kind = UInt32(part[0]), let claims = UInt32(part[1]) else { return nil }
      components.append(
        Component(
          kind: kind, claims: claims, name: part[2], doc: part[3], parameters: part[4], metrics: part[5],
          functions: part[6], pooling: part[7]))
    }
    self.components = components
  }

  /// The descriptor, never freed, as those of loaded libraries.
  package func makeLibrary() -> UnsafePointer<cse_library> {
    let list = UnsafeMutablePointer<UnsafePointer<cse_component>?>.allocate(capacity: max(components.count, 1))
    for (index, component) in components.enumerated() { (list + index).initialize(to: makeComponent(component)) }
    var raw = cse_library()
    raw.struct_size = UInt32(MemoryLayout<cse_library>.size)
    raw.abi_major = UInt16(CSE_ABI_MAJOR)
    raw.abi_minor = UInt16(clamping: abiMinor)
    raw.n_components = UInt32(components.count)
    raw.components = UnsafePointer(list)
    raw.id = text(id)
    raw.version = text(version)
    raw.license = license.isEmpty ? nil : text(license)
    raw.recipes = recipes.isEmpty ? nil : text(recipes)
    let library = UnsafeMutablePointer<cse_library>.allocate(capacity: 1)
    library.initialize(to: raw)
    return UnsafePointer(library)
  }

  private func makeComponent(_ component: Component) -> UnsafePointer<cse_component> {
    var raw = cse_component()
    raw.struct_size = UInt32(MemoryLayout<cse_component>.size)
    (raw.kind, raw.claims) = (component.kind, component.claims)
    raw.name = text(component.name)
    raw.doc = component.doc.isEmpty ? nil : text(component.doc)
    raw.params = component.parameters.isEmpty ? nil : text(component.parameters)
    raw.metrics = component.metrics.isEmpty ? nil : text(component.metrics)
    let there = component.functions.map { $0 == "1" } + [Bool](repeating: false, count: 11)
    func put<F>(_ index: Int, in field: inout F?) {
      field = there[index] ? unsafeBitCast(absentFunction, to: F.self) : nil
    }
    put(0, in: &raw.create)
    put(1, in: &raw.destroy)
    put(2, in: &raw.plan)
    put(3, in: &raw.commit)
    put(4, in: &raw.pool)
    put(5, in: &raw.pool_backward)
    put(6, in: &raw.sample)
    put(7, in: &raw.sample_backward)
    put(8, in: &raw.on_logits)
    put(9, in: &raw.on_embeds)
    put(10, in: &raw.augment)
    raw.get_extension = describedExtension
    let pointer = UnsafeMutablePointer<DescribedComponent>.allocate(capacity: 1)
    pointer.initialize(to: DescribedComponent(component: raw, pooling: makePooling(component.pooling)))
    return UnsafeRawPointer(pointer).assumingMemoryBound(to: cse_component.self)
  }

  private func makePooling(_ text: String) -> cse_pooling_1 {
    var raw = cse_pooling_1()
    let numbers = text.split(separator: " ").compactMap { UInt32($0) }
    guard numbers.count == 3 else { return raw }
    raw.struct_size = UInt32(MemoryLayout<cse_pooling_1>.size)
    (raw.tokens, raw.head) = (numbers[0], numbers[1])
    if numbers[2] == 1 { raw.layer_weights = { _, _, _ in cse_status(CSE_E_INTERNAL) } }
    return raw
  }

  private func text(_ text: String) -> UnsafePointer<CChar>? { strdup(text).map { UnsafePointer($0) } }
}
