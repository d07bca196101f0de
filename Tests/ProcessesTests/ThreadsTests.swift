// Threads beside the pool: all of them run, errors come back, values are computed once.

import Glibc
import Processes
import Synchronization
import Testing

@Suite("threads")
struct ThreadsTests {
  private struct Refused: Error {}

  @Test("the body runs on so many threads at once", arguments: [0, 1, 5])
  func counts(count: Int) {
    let arrived = Atomic<Int>(0)
    let ran = Mutex<Set<pthread_t>>([])
    onThreads(count) {
      // Nobody goes on before all are there: one thread that does all of it would wait for ever.
      arrived.add(1, ordering: .sequentiallyConsistent)
      while arrived.load(ordering: .sequentiallyConsistent) < max(1, count) { sched_yield() }
      ran.withLock { _ = $0.insert(pthread_self()) }
    }
    #expect(ran.withLock { $0.count } == max(1, count))
    #expect(ran.withLock { $0.contains(pthread_self()) })
  }

  @Test("another thread is another thread")
  func other() throws {
    var thread: pthread_t?
    onAnotherThread { thread = pthread_self() }
    #expect(thread != nil && thread != pthread_self())
    let shared = Shared()
    try #require(WorkThread { shared.raise() }).join()
    #expect(shared.isRaised)
  }

  private final class Shared: Sendable {
    private let flag = Atomic<Bool>(false)
    func raise() { flag.store(true, ordering: .relaxed) }
    var isRaised: Bool { flag.load(ordering: .relaxed) }
  }

  @Test("a value is computed once and handed to everybody who asks, errors too")
  func background() throws {
    let shared = Shared()
    let value = Background {
      usleep(1000)
      shared.raise()
      return 42
    }
    #expect(try value.value() == 42 && value.value() == 42)
    #expect(shared.isRaised)
    let failing = Background<Int> { throw Refused() }
    #expect(throws: Refused.self) { try failing.value() }
    for _ in 0..<100 { _ = Background { 1 } }
  }
}
