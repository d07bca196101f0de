// The note that a crash report is made of: whose code runs, and in which function. Written before each call into a
// plugin, read by the signal handler of CIsolation.

import CIsolation

/// From now on a crash is `who`'s, in `function`; until `iso_leave` on this thread.
///
/// - Parameters:
///   - who: stays valid until then.
///   - function: a `StaticString`, since a literal passed to C as a pointer lives for that call only.
///   - step: the optimiser step, or -1 outside of one.
package func noteEntry(_ who: UnsafePointer<CChar>?, _ function: StaticString, step: Int64 = -1) {
  iso_enter(who, UnsafeRawPointer(function.utf8Start).assumingMemoryBound(to: CChar.self), step)
}
