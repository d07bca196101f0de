// Memory that plugins in processes of their own see, at the same addresses there as here: so every struct and tensor
// the host shows them is passed by its pointer, and nothing is copied. Opened once, by `--isolate` or the first plugin
// in Python, before anything is allocated.

import CIsolation
import Glibc
import Synchronization

/// Who sees a block of memory once plugins run in processes of their own; without isolation all are alike.
package enum Visibility: Sendable {
  /// This process alone.
  case own
  /// Plugins read it; a write there is a fault in the plugin's process.
  case shown
  /// Plugins read and write it.
  case shared
}

/// The two regions of a process that isolates plugins. They stay until its end.
package final class SharedMemory: Sendable {
  /// What another process needs to map a region.
  package struct Place: Sendable, Equatable {
    /// The file descriptor of the memory.
    package let descriptor: Int32
    /// Where it is mapped, the same in every process.
    package let address: UInt
    /// Its size in bytes.
    package let byteCount: Int

    /// A region that exists already, as another process describes it.
    package init(descriptor: Int32, address: UInt, byteCount: Int) {
      self.descriptor = descriptor
      self.address = address
      self.byteCount = byteCount
    }
  }

  /// Why there is no shared memory, with the error number of the system.
  package struct Unavailable: Error, Sendable {
    /// The call that failed.
    package let operation: String
    /// Its `errno`.
    package let code: Int32
  }

  private static let opened = Mutex<SharedMemory?>(nil)
  private static let servedBefore = Atomic<Bool>(false)
  private static let late = Atomic<Bool>(false)
  /// Whether some of what plugins see was allocated before the regions were there, so that no worker can see it.
  package static var isLate: Bool { late.load(ordering: .relaxed) }
  private let shownRegion, sharedRegion: Region
  /// Where workers may read.
  package var shown: Place { shownRegion.place }
  /// Where workers may write as well.
  package var shared: Place { sharedRegion.place }

  private init(shown: Place, shared: Place) {
    shownRegion = Region(shown)
    sharedRegion = Region(shared)
  }

  /// The regions, or nil where nothing is isolated.
  package static var current: SharedMemory? { opened.withLock { $0 } }

  /// Makes the regions, once for the process.
  /// - Throws: `Unavailable`
  package static func open() throws(Unavailable) -> SharedMemory {
    if let current { return current }
    // Either region may take what the machine has; pages cost nothing until they are written.
    let bytes = max(Int(sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))), 1 << 30) & ~0xFFFF
    let memory = SharedMemory(
      shown: try place("mixcse-shown", bytes, candidates: 0x2000_0000_0000),
      shared: try place("mixcse-shared", bytes, candidates: 0x3000_0000_0000))
    opened.withLock { $0 = memory }
    late.store(servedBefore.load(ordering: .relaxed), ordering: .relaxed)
    return memory
  }

  /// A region at an address that is far from where the system puts programs, libraries and heaps, here and in any
  /// worker.
  private static func place(_ name: String, _ byteCount: Int, candidates: UInt) throws(Unavailable) -> Place {
    let descriptor = iso_memory(name, byteCount)
    guard descriptor >= 0 else { throw Unavailable(operation: "memfd_create", code: errno) }
    for attempt in 0..<16 {
      let address = candidates + UInt(attempt) << 40
      if iso_map(descriptor, UnsafeMutableRawPointer(bitPattern: address), byteCount, 1) == 0 {
        return Place(descriptor: descriptor, address: address, byteCount: byteCount)
      }
    }
    throw Unavailable(operation: "mmap", code: errno)
  }

  /// Maps the regions of another process; nothing is allocated there from here.
  /// - Throws: `Unavailable`
  package static func join(shown: Place, shared: Place) throws(Unavailable) {
    for (place, isWritable) in [(shown, Int32(0)), (shared, 1)] {
      let address = UnsafeMutableRawPointer(bitPattern: place.address)
      guard iso_map(place.descriptor, address, place.byteCount, isWritable) == 0 else {
        throw Unavailable(operation: "mmap", code: errno)
      }
      close(place.descriptor)
    }
  }

  /// Whether the address lies where plugins may only read.
  package func isShown(_ address: UInt) -> Bool { shownRegion.contains(address) }

  fileprivate func allocate(_ byteCount: Int, _ visibility: Visibility) -> UnsafeMutableRawPointer {
    guard let memory = (visibility == .shown ? shownRegion : sharedRegion).allocate(byteCount) else {
      OutOfMemory.end(byteCount: byteCount)
    }
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    return memory
  }

  /// Notes that plugins are given memory of this process alone.
  package static func noteOrdinary() { servedBefore.store(true, ordering: .relaxed) }

  /// Whether the block was one of these regions'.
  fileprivate func free(_ memory: UnsafeMutableRawPointer) -> Bool {
    shownRegion.free(memory) || sharedRegion.free(memory)
  }
}

/// One region with its free parts, which only this process knows.
private final class Region: Sendable {
  let place: SharedMemory.Place
  private let blocks: Mutex<FreeBlocks>

  init(_ place: SharedMemory.Place) {
    self.place = place
    blocks = Mutex(FreeBlocks(byteCount: place.byteCount))
  }

  func contains(_ address: UInt) -> Bool {
    address >= place.address && address - place.address < UInt(place.byteCount)
  }

  func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    blocks.withLock { $0.take(byteCount) }.flatMap { UnsafeMutableRawPointer(bitPattern: place.address + UInt($0)) }
  }

  func free(_ memory: UnsafeMutableRawPointer) -> Bool {
    let address = UInt(bitPattern: memory)
    guard contains(address) else { return false }
    blocks.withLock { $0.give(back: Int(address - place.address)) }
    return true
  }
}

/// Zeroed bytes, 64-byte aligned, for those who may see them. Freed by `freeVisible`.
package func allocateVisible(byteCount: Int, _ visibility: Visibility) -> UnsafeMutableRawPointer {
  if visibility != .own, let memory = SharedMemory.current { return memory.allocate(max(byteCount, 1), visibility) }
  if visibility != .own { SharedMemory.noteOrdinary() }
  // As Swift's own allocation, which `deallocate` undoes, but that one ends the program without a word.
  var block: UnsafeMutableRawPointer?
  guard posix_memalign(&block, 64, max(byteCount, 1)) == 0, let memory = block else {
    OutOfMemory.end(byteCount: byteCount)
  }
  memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
  return memory
}

/// Frees what `allocateVisible` gave.
package func freeVisible(_ memory: UnsafeMutableRawPointer) {
  if SharedMemory.current?.free(memory) != true { memory.deallocate() }
}

extension UnsafeMutablePointer {
  /// Room for `capacity` values, each `value`, where plugins see it. For values without references only.
  package static func visible(_ visibility: Visibility, capacity: Int, repeating value: Pointee) -> Self {
    let memory = allocateVisible(byteCount: capacity * MemoryLayout<Pointee>.stride, visibility)
    let pointer = memory.bindMemory(to: Pointee.self, capacity: max(capacity, 1))
    pointer.initialize(repeating: value, count: capacity)
    return pointer
  }

  /// Frees what `visible` gave.
  package func freeVisible() { Kernels.freeVisible(UnsafeMutableRawPointer(self)) }
}

/// A copy of `text` where plugins see it, ended by NUL; one for each text, kept for the life of the process.
package func visibleText(_ text: String) -> UnsafePointer<CChar> { VisibleTexts.pointer(to: text) }

private enum VisibleTexts {
  private struct Entry: @unchecked Sendable { let pointer: UnsafePointer<CChar> }
  private static let known = Mutex<[String: Entry]>([:])

  static func pointer(to text: String) -> UnsafePointer<CChar> {
    known.withLock { known in
      // One from before the regions were there is of no use to a worker.
      if let entry = known[text], SharedMemory.current?.isShown(UInt(bitPattern: entry.pointer)) ?? true {
        return entry.pointer
      }
      let bytes = text.utf8CString
      let copy = UnsafeMutablePointer<CChar>.visible(.shown, capacity: bytes.count, repeating: 0)
      for (index, byte) in bytes.enumerated() { copy[index] = byte }
      known[text] = Entry(pointer: UnsafePointer(copy))
      return UnsafePointer(copy)
    }
  }
}

/// Which parts of a region are free: first fit, neighbours joined. There are some hundred blocks, taken before a run
/// and when a batch is larger than all before it.
struct FreeBlocks: Sendable {
  private var free: [(start: Int, count: Int)]
  private var taken: [Int: Int] = [:]

  init(byteCount: Int) { free = [(0, byteCount)] }

  /// The start of `byteCount` bytes, or nil where there is no room.
  mutating func take(_ byteCount: Int) -> Int? {
    let count = (byteCount + 63) & ~63
    guard let index = free.firstIndex(where: { $0.count >= count }) else { return nil }
    let start = free[index].start
    if free[index].count == count {
      free.remove(at: index)
    } else {
      free[index] = (start + count, free[index].count - count)
    }
    taken[start] = count
    return start
  }

  /// Frees the block that starts there.
  mutating func give(back start: Int) {
    guard let count = taken.removeValue(forKey: start) else { return }
    let index = free.firstIndex { $0.start > start } ?? free.count
    free.insert((start, count), at: index)
    if index + 1 < free.count, free[index].start + free[index].count == free[index + 1].start {
      free[index].count += free[index + 1].count
      free.remove(at: index + 1)
    }
    if index > 0, free[index - 1].start + free[index - 1].count == free[index].start {
      free[index - 1].count += free[index].count
      free.remove(at: index)
    }
  }
}
