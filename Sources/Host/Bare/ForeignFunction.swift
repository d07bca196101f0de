// A C function with its libffi description, prepared once when the library is loaded. Called by BareInvocation.
// Source: libffi 3.4, doc/libffi.texi: a cif is prepared by one thread and then only read; types outlive it.

import CFFI
import Glibc
import PluginLoading

/// A function pointer and how to pass arguments to it. Never freed: plugins stay loaded for the life of the process.
package final class ForeignFunction: @unchecked Sendable {
  /// What it takes and returns.
  package let signature: BareSignature
  let cif: UnsafeMutablePointer<ffi_cif>
  private let address: @convention(c) () -> Void

  /// - Throws: `PluginRefusal.functions` where libffi knows no way to call it.
  init(_ signature: BareSignature, address: UnsafeMutableRawPointer) throws(PluginRefusal) {
    self.signature = signature
    self.address = unsafeBitCast(address, to: (@convention(c) () -> Void).self)
    let count = signature.slots.count
    let types = UnsafeMutablePointer<UnsafeMutablePointer<ffi_type>?>.allocate(capacity: max(count, 1))
    for (index, slot) in signature.slots.enumerated() { (types + index).initialize(to: Self.type(of: slot)) }
    cif = .allocate(capacity: 1)
    cif.initialize(to: ffi_cif())
    let result = signature.declaration.result.scalar.map(Self.type) ?? cffi_void()
    let status = ffi_prep_cif(cif, FFI_DEFAULT_ABI, UInt32(count), result, types)
    guard status == FFI_OK else {
      throw .functions(
        origin: signature.declaration.symbol, problem: "libffi cannot call it (status \(status.rawValue))")
    }
  }

  /// Calls the function. `arguments`: a pointer to each value; `result`: at least 8 bytes.
  @inline(__always)
  func call(
    _ arguments: UnsafeMutablePointer<UnsafeMutableRawPointer?>, result: UnsafeMutableRawPointer
  ) {
    ffi_call(cif, address, result, arguments)
  }

  private static func type(of slot: BareSlot) -> UnsafeMutablePointer<ffi_type>? {
    slot.argument.isArray || slot.direction == .cb ? cffi_pointer() : type(slot.argument.type)
  }

  static func type(_ scalar: BareScalar) -> UnsafeMutablePointer<ffi_type>? {
    switch scalar {
    case .f32: cffi_float()
    case .f64: cffi_double()
    case .i32: cffi_sint32()
    case .i64: cffi_sint64()
    case .u32: cffi_uint32()
    case .u64, .size: cffi_uint64()
    case .u8, .bool: cffi_uint8()
    case .cstr: cffi_pointer()
    }
  }
}

/// The number in a result slot, which libffi widens to a whole register for integers (but not for floats).
func resultNumber(_ slot: UnsafeMutableRawPointer, _ type: BareScalar) -> Double {
  switch type {
  case .f32: Double(slot.load(as: Float.self))
  case .f64: slot.load(as: Double.self)
  case .i32: Double(Int32(truncatingIfNeeded: slot.load(as: Int.self)))
  case .u32: Double(UInt32(truncatingIfNeeded: slot.load(as: Int.self)))
  case .u8: Double(UInt8(truncatingIfNeeded: slot.load(as: Int.self)))
  case .bool: slot.load(as: UInt8.self) == 0 ? 0 : 1
  case .i64: Double(slot.load(as: Int64.self))
  case .u64, .size: Double(slot.load(as: UInt64.self))
  case .cstr: 0
  }
}
