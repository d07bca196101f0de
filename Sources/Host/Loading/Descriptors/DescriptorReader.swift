// Reads and validates what a library's entry function returned, trusting neither its pointers nor its text.
// Called by PluginLoader once for each library.

package import PluginAPI
package import PluginGrammar

/// A validated library descriptor, copied out of the plugin.
package struct LibraryDescriptor {
  /// Reverse-DNS: `org.mixcse.simcse`.
  package let id: String
  /// As its author counts; one line, never empty.
  package let version: String
  /// One line; nil where it says nothing.
  package let license: String?
  /// The minor version of the plugin ABI it was built for.
  package let abiMinor: Int
  /// Those this host runs, in the library's order.
  package let components: [ComponentDescriptor]
  /// Its methods, in its order.
  package let recipes: [Recipe]
  /// What was left out, and why.
  package let notes: [String]
}

/// A validated component descriptor.
package struct ComponentDescriptor {
  /// A copy in this host's size, never freed.
  package let pointer: UnsafePointer<cse_component>
  /// The plugin's own, as it stands in its library.
  package let declared: UnsafePointer<cse_component>
  /// What it is for.
  package let kind: ComponentKind
  /// `[a-z0-9_-]+`, unique in its library.
  package let name: String
  /// First line: summary. Then formula and paper. May be empty.
  package let doc: String
  /// What may be set, in the order of `call->values`.
  package let parameters: [ParameterDeclaration]
  /// The names of `call->metrics`, in order.
  package let metrics: [String]
  /// How a pooler says it is written down; nil for one that does not say, and for the other kinds.
  package let pooling: PoolingDescription?

  /// A descriptor by its parts, checked before.
  package init(
    pointer: UnsafePointer<cse_component>, declared: UnsafePointer<cse_component>, kind: ComponentKind, name: String,
    doc: String, parameters: [ParameterDeclaration], metrics: [String], pooling: PoolingDescription? = nil
  ) {
    self.pointer = pointer
    self.declared = declared
    self.kind = kind
    self.name = name
    self.doc = doc
    self.parameters = parameters
    self.metrics = metrics
    self.pooling = pooling
  }
}

/// Limits that no honest library comes near; they bound the work a broken one can cause.
enum DescriptorLimits {
  static let components = 1024
  static let supportRows = 64
  static let metrics = 64
  static let name = 64
  static let id = 128
  static let line = 256
  static let text = 64 * 1024
}

/// A reader of descriptors in this process's memory.
package struct DescriptorReader {
  /// How memory is read that plugins point to.
  package let memory: ProbedMemory
  /// Where functions may be.
  package let code: ExecutableRanges

  /// - Throws: `PluginRefusal.unreadable` where the process can open no more files.
  package init() throws(PluginRefusal) {
    memory = try ProbedMemory()
    code = ExecutableRanges()
  }

  /// The first fields of 1.0, without which a descriptor says nothing: everything up to `version`.
  static let smallestLibrary = offset(\cse_library.license)

  /// The descriptor at `pointer`, copied and checked in full.
  /// - Throws: `PluginRefusal`: `.descriptor` with the field, `.wrongMajor`, `.hostTooOld`.
  package func library(at pointer: UnsafePointer<cse_library>) throws(PluginRefusal) -> LibraryDescriptor {
    let raw = try structure(
      cse_library(), at: UInt(bitPattern: pointer), smallest: Self.smallestLibrary, field: "cse_library")
    guard Int(raw.abi_major) == Int(CSE_ABI_MAJOR) else {
      throw .wrongMajor(found: [Int(raw.abi_major)], supported: Int(CSE_ABI_MAJOR))
    }
    let id = try text(raw.id, "id", limit: DescriptorLimits.id)
    guard isLibraryID(id) else { throw .descriptor(field: "id", problem: "expected org.example.mylib, found '\(id)'") }
    guard raw.min_host_minor <= UInt32(CSE_ABI_MINOR) else {
      throw .hostTooOld(library: id, needs: Int(raw.min_host_minor), supported: Int(CSE_ABI_MINOR))
    }
    let version = try line(raw.version, "version")
    if version.isEmpty { throw .descriptor(field: "version", problem: "it is empty") }
    let recipes = try recipes(of: raw)
    var notes: [String] = []
    let components = try components(of: raw, notes: &notes)
    if components.isEmpty, recipes.isEmpty {
      throw .descriptor(field: "components", problem: notes.first ?? "it offers neither components nor recipes")
    }
    return LibraryDescriptor(
      id: id, version: version, license: raw.license == nil ? nil : try line(raw.license, "license"),
      abiMinor: Int(raw.abi_minor), components: components, recipes: recipes, notes: notes)
  }

  private func components(of raw: cse_library, notes: inout [String]) throws(PluginRefusal) -> [ComponentDescriptor] {
    let count = Int(raw.n_components)
    guard count <= DescriptorLimits.components else {
      throw .descriptor(field: "n_components", problem: "\(count) are more than \(DescriptorLimits.components)")
    }
    guard count > 0 else { return [] }
    let table = try words(at: UInt(bitPattern: raw.components), count: count, field: "components")
    var components: [ComponentDescriptor] = []
    for (index, word) in table.enumerated() {
      let field = "components[\(index)]"
      guard let component = try ComponentReader(reader: self, field: field).component(at: word, notes: &notes) else {
        continue
      }
      if components.contains(where: { $0.name == component.name }) {
        throw .descriptor(field: field, problem: "a second component is called '\(component.name)'")
      }
      components.append(component)
    }
    return components
  }

  private func recipes(of raw: cse_library) throws(PluginRefusal) -> [Recipe] {
    guard raw.recipes != nil else { return [] }
    let source = try text(raw.recipes, "recipes", limit: DescriptorLimits.text)
    do {
      return try RecipeGrammar.parse(source)
    } catch {
      throw .descriptor(field: "recipes", problem: "\(error)")
    }
  }

  // MARK: Reading

  /// A struct that starts with `struct_size`: as many bytes as both sides know, the rest zero.
  package func structure<T>(_ zero: T, at address: UInt, smallest: Int, field: String) throws(PluginRefusal) -> T {
    guard address != 0 else { throw .descriptor(field: field, problem: "it is NULL") }
    guard address % 8 == 0, let head = memory.bytes(at: address, count: 4) else {
      throw .descriptor(field: field, problem: "it points to 0x\(String(address, radix: 16)), where nothing is")
    }
    let size = head.reversed().reduce(0) { $0 << 8 | Int($1) }
    guard size >= smallest else {
      throw .descriptor(field: field, problem: "struct_size is \(size), expected at least \(smallest)")
    }
    let known = min(size, MemoryLayout<T>.size)
    guard let bytes = memory.bytes(at: address, count: known) else {
      throw .descriptor(field: field, problem: "its \(known) bytes cannot be read")
    }
    var value = zero
    withUnsafeMutableBytes(of: &value) { $0.copyBytes(from: bytes) }
    return value
  }

  /// `count` machine words, such as an array of pointers.
  package func words(at address: UInt, count: Int, field: String) throws(PluginRefusal) -> [UInt] {
    guard address != 0 else { throw .descriptor(field: field, problem: "it is NULL") }
    guard let bytes = memory.bytes(at: address, count: count * 8) else {
      throw .descriptor(field: field, problem: "its \(count) entries cannot be read")
    }
    return bytes.withUnsafeBytes { buffer in
      (0..<count).map { buffer.loadUnaligned(fromByteOffset: $0 * 8, as: UInt.self) }
    }
  }

  /// Text without a line end.
  func line(_ pointer: UnsafePointer<CChar>?, _ field: String) throws(PluginRefusal) -> String {
    let text = try text(pointer, field, limit: DescriptorLimits.line)
    if text.utf8.contains(UInt8(ascii: "\n")) {
      throw .descriptor(field: field, problem: "expected one line")
    }
    return text
  }

  /// UTF-8 text of at most `limit` bytes, without control characters other than line ends and tabs.
  package func text(_ pointer: UnsafePointer<CChar>?, _ field: String, limit: Int) throws(PluginRefusal) -> String {
    switch memory.string(at: UInt(bitPattern: pointer), limit: limit) {
    case .null: throw .descriptor(field: field, problem: "it is NULL")
    case .unreadable: throw .descriptor(field: field, problem: "its text cannot be read")
    case .tooLong: throw .descriptor(field: field, problem: "it is longer than \(limit) bytes")
    case .bytes(let bytes):
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw .descriptor(field: field, problem: "it is not UTF-8")
      }
      for scalar in text.unicodeScalars where scalar.properties.generalCategory == .control {
        if scalar != "\n" && scalar != "\t" && scalar != "\r" {
          throw .descriptor(
            field: field,
            problem: "it holds the control character U+\(String(scalar.value, radix: 16, uppercase: true))")
        }
      }
      return text
    }
  }
}

/// The byte offset of a field; every field of these C structs has one.
func offset<T, F>(_ field: KeyPath<T, F>) -> Int {
  guard let offset = MemoryLayout<T>.offset(of: field) else { preconditionFailure("\(field) is no stored field") }
  return offset
}
