// What all handles have in common: calls take turns, a fork is noticed, texts that were handed out stay.

import Glibc
import Synchronization

/// The base of everything that a C caller holds.
class Handle {
  private let process = getpid()
  private let turn = Mutex<Void>(())
  private var texts: [String: UnsafeMutablePointer<CChar>] = [:]

  /// What it is called in messages.
  class var name: String { "handle" }

  deinit { for text in texts.values { free(text) } }

  /// One call at a time.
  /// - Throws: `CallError.forked`, what `body` throws.
  func locked<Value>(_ body: () throws -> Value) throws -> Value {
    guard getpid() == process else { throw CallError.forked(handle: Self.name) }
    var result: Result<Value, any Error>?
    turn.withLock { _ in result = Result { try body() } }
    guard let result else { preconditionFailure("a lock did not run its body") }
    return try result.get()
  }

  /// `text` as C sees it, for as long as the handle lives. Inside of `locked` only.
  func keep(_ text: String) -> UnsafePointer<CChar>? {
    if let known = texts[text] { return UnsafePointer(known) }
    let copy = strdup(text)
    texts[text] = copy
    return UnsafePointer(copy)
  }

  /// Hands the object out; `close` takes it back.
  func open(into out: UnsafeMutablePointer<OpaquePointer?>) {
    out.pointee = OpaquePointer(Unmanaged.passRetained(self).toOpaque())
  }

  /// The object behind a pointer that was handed out.
  /// - Throws: `CallError.argument` for NULL.
  static func at(_ pointer: OpaquePointer?) throws -> Self {
    guard let pointer else { throw CallError.argument(name, expected: "an open handle", found: "NULL") }
    return Unmanaged<Self>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
  }

  /// Gives the object up; nothing for NULL, and nothing in a process that was forked off, whose threads are not there
  /// to be ended.
  static func close(_ pointer: OpaquePointer?) {
    guard let pointer else { return }
    let object = Unmanaged<Self>.fromOpaque(UnsafeRawPointer(pointer))
    if object.takeUnretainedValue().process == getpid() { object.release() }
  }
}

/// A kind of handle that C functions are called with.
protocol Callable: Handle {}

extension Callable {
  /// Calls `body` with the object behind `pointer`, while no other call has it.
  /// - Throws: as `at` and `locked`.
  static func with<Value>(_ pointer: OpaquePointer?, _ body: (Self) throws -> Value) throws -> Value {
    let handle = try at(pointer)
    return try handle.locked { try body(handle) }
  }
}
