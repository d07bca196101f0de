// States of whole numbers: what is counted from batch to batch, exactly and without end.

import PluginAPI

extension Plan {
  /// Declares a state of `count` whole numbers, 0 at first: kept by the host, written in `commit` only, saved with
  /// every checkpoint. States are numbered in the order of their declaration, whatever they hold.
  public func counters(_ name: StaticString, count: Int = 1) throws {
    var state = try declaration(name, [count])
    state.dtype = DLDataType(code: 0, bits: 64, lanes: 1)
    try add(state)
  }
}

extension Call {
  /// State `k`, declared by `counters`; to be written in `commit` only.
  public func counters(_ k: Int) throws -> UnsafeMutableBufferPointer<Int64> {
    guard let tensor = raw.pointee.states?[k], let data = tensor.pointee.data, tensor.pointee.dtype.bits == 64 else {
      throw PluginError.invalid("state \(k) is none of whole numbers")
    }
    return UnsafeMutableBufferPointer(
      start: data.assumingMemoryBound(to: Int64.self), count: Int(tensor.pointee.shape[0]))
  }
}
