// A graph of near neighbours in memory: calls of the library behind cse_graph.h. Used by SentenceGraph.

import CKernels
import GraphAPI
import Kernels

/// Rows in bytes with links between near ones. `nearest` may be called from several threads at once, the rest not.
final class NeighbourGraph: @unchecked Sendable {
  let shape: GraphShape
  private(set) var rows = 0
  private let library: GraphLibrary
  private let handle: OpaquePointer
  private let elementSize: Int
  /// The width of vectors, where the function of distances finds it.
  private let context: UnsafeMutablePointer<Int64>

  /// An empty graph.
  /// - Parameters:
  ///   - width: of vectors.
  ///   - capacity: rows at most.
  /// - Throws: `SearchError.graphMemory`.
  init(_ library: GraphLibrary, width: Int, capacity: Int, _ shape: GraphShape) throws {
    (self.library, self.shape, elementSize) = (library, shape, GraphElements.size(width: width))
    context = .allocate(capacity: 1)
    context.initialize(to: Int64(width))
    var space = cse_graph_space(
      element_bytes: Int64(elementSize), distance: ck_code_distance, context: UnsafeRawPointer(context))
    guard
      let handle = library.functions.pointee.create(
        &space, Int64(capacity), Int32(shape.links), Int32(shape.buildWidth))
    else {
      context.deallocate()
      throw SearchError.graphMemory(rows: capacity)
    }
    self.handle = handle
  }

  deinit {
    library.functions.pointee.close(handle)
    context.deallocate()
  }

  /// Adds elements and links them.
  /// - Throws: `SearchError.graphMemory`
  func append(_ elements: UnsafeRawBufferPointer, pool: ThreadPool) throws {
    let count = elements.count / elementSize
    let failed = withExtendedLifetime(pool) {
      let threads = cse_graph_threads(
        run: { pool, count, body, argument in
          guard let pool, let body else { return }
          Unmanaged<ThreadPool>.fromOpaque(pool).takeUnretainedValue().parallelFor(Int(count), grain: 1) { range, _ in
            for index in range { body(argument, Int64(index)) }
          }
        }, pool: Unmanaged.passUnretained(pool).toOpaque())
      return library.functions.pointee.append(handle, elements.baseAddress, Int64(count), threads) != 0
    }
    guard !failed else { throw SearchError.graphMemory(rows: rows + count) }
    rows += count
  }

  /// Adds elements with the links they had.
  /// - Parameter lists: as `lists` gave them, checked.
  /// - Throws: `SearchError.graphMemory`
  func restore(_ elements: UnsafeRawBufferPointer, _ lists: UnsafePointer<UInt32>) throws {
    let count = elements.count / elementSize
    guard library.functions.pointee.restore(handle, elements.baseAddress, Int64(count), lists) == 0 else {
      throw SearchError.graphMemory(rows: rows + count)
    }
    rows += count
  }

  /// How many numbers the lists of rows are.
  func listSize(_ range: Range<Int>) -> Int {
    Int(library.functions.pointee.lists(handle, Int64(range.lowerBound), Int64(range.count), nil))
  }

  /// Levels and links of rows: for each its level, and for each level from 0 up to it their number and they.
  func lists(_ range: Range<Int>) -> [UInt32] {
    let size = listSize(range)
    return [UInt32](unsafeUninitializedCapacity: size) { buffer, filled in
      _ = library.functions.pointee.lists(handle, Int64(range.lowerBound), Int64(range.count), buffer.baseAddress)
      filled = size
    }
  }

  /// Up to `width` rows that are near an element, in no order.
  /// - Throws: `SearchError.graphMemory`
  func nearest(to element: UnsafeRawPointer, width: Int) throws -> [Int] {
    var count: Int64 = 0
    let found = [Int64](unsafeUninitializedCapacity: width) { buffer, filled in
      count = library.functions.pointee.nearest(handle, element, Int64(width), buffer.baseAddress)
      filled = max(0, Int(count))
    }
    guard count >= 0 else { throw SearchError.graphMemory(rows: rows) }
    return found.map { Int($0) }
  }
}
