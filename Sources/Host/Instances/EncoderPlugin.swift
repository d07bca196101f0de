// An encoder plugin at work: every call into it, with what it says of failures. Made from a component of kind 4 for
// each run; Objective.PluginEncoder makes a SentenceEncoder of it.

package import PluginAPI
import PluginGrammar
package import PluginLoading

/// An opened encoder of a plugin.
package final class EncoderPlugin: EncoderCalls {
  /// What runs it.
  package let component: PluginComponent
  /// What it says of itself.
  package let facts: EncoderFacts
  /// The component's.
  package var name: String { component.id }

  private let functions: cse_encoder_1
  /// Nil where it knows no other encoders.
  let groupFunctions: cse_encoder_group_1?
  /// Nil where it learns from hidden states alone.
  let maskedFunctions: cse_encoder_masked_1?
  private(set) var handle: OpaquePointer?
  let message = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CSE_MESSAGE_BYTES))

  /// Opens the encoder; its tensors are zero.
  /// - Parameters:
  ///   - host: the table its library was entered with.
  ///   - source: sizes, device and precision; `struct_size`, `device` and `local_layers` are filled in here.
  ///   - localLayers: by layer 1 where tokens see only those near them.
  /// - Throws: `EncoderFailure`, `PluginRefusal` where its table cannot be used.
  package init(
    _ component: PluginComponent, host: UnsafePointer<cse_host>?, source: cse_encoder_source, device: String,
    localLayers: [UInt8]
  ) throws {
    self.component = component
    let functions = try Self.functions(of: component)
    self.functions = functions
    groupFunctions = try Self.table(cse_encoder_group_1(), CSE_ENCODER_GROUP_1, of: component)
    maskedFunctions = try Self.masked(component)
    message.initialize(repeating: 0, count: Int(CSE_MESSAGE_BYTES))
    var source = source
    source.struct_size = UInt32(MemoryLayout<cse_encoder_source>.size)
    var said = cse_encoder_facts()
    said.struct_size = UInt32(MemoryLayout<cse_encoder_facts>.size)
    let room = message
    var opened: OpaquePointer?
    let status: cse_status? = device.withCString { text in
      localLayers.withUnsafeBufferPointer { layers -> cse_status? in
        (source.device, source.local_layers) = (text, layers.baseAddress)
        return functions.open(host, &source, &opened, &said, room)
      }
    }
    handle = opened
    facts = status == cse_status(CSE_OK) ? EncoderFacts(said) : .none
    try check("open", status)
  }

  deinit {
    if let handle { functions.close(handle) }
    message.deallocate()
  }

  /// Whether a component says that it computes encoders of a family: `CSE_BERT` ...
  /// - Throws: as `init`.
  package static func computes(_ family: UInt32, _ component: PluginComponent) throws -> Bool {
    let families = try functions(of: component).families
    return families == 0 ? family <= UInt32(CSE_BERT_LIKE) : families & 1 << family != 0
  }

  private static func functions(of component: PluginComponent) throws -> cse_encoder_1 {
    guard let functions = try table(cse_encoder_1(), CSE_ENCODER_1, of: component) else {
      throw EncoderFailure(
        component: component.id, function: "get_extension",
        message: "expected the table \(CSE_ENCODER_1) in this process, found none")
    }
    return functions
  }

  /// The functions of an extension of a component, checked; nil where it has none of this id.
  /// - Parameter empty: the table of zeros, of nothing but functions behind eight bytes.
  static func table<Table>(_ empty: Table, _ id: String, of component: PluginComponent) throws -> Table? {
    guard component.place == nil, let find = component.pointer.pointee.get_extension,
      let address = find(component.declared, id)
    else { return nil }
    let reader = try DescriptorReader()
    let size = MemoryLayout<Table>.size
    let field = "\(component.name): \(id)"
    let table = try reader.structure(empty, at: UInt(bitPattern: address), smallest: size, field: field)
    let addresses = withUnsafeBytes(of: table) { bytes in
      stride(from: 8, to: size, by: 8).map { bytes.loadUnaligned(fromByteOffset: $0, as: UInt.self) }
    }
    guard addresses.allSatisfy(reader.code.contains) else {
      throw PluginRefusal.descriptor(field: field, problem: "a function of it points to where no code is")
    }
    return table
  }

  func check(_ function: String, _ status: cse_status?) throws {
    guard status != cse_status(CSE_OK) else { return }
    let text = String(cString: message)
    throw EncoderFailure(
      component: component.id, function: function,
      message: text.isEmpty ? "it failed with status \(status ?? -1) and gave no reason" : text)
  }

  // MARK: Calls

  /// Writes the hidden states wanted, [T or S, hidden] each, in full.
  package func encode(_ pass: EncoderPass, into targets: [UnsafeMutablePointer<Float>]) throws {
    let out = targets.map { Optional($0) }
    try with(pass) { raw in try check("encode", functions.encode(handle, &raw, out, message)) }
  }

  /// Calls `body` with the header's struct of a pass.
  func with<Result>(_ pass: EncoderPass, _ body: (inout cse_pass) throws -> Result) rethrows -> Result {
    let offsets = pass.offsets.map(Int64.init)
    let (layers, firstRows) = (pass.layers.map(Int32.init), pass.firstRows)
    var raw = pass.raw
    return try pass.tokens.withUnsafeBufferPointer { tokens in
      try offsets.withUnsafeBufferPointer { offsets in
        try layers.withUnsafeBufferPointer { layers in
          try firstRows.withUnsafeBufferPointer { firstRows in
            (raw.token_ids, raw.offsets, raw.layers) = (tokens.baseAddress, offsets.baseAddress, layers.baseAddress)
            raw.first_rows = firstRows.isEmpty ? nil : firstRows.baseAddress
            return try body(&raw)
          }
        }
      }
    }
  }

  /// Adds what the gradients of the last kept pass's hidden states cause.
  package func backward(_ gradients: [UnsafeMutablePointer<Float>]) throws {
    try check(
      "encode_backward",
      functions.encode_backward(handle, 0, gradients.map { Optional(UnsafePointer($0)) }, message))
  }

  /// The sum of squares of all gradients.
  package func squaredGradientNorm() throws -> Double {
    var sum = 0.0
    try check("gradient_norm", functions.gradient_norm(handle, &sum, message))
    return sum
  }

  /// Moves all tensors.
  package func step(_ settings: cse_adamw) throws {
    var settings = settings
    settings.struct_size = UInt32(MemoryLayout<cse_adamw>.size)
    try check("step", functions.step(handle, &settings, message))
  }

  /// Sets all gradients to zero, and drops what was kept.
  package func clearGradients() throws { try check("clear_gradients", functions.clear_gradients(handle, message)) }

  /// Copies a whole tensor here; `what`: `CSE_WEIGHT` ...
  package func get(_ what: Int, of tensor: Int, into target: UnsafeMutablePointer<Float>) throws {
    try check("get", functions.get(handle, UInt32(tensor), Int32(what), target, message))
  }

  /// Copies a whole tensor there.
  package func put(_ what: Int, of tensor: Int, from source: UnsafePointer<Float>) throws {
    try check("put", functions.put(handle, UInt32(tensor), Int32(what), source, message))
  }

  /// Bytes of the device taken at most; 0: not known.
  package var peakMemory: UInt64 { functions.peak_memory(handle) }
}

extension EncoderFacts {
  /// Of an encoder that did not open.
  fileprivate static let none = EncoderFacts(
    tensors: [], deviceName: "", libraryName: "", deviceID: "", hasExactDropout: false)

  fileprivate init(_ facts: cse_encoder_facts) {
    let tensors = (0..<Int(facts.n_tensors)).map { index in
      let tensor = facts.tensors[index]
      let shape = [Int(tensor.shape.0), Int(tensor.shape.1)]
      return EncoderTensor(
        name: String(cString: tensor.name), shape: Array(shape.prefix(Int(tensor.ndim))),
        decays: tensor.flags & UInt32(CSE_NO_DECAY) == 0)
    }
    self.init(
      tensors: tensors, deviceName: String(cString: facts.device_name), libraryName: String(cString: facts.library),
      deviceID: facts.device_id.map { String(cString: $0) } ?? "",
      hasExactDropout: facts.flags & UInt32(CSE_EXACT_DROPOUT) != 0)
  }
}
