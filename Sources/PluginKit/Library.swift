// From Swift components to the C descriptors of cse_plugin.h. Everything built here lives as long as the process.

public import PluginAPI

/// A plugin library: what `cse_library_entry_v1` returns.
///
///     private let library = Library(id: "org.example.noise", version: "1.0.0", [Noise()])
///     @c @implementation
///     public func cse_library_entry_v1(_ host: UnsafePointer<cse_host>?) -> UnsafePointer<cse_library>? {
///       library.entry
///     }
public struct Library: @unchecked Sendable {
  /// The descriptor, built once and never freed.
  public let entry: UnsafePointer<cse_library>?

  /// Describes a library.
  /// - Parameters:
  ///   - id: Reverse-DNS name of the library.
  ///   - version: Version of the library.
  ///   - license: SPDX identifier.
  ///   - recipes: Lines such as `mixcse = sampler:mixcse loss:infonce`.
  ///   - components: What it offers.
  public init(
    id: String, version: String, license: String = "MIT", recipes: [String] = [], _ components: [any Component]
  ) {
    let list = UnsafeMutablePointer<UnsafePointer<cse_component>?>.allocate(capacity: components.count)
    for (k, component) in components.enumerated() { list[k] = describe(component) }
    let library = UnsafeMutablePointer<cse_library>.allocate(capacity: 1)
    library.initialize(to: cse_library())
    library.pointee.struct_size = UInt32(MemoryLayout<cse_library>.size)
    library.pointee.abi_major = UInt16(CSE_ABI_MAJOR)
    library.pointee.abi_minor = UInt16(CSE_ABI_MINOR)
    library.pointee.n_components = UInt32(components.count)
    library.pointee.components = UnsafePointer(list)
    library.pointee.id = immortal(id)
    library.pointee.version = immortal(version)
    library.pointee.license = immortal(license)
    library.pointee.recipes = recipes.isEmpty ? nil : immortal(recipes.joined(separator: "\n"))
    entry = UnsafePointer(library)
  }
}

/// A descriptor with the Swift object behind it; the host hands the descriptor back in every call.
private struct Described {
  var component: cse_component
  let object: any Component
  /// The extension `cse.pooling/1` of a pooler that describes itself.
  let pooling: UnsafePointer<cse_pooling_1>?
}

private func describe(_ object: any Component) -> UnsafePointer<cse_component> {
  var parameters: [String] = []
  var metrics: [String] = []
  for child in Mirror(reflecting: object).children {
    let label = snakeCase(child.label ?? "")
    if let parameter = child.value as? Parameter {
      parameter.index = parameters.count
      parameters.append("\(label): \(parameter.declaration) -- \(parameter.text)\n")
    } else if let metric = child.value as? Metric {
      metric.index = metrics.count
      metrics.append(label)
    }
  }
  let described = UnsafeMutablePointer<Described>.allocate(capacity: 1)
  described.initialize(to: Described(component: cse_component(), object: object, pooling: pooling(of: object)))
  return UnsafeRawPointer(described).withMemoryRebound(to: cse_component.self, capacity: 1) { component in
    let descriptor = UnsafeMutablePointer(mutating: component)
    descriptor.pointee.struct_size = UInt32(MemoryLayout<cse_component>.size)
    descriptor.pointee.name = immortal(object.name)
    descriptor.pointee.doc = immortal(object.summary)
    descriptor.pointee.params = immortal(parameters.joined())
    descriptor.pointee.metrics = immortal(metrics.joined(separator: ","))
    fill(descriptor, for: object)
    return component
  }
}

private func fill(_ descriptor: UnsafeMutablePointer<cse_component>, for object: any Component) {
  descriptor.pointee.plan = { call, limits, plan in
    run(call, as: (any Component).self) {
      let limits = Limits(raw: try given(limits))
      try $0.plan($1, limits, Plan(raw: given(plan), limitsSize: Int(limits.raw.pointee.struct_size)))
    }
  }
  if object is any ConstantHolding { descriptor.pointee.claims |= UInt32(CSE_HOLDS) }
  if object is any Stateful {
    descriptor.pointee.commit = { call, batch in
      run(call, as: (any Stateful).self) { try $0.commit($1, batch.map { Batch(raw: $0) }) }
    }
  }
  if object is any Augmenter {
    descriptor.pointee.kind = UInt32(CSE_AUGMENTER)
    descriptor.pointee.augment = { call, edit in
      run(call, as: (any Augmenter).self) { try $0.augment($1, Edit(raw: given(edit))) }
    }
  }
  if object is any Pooler {
    descriptor.pointee.kind = UInt32(CSE_POOLER)
    descriptor.pointee.get_extension = { component, id in
      guard let component, let id, String(cString: id) == CSE_POOLING_1 else { return nil }
      return UnsafeRawPointer(UnsafeRawPointer(component).assumingMemoryBound(to: Described.self).pointee.pooling)
    }
    descriptor.pointee.pool = { call, tokens, out in
      run(call, as: (any Pooler).self) {
        try $0.pool($1, Tokens(raw: given(tokens)), into: Matrix(given(out)))
      }
    }
    descriptor.pointee.pool_backward = { call, tokens, out, gradient in
      run(call, as: (any Pooler).self) {
        try $0.poolBackward($1, Tokens(raw: given(tokens)), out: Matrix(given(out)), gradient: Matrix(given(gradient)))
      }
    }
  }
  if object is any Sampler {
    descriptor.pointee.kind = UInt32(CSE_SAMPLER)
    descriptor.pointee.sample = { call, batch, out in
      run(call, as: (any Sampler).self) {
        try $0.sample($1, Batch(raw: given(batch)), into: Candidates(raw: given(out)))
      }
    }
    descriptor.pointee.sample_backward = { call, batch, gradients in
      run(call, as: (any Sampler).self) {
        try $0.sampleBackward($1, Batch(raw: given(batch))) { k in gradients?[k].map { Matrix($0) } }
      }
    }
  }
  if object is any Loss {
    descriptor.pointee.kind = UInt32(CSE_LOSS)
    descriptor.pointee.on_logits = { call, logits, loss in
      run(call, as: (any Loss).self) { try given(loss).pointee = $0.score($1, Logits(raw: given(logits))) }
    }
  }
  if object is any EmbeddingLoss {
    descriptor.pointee.kind = UInt32(CSE_LOSS)
    descriptor.pointee.on_embeds = { call, batch, loss in
      run(call, as: (any EmbeddingLoss).self) { try given(loss).pointee = $0.score($1, Batch(raw: given(batch))) }
    }
  }
}

/// Finds the object behind a call and turns what it throws into a status with a message.
func run<Kind>(_ call: UnsafePointer<cse_call>?, as kind: Kind.Type, _ body: (Kind, Call) throws -> Void)
  -> cse_status
{
  guard let call else { return cse_status(CSE_E_INTERNAL) }
  do {
    guard let component = call.pointee.component else {
      throw PluginError(status: cse_status(CSE_E_INTERNAL), message: "the host did not say which component it calls")
    }
    let object = UnsafeRawPointer(component).assumingMemoryBound(to: Described.self).pointee.object
    guard let object = object as? Kind else {
      throw PluginError(status: cse_status(CSE_E_INTERNAL), message: "\(object.name) has no such function")
    }
    try body(object, Call(raw: call))
    return cse_status(CSE_OK)
  } catch let error as PluginError {
    return cse_fail(call, error.status, error.message)
  } catch {
    return cse_fail(call, cse_status(CSE_E_INTERNAL), "\(error)")
  }
}

/// The pointer the host must give; its absence is a failure, not a crash.
func given<Pointer>(_ pointer: Pointer?) throws -> Pointer {
  guard let pointer else {
    throw PluginError(status: cse_status(CSE_E_INTERNAL), message: "the host left out an argument")
  }
  return pointer
}

private func immortal(_ text: String) -> UnsafePointer<CChar> {
  let bytes = Array(text.utf8CString)
  let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
  copy.update(from: bytes, count: bytes.count)
  return UnsafePointer(copy)
}
