// Threads that are not the pool's: for what waits, and for what takes long beside other work. The pool of Kernels is
// for numbers; this is for everything else.

import Glibc
import Synchronization

/// A thread of its own.
package struct WorkThread: Sendable {
  private let thread: pthread_t

  /// Starts `body`; nil where the system grants no further thread.
  package init?(_ body: @escaping @Sendable () -> Void) {
    guard let thread = start(Work(run: body)) else { return nil }
    self.thread = thread
  }

  /// Waits for its end. To be called once, unless `detach` is.
  package func join() { pthread_join(thread, nil) }

  /// Leaves it to itself.
  package func detach() { pthread_detach(thread) }
}

/// Runs `body` on `count` threads at once, the calling one among them, and returns when all are done. Where the system
/// grants fewer, `body` runs fewer times: it has to take its share of the work from something they have in common.
package func onThreads(_ count: Int, _ body: () -> Void) {
  withoutActuallyEscaping(body) { body in
    let work = Work(run: body)
    let started = (1..<max(1, count)).compactMap { _ in start(work) }
    body()
    for thread in started { pthread_join(thread, nil) }
  }
}

/// Runs `body` on another thread and waits for its end; on the calling one where the system grants no other.
package func onAnotherThread(_ body: () -> Void) {
  withoutActuallyEscaping(body) { body in
    if let thread = start(Work(run: body)) { pthread_join(thread, nil) } else { body() }
  }
}

/// A value that is computed on another thread from the moment it is asked for.
package final class Background<Value: Sendable>: Sendable {
  private let result = Mutex<Result<Value, any Error>?>(nil)
  private let thread = Mutex<WorkThread?>(nil)

  /// Begins to compute; on the calling thread where the system grants no other.
  package init(_ body: @escaping @Sendable () throws -> Value) {
    let work: @Sendable () -> Void = { [self] in
      let value = Result { try body() }
      result.withLock { $0 = value }
    }
    if let started = WorkThread(work) { thread.withLock { $0 = started } } else { work() }
  }

  // The thread holds the object, so that it may be the one that lets go of it.
  deinit { thread.withLock { $0?.detach() } }

  /// Waits for the value.
  /// - Throws: what computing it threw.
  package func value() throws -> Value {
    // Whoever asks meanwhile waits for the lock.
    thread.withLock { thread in
      thread?.join()
      thread = nil
    }
    guard let found = result.withLock({ $0 }) else { preconditionFailure("the work ended without a result") }
    return try found.get()
  }
}

/// A closure that a thread can carry.
private final class Work {
  let run: () -> Void
  init(run: @escaping () -> Void) { self.run = run }
}

private func start(_ work: Work) -> pthread_t? {
  var thread = pthread_t()
  let context = Unmanaged.passRetained(work)
  let code = pthread_create(&thread, nil, runWork, context.toOpaque())
  if code == 0 { return thread }
  context.release()
  return nil
}

private func runWork(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let context else { return nil }
  Unmanaged<Work>.fromOpaque(context).takeRetainedValue().run()
  return nil
}
