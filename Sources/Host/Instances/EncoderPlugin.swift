// An encoder plugin at work: every call into it, with what it says of failures. Made from a component of kind 4 for
// each run; Objective.PluginEncoder makes a SentenceEncoder of it.

package import PluginAPI
import PluginGrammar
package import PluginLoading

/// An encoder plugin failed, or cannot do what it is asked for.
package struct EncoderFailure: Error, CustomStringConvertible, Sendable {
  /// `library.id.name` of the component.
  package let component: String
  /// The function of the header that was called.
  package let function: String
  /// What the plugin says: what was expected, what was found, what to do.
  package let message: String

  /// A failure of `component` in the function `function`.
  package init(component: String, function: String, message: String) {
    (self.component, self.function, self.message) = (component, function, message)
  }

  /// Who, where, what.
  package var description: String { "encoder \(component), \(function): \(message)" }
  /// 69: a plugin cannot be had or failed.
  package var exitCode: Int32 { 69 }
}

/// An opened encoder of a plugin.
package final class EncoderPlugin {
  /// What a pass reads: token ids, where sequences begin, which hidden states are wanted.
  package struct Pass {
    /// [T] ids that the encoder's vocabulary has.
    package var tokens: [Int32]
    /// [S + 1], from 0 to T.
    package var offsets: [Int]
    /// 0 for the embeddings, k for layer k.
    package var layers: [Int]
    /// A row for each sequence, its first token, in place of one for each token.
    package var firstTokenOnly: Bool
    /// Probabilities; 0 is off.
    package var hiddenDropout, attentionDropout: Float
    /// What dropout is keyed by.
    package var batch: UInt64
    /// A backward follows.
    package var isKept: Bool

    /// A pass by its parts.
    package init(
      tokens: [Int32], offsets: [Int], layers: [Int], firstTokenOnly: Bool, hiddenDropout: Float,
      attentionDropout: Float, batch: UInt64, isKept: Bool
    ) {
      (self.tokens, self.offsets, self.layers, self.firstTokenOnly) = (tokens, offsets, layers, firstTokenOnly)
      (self.hiddenDropout, self.attentionDropout) = (hiddenDropout, attentionDropout)
      (self.batch, self.isKept) = (batch, isKept)
    }
  }

  /// A tensor as the plugin declares it.
  package struct TensorFacts: Equatable, Sendable {
    /// Hugging Face's name without a prefix.
    package let name: String
    /// Extents, outermost first.
    package let shape: [Int]
    /// Weight decay applies to it.
    package let decays: Bool

    /// A tensor by its facts.
    package init(name: String, shape: [Int], decays: Bool) {
      (self.name, self.shape, self.decays) = (name, shape, decays)
    }
  }

  /// What runs it.
  package let component: PluginComponent
  /// Its tensors, in its order.
  package private(set) var tensors: [TensorFacts] = []
  /// What it computes on, and with: "NVIDIA H100 80GB HBM3", "torch 2.11.0".
  package private(set) var deviceName = "", libraryName = ""
  /// Dropout masks are those of the host's own encoder.
  package private(set) var hasExactDropout = false
  /// The same call gives the same bytes.
  package private(set) var isRepeatable = false

  private let functions: cse_encoder_1
  private var handle: OpaquePointer?
  private let message = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CSE_MESSAGE_BYTES))

  /// Opens the encoder; its tensors are zero.
  /// - Parameters:
  ///   - host: the table its library was entered with.
  ///   - source: sizes, device and precision; `struct_size` and `device` are filled in here.
  /// - Throws: `EncoderFailure`, `PluginRefusal` where its table cannot be used.
  package init(
    _ component: PluginComponent, host: UnsafePointer<cse_host>?, source: cse_encoder_source, device: String
  ) throws {
    self.component = component
    functions = try Self.table(of: component)
    message.initialize(repeating: 0, count: Int(CSE_MESSAGE_BYTES))
    var source = source
    source.struct_size = UInt32(MemoryLayout<cse_encoder_source>.size)
    var facts = cse_encoder_facts()
    facts.struct_size = UInt32(MemoryLayout<cse_encoder_facts>.size)
    try device.withCString { text in
      source.device = text
      try check("open", functions.open(host, &source, &handle, &facts, message))
    }
    tensors = (0..<Int(facts.n_tensors)).map { index in
      let tensor = facts.tensors[index]
      let shape = [Int(tensor.shape.0), Int(tensor.shape.1)]
      return TensorFacts(
        name: String(cString: tensor.name), shape: Array(shape.prefix(Int(tensor.ndim))),
        decays: tensor.flags & UInt32(CSE_NO_DECAY) == 0)
    }
    deviceName = String(cString: facts.device_name)
    libraryName = String(cString: facts.library)
    hasExactDropout = facts.flags & UInt32(CSE_EXACT_DROPOUT) != 0
    isRepeatable = facts.flags & UInt32(CSE_REPEATABLE) != 0
  }

  deinit {
    if let handle { functions.close(handle) }
    message.deallocate()
  }

  /// The functions of a component of kind 4, checked.
  private static func table(of component: PluginComponent) throws -> cse_encoder_1 {
    guard component.place == nil, let find = component.pointer.pointee.get_extension,
      let address = find(component.declared, CSE_ENCODER_1)
    else {
      throw EncoderFailure(
        component: component.id, function: "get_extension",
        message: "expected the table \(CSE_ENCODER_1) in this process, found none")
    }
    let reader = try DescriptorReader()
    let size = MemoryLayout<cse_encoder_1>.size
    let field = "\(component.name): \(CSE_ENCODER_1)"
    let table = try reader.structure(
      cse_encoder_1(), at: UInt(bitPattern: address), smallest: size, field: field)
    let addresses = withUnsafeBytes(of: table) { bytes in
      stride(from: 8, to: size, by: 8).map { bytes.loadUnaligned(fromByteOffset: $0, as: UInt.self) }
    }
    guard addresses.allSatisfy(reader.code.contains) else {
      throw PluginRefusal.descriptor(field: field, problem: "a function of it points to where no code is")
    }
    return table
  }

  private func check(_ function: String, _ status: cse_status?) throws {
    guard status != cse_status(CSE_OK) else { return }
    let text = String(cString: message)
    throw EncoderFailure(
      component: component.id, function: function,
      message: text.isEmpty ? "it failed with status \(status ?? -1) and gave no reason" : text)
  }

  // MARK: Calls

  /// Writes the hidden states wanted, [T or S, hidden] each, in full.
  package func encode(_ pass: Pass, into targets: [UnsafeMutablePointer<Float>]) throws {
    let offsets = pass.offsets.map(Int64.init)
    let layers = pass.layers.map(Int32.init)
    var raw = cse_pass()
    raw.struct_size = UInt32(MemoryLayout<cse_pass>.size)
    raw.flags = pass.isKept ? UInt32(CSE_KEEP) : 0
    raw.n_seqs = Int64(pass.offsets.count - 1)
    raw.n_tokens = Int64(pass.tokens.count)
    raw.n_layers = UInt32(pass.layers.count)
    raw.rows = UInt32(pass.firstTokenOnly ? CSE_ROWS_FIRST : CSE_ROWS_ALL)
    (raw.hidden_dropout, raw.attention_dropout) = (Double(pass.hiddenDropout), Double(pass.attentionDropout))
    raw.batch = pass.batch
    let out = targets.map { Optional($0) }
    try pass.tokens.withUnsafeBufferPointer { tokens in
      try offsets.withUnsafeBufferPointer { offsets in
        try layers.withUnsafeBufferPointer { layers in
          (raw.token_ids, raw.offsets, raw.layers) = (tokens.baseAddress, offsets.baseAddress, layers.baseAddress)
          try check("encode", functions.encode(handle, &raw, out, message))
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
