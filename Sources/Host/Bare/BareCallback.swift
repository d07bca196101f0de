// A C function pointer made at run time, for bare functions that want random numbers from a callback without a context:
// double (*uniform)(void). Made on first use only: libffi needs memory that is writable and executable, which hardened
// systems refuse (then `code` is nil, and the call fails with a reason).

import CFFI
import Glibc
import PluginAPI

/// `cb uniform:f64` or `cb normal:f64`: the next number of the instance's stream for this batch.
/// One call of an instance runs at a time, and the function may use it only on the thread it was called on.
final class BareCallback {
  let role: BareRole
  /// What the function calls.
  private(set) var code: UnsafeMutableRawPointer?
  private var closure: UnsafeMutableRawPointer?
  private let cif: UnsafeMutablePointer<ffi_cif>
  private var call: UnsafePointer<cse_call>?
  private var offset: UInt64 = 0
  private let numbers: UnsafeMutablePointer<Float>
  private static let block = 64

  /// Nil for roles that are no callback.
  init?(_ role: BareRole) {
    guard role == .uniform || role == .normal else { return nil }
    self.role = role
    numbers = .allocate(capacity: Self.block)
    numbers.initialize(repeating: 0, count: Self.block)
    cif = .allocate(capacity: 1)
    cif.initialize(to: ffi_cif())
    guard ffi_prep_cif(cif, FFI_DEFAULT_ABI, 0, cffi_double(), nil) == FFI_OK else { return }
    var code: UnsafeMutableRawPointer?
    guard let closure = ffi_closure_alloc(MemoryLayout<ffi_closure>.size, &code) else { return }
    let status = ffi_prep_closure_loc(
      closure.assumingMemoryBound(to: ffi_closure.self), cif,
      { _, result, _, user in
        guard let result, let user else { return }
        let callback = Unmanaged<BareCallback>.fromOpaque(user).takeUnretainedValue()
        result.storeBytes(of: callback.next(), as: Double.self)
      }, Unmanaged.passUnretained(self).toOpaque(), code)
    guard status == FFI_OK else {
      ffi_closure_free(closure)
      return
    }
    self.closure = closure
    self.code = code
  }

  deinit {
    if let closure { ffi_closure_free(closure) }
    cif.deallocate()
    numbers.deallocate()
  }

  /// Starts a call: the same numbers again for the same batch.
  func begin(_ call: UnsafePointer<cse_call>) {
    self.call = call
    offset = 0
  }

  private func next() -> Double {
    let place = Int(offset % UInt64(Self.block))
    if place == 0, let call {
      let kind = role == .normal ? CSE_NORMAL : CSE_UNIFORM
      call.pointee.host.pointee.random(call, Int32(kind), offset, numbers, Int64(Self.block))
    }
    offset += 1
    return Double(numbers[place])
  }
}
