// The C functions of mixcse_objective. What they do, mixcse.h says.

import Host
public import LibraryAPI

@c @implementation
public func mixcse_objective_open(
  _ context: OpaquePointer?, _ options: UnsafePointer<mixcse_objective_options>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    let out = try Argument.pointer(out, "out")
    out.pointee = nil
    let options = try Argument.structure(options, mixcse_objective_options(), "options")
    // A registry takes one question at a time.
    try Context.with(context) { try ObjectiveHandle(options, in: $0).open(into: out) }
  }
}

@c @implementation
public func mixcse_objective_close(_ objective: OpaquePointer?) { ObjectiveHandle.close(objective) }

@c @implementation
public func mixcse_objective_text(_ objective: OpaquePointer?) -> UnsafePointer<CChar>? {
  attempt(or: nil) { try ObjectiveHandle.with(objective) { $0.keep($0.strategy.text) } }
}

@c @implementation
public func mixcse_objective_evaluate(
  _ objective: OpaquePointer?, _ batch: UnsafePointer<mixcse_batch>?, _ loss: UnsafeMutablePointer<Double>?
) -> Int32 {
  attempt {
    let loss = try Argument.pointer(loss, "loss")
    loss.pointee = .nan
    let batch = try Argument.structure(batch, mixcse_batch(), "batch")
    loss.pointee = try ObjectiveHandle.with(objective) { try $0.evaluate(batch) }
  }
}

@c @implementation
public func mixcse_objective_commit(_ objective: OpaquePointer?) -> Int32 {
  attempt { try ObjectiveHandle.with(objective) { try $0.commit() } }
}

@c @implementation
public func mixcse_objective_set(
  _ objective: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafePointer<CChar>?
) -> Int32 {
  attempt {
    let name = try Argument.text(name, "name")
    let value = String(cString: try Argument.pointer(value, "value"))
    try ObjectiveHandle.with(objective) { try $0.set(name, to: value) }
  }
}

@c @implementation
public func mixcse_objective_count(_ objective: OpaquePointer?, _ what: Int32) -> Int64 {
  attempt(or: -1) { try ObjectiveHandle.with(objective) { Int64(try $0.count(of: Contents(number: what))) } }
}

@c @implementation
public func mixcse_objective_tensor(
  _ objective: OpaquePointer?, _ what: Int32, _ index: Int64, _ out: UnsafeMutablePointer<mixcse_tensor>?
) -> Int32 {
  attempt {
    try ObjectiveHandle.with(objective) {
      try Argument.fill(out, with: $0.description(Contents(number: what), index), "out")
    }
  }
}

@c @implementation
public func mixcse_objective_read(
  _ objective: OpaquePointer?, _ what: Int32, _ index: Int64, _ to: UnsafeMutableRawPointer?, _ byteCount: Int64
) -> Int32 {
  attempt {
    try ObjectiveHandle.with(objective) {
      try $0.read(Contents(number: what), index, to: Argument.pointer(to, "to"), byteCount: byteCount)
    }
  }
}

@c @implementation
public func mixcse_objective_write(
  _ objective: OpaquePointer?, _ what: Int32, _ index: Int64, _ from: UnsafeRawPointer?, _ byteCount: Int64
) -> Int32 {
  attempt {
    try ObjectiveHandle.with(objective) {
      try $0.write(Contents(number: what), index, from: Argument.pointer(from, "from"), byteCount: byteCount)
    }
  }
}

@c @implementation
public func mixcse_objective_metric(
  _ objective: OpaquePointer?, _ index: Int64, _ name: UnsafeMutablePointer<UnsafePointer<CChar>?>?,
  _ value: UnsafeMutablePointer<Double>?
) -> Int32 {
  attempt {
    let (name, value) = (try Argument.pointer(name, "name"), try Argument.pointer(value, "value"))
    (name.pointee, value.pointee) = try ObjectiveHandle.with(objective) { try $0.metric(index) }
  }
}

@c @implementation
public func mixcse_objective_block(
  _ objective: OpaquePointer?, _ index: Int64, _ out: UnsafeMutablePointer<mixcse_block>?
) -> Int32 {
  attempt { try ObjectiveHandle.with(objective) { try Argument.fill(out, with: $0.block(index), "out") } }
}

@c @implementation
public func mixcse_objective_encoding(
  _ objective: OpaquePointer?, _ index: Int64, _ out: UnsafeMutablePointer<mixcse_encoding>?
) -> Int32 {
  attempt { try ObjectiveHandle.with(objective) { try Argument.fill(out, with: $0.encoding(index), "out") } }
}
