// Validates one component of a library: its size, name, texts, and the functions its kind must have.

import PluginAPI
import PluginGrammar

struct ComponentReader {
  let reader: DescriptorReader
  /// Where it stands, for messages: `components[2]`.
  let field: String

  /// Everything before the functions; which functions are needed depends on the kind.
  static let smallest = offset(\cse_component.create)

  /// The component at `address`, or nil with a note where this host does not know its kind.
  func component(at address: UInt, notes: inout [String]) throws(PluginRefusal) -> ComponentDescriptor? {
    let raw = try reader.structure(cse_component(), at: address, smallest: Self.smallest, field: field)
    let name = try reader.line(raw.name, field + ".name")
    guard isLowercaseName(name), name.utf8.count <= DescriptorLimits.name else {
      throw .descriptor(
        field: field + ".name", problem: "expected at most \(DescriptorLimits.name) of [a-z0-9_-], found '\(name)'")
    }
    guard let kind = ComponentKind(raw.kind) else {
      notes.append("component '\(name)' is of kind \(raw.kind), which this host does not run; it is left out")
      return nil
    }
    guard let declared = UnsafePointer<cse_component>(bitPattern: address) else { return nil }
    try checkFunctions(of: raw, kind: kind, name: name)
    try checkSupport(of: raw, name: name)
    let doc = try optionalText(raw.doc, "\(name).doc")
    let parameters = try parameters(of: raw, kind: kind, name: name)
    let metrics = try metrics(of: raw, name: name)
    let pooling = kind == .pooler ? try pooling(of: raw, declared: declared, name: name, notes: &notes) : nil
    return ComponentDescriptor(
      pointer: immortalCopy(raw), declared: declared, kind: kind, name: name, doc: doc, parameters: parameters,
      metrics: metrics, pooling: pooling)
  }

  // MARK: Functions

  private func checkFunctions(of raw: cse_component, kind: ComponentKind, name: String) throws(PluginRefusal) {
    for function in functions(of: raw) where function.address != 0 && !reader.code.contains(function.address) {
      throw .descriptor(
        field: "\(name).\(function.name)",
        problem: "it points to 0x\(String(function.address, radix: 16)), where no code is")
    }
    func require(_ condition: Bool, _ problem: String) throws(PluginRefusal) {
      guard condition else { throw .descriptor(field: name, problem: problem) }
    }
    switch kind {
    case .pooler:
      try require(raw.pool != nil, "a pooler needs the function pool")
      try require(raw.pool_backward != nil, "a pooler needs the function pool_backward")
    case .sampler:
      try require(raw.sample != nil || raw.plan != nil, "a sampler needs the function sample or plan")
    case .loss:
      try require(raw.on_logits != nil || raw.on_embeds != nil, "a loss needs the function on_logits or on_embeds")
    case .augmenter:
      try require(raw.augment != nil, "an augmenter needs the function augment")
    case .encoder:
      try require(raw.get_extension != nil, "an encoder needs the function get_extension")
    case .other:
      try require(raw.get_extension != nil, "a component of kind 'other' needs the function get_extension")
    }
  }

  private func functions(of raw: cse_component) -> [(name: String, address: UInt)] {
    let fields: [(String, Int)] = [
      ("create", offset(\cse_component.create)), ("destroy", offset(\cse_component.destroy)),
      ("plan", offset(\cse_component.plan)), ("commit", offset(\cse_component.commit)),
      ("pool", offset(\cse_component.pool)), ("pool_backward", offset(\cse_component.pool_backward)),
      ("sample", offset(\cse_component.sample)), ("sample_backward", offset(\cse_component.sample_backward)),
      ("on_logits", offset(\cse_component.on_logits)), ("on_embeds", offset(\cse_component.on_embeds)),
      ("get_extension", offset(\cse_component.get_extension)), ("augment", offset(\cse_component.augment)),
    ]
    return withUnsafeBytes(of: raw) { bytes in
      fields.map { ($0.0, bytes.loadUnaligned(fromByteOffset: $0.1, as: UInt.self)) }
    }
  }

  private func checkSupport(of raw: cse_component, name: String) throws(PluginRefusal) {
    let count = Int(raw.n_support)
    guard count > 0 else { return }
    guard count <= DescriptorLimits.supportRows else {
      throw .descriptor(field: "\(name).n_support", problem: "\(count) are more than \(DescriptorLimits.supportRows)")
    }
    let size = MemoryLayout<cse_support>.size
    guard let bytes = reader.memory.bytes(at: UInt(bitPattern: raw.support), count: count * size) else {
      throw .descriptor(field: "\(name).support", problem: "its \(count) entries cannot be read")
    }
    let rows = bytes.withUnsafeBytes { buffer in
      (0..<count).map { buffer.loadUnaligned(fromByteOffset: $0 * size, as: cse_support.self) }
    }
    // DLPack: device 1 is the CPU, type code 2 is floating point.
    guard rows.contains(where: { $0.device.device_type == 1 && $0.dtype.code == 2 && $0.dtype.bits == 32 }) else {
      throw .descriptor(field: "\(name).support", problem: "float32 on the CPU is required and not among them")
    }
  }

  // MARK: Texts

  private func parameters(
    of raw: cse_component, kind: ComponentKind, name: String
  ) throws(PluginRefusal) -> [ParameterDeclaration] {
    let field = "\(name).params"
    let text = try optionalText(raw.params, field)
    let parameters: [ParameterDeclaration]
    do {
      parameters = try ParameterGrammar.parse(text)
    } catch {
      throw .descriptor(field: field, problem: "\(error)")
    }
    // The host divides by it and may learn it, so this one name has a fixed meaning.
    if kind == .loss, let temperature = parameters.first(where: { $0.name == "temperature" }) {
      guard temperature.type == .float, (temperature.default.number ?? 0) > 0 else {
        throw .descriptor(field: field, problem: "'temperature' must be a float above 0")
      }
    }
    return parameters
  }

  private func metrics(of raw: cse_component, name: String) throws(PluginRefusal) -> [String] {
    let field = "\(name).metrics"
    let text = try optionalText(raw.metrics, field)
    if text.isEmpty { return [] }
    let names = text.split(separator: ",", omittingEmptySubsequences: false).map { trimmed(String($0)) }
    guard names.count <= DescriptorLimits.metrics else {
      throw .descriptor(field: field, problem: "\(names.count) are more than \(DescriptorLimits.metrics)")
    }
    for (index, metric) in names.enumerated() {
      guard isLibraryID(metric) else {
        throw .descriptor(field: field, problem: "expected names separated by commas, found '\(metric)'")
      }
      if names[..<index].contains(metric) {
        throw .descriptor(field: field, problem: "'\(metric)' appears twice")
      }
    }
    return names
  }

  private func optionalText(_ pointer: UnsafePointer<CChar>?, _ field: String) throws(PluginRefusal) -> String {
    pointer == nil ? "" : try reader.text(pointer, field, limit: DescriptorLimits.text)
  }

  /// Never freed: instances point to it for the rest of the process.
  private func immortalCopy(_ raw: cse_component) -> UnsafePointer<cse_component> {
    let copy = UnsafeMutablePointer<cse_component>.allocate(capacity: 1)
    var value = raw
    value.struct_size = UInt32(MemoryLayout<cse_component>.size)
    copy.initialize(to: value)
    return UnsafePointer(copy)
  }
}
