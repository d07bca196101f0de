// Stop-gradients within a component: what it computes and its gradient takes for a constant.

import PluginAPI

/// A component whose gradient takes something that it computes for a constant. Forward takes that from
/// `Call.constants`; `plugins check` then holds it while it makes differences.
public protocol ConstantHolding: Component {}

extension Call {
  /// The constants of this batch `[rows, columns]`, on the tape, which `plan` must have declared
  /// (`tape(bytes: 4 * rows * columns)`): made by `make`, or as the last call on this batch left them.
  public func constants(rows: Int, columns: Int, _ make: (Matrix) throws -> Void) throws -> Matrix {
    guard let tape else { throw PluginError.invalid("no tape was declared: call tape(bytes:) in plan") }
    let constants = Matrix(tape.assumingMemoryBound(to: Float.self), rows: rows, columns: columns)
    if raw.pointee.flags & UInt32(CSE_HOLD) == 0 { try make(constants) }
    return constants
  }
}
