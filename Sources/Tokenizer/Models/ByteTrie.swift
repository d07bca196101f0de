// Finds the tokens that begin at a place in the text. Called by WordPieceModel and BytePairModel for every word.

/// A set of byte strings with their ids, as a double-array trie: one load per byte walked.
/// Source: J. Aoe, An Efficient Digital Search Algorithm by Using a Double-Array Structure, 1989.
final class ByteTrie: @unchecked Sendable {
  /// A node stands at `parent's base + byte` and names its parent in `check`.
  private struct Node: BitwiseCopyable {
    var base: Int32 = 0
    var check: Int32 = -1
    var id: Int32 = -1
  }

  /// The node before the first byte.
  static let root: Int32 = 0
  private let nodes: UnsafeMutablePointer<Node>

  /// Builds the trie.
  /// - Parameter strings: pairwise different, none empty, in any order.
  init(_ strings: [(bytes: [UInt8], id: Int32)]) {
    var builder = Builder()
    builder.build(strings.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) })
    nodes = .allocate(capacity: builder.nodes.count)
    nodes.initialize(from: builder.nodes, count: builder.nodes.count)
  }

  deinit { nodes.deallocate() }

  /// The node reached from `node` by `byte`, or a negative number.
  @inline(__always)
  func step(from node: Int32, _ byte: UInt8) -> Int32 {
    let next = nodes[Int(node)].base &+ Int32(byte)
    return nodes[Int(next)].check == node ? next : -1
  }

  /// The id of the string that ends at `node`, or a negative number.
  @inline(__always)
  func id(at node: Int32) -> Int32 { nodes[Int(node)].id }

  /// The node reached by all of `bytes`, or nil.
  func node(after bytes: some Sequence<UInt8>) -> Int32? {
    var node = Self.root
    for byte in bytes {
      node = step(from: node, byte)
      if node < 0 { return nil }
    }
    return node
  }

  /// The id of exactly `word`, or a negative number.
  func id(of word: UnsafeBufferPointer<UInt8>) -> Int32 {
    var node = Self.root
    for byte in word {
      node = step(from: node, byte)
      if node < 0 { return -1 }
    }
    return id(at: node)
  }
}

extension ByteTrie {
  /// Places nodes breadth first, each family of children at the first gap that fits it.
  private struct Builder {
    var nodes = [Node](repeating: Node(), count: 1024)
    // Beyond what base 0 and one byte can reach, so that every free place is open to every byte.
    private var firstFree = 257
    private var familyStart = 257

    private struct Task {
      var node: Int
      var strings: Range<Int>
      var depth: Int
    }

    mutating func build(_ strings: [(bytes: [UInt8], id: Int32)]) {
      nodes[0].check = .max  // taken, and nobody's child
      var queue = [Task(node: 0, strings: strings.indices, depth: 0)]
      var next = 0
      while next < queue.count {
        let task = queue[next]
        next += 1
        queue += place(task, strings)
      }
    }

    /// Gives the children of one node their places.
    private mutating func place(_ task: Task, _ strings: [(bytes: [UInt8], id: Int32)]) -> [Task] {
      var range = task.strings
      if let first = range.first, strings[first].bytes.count == task.depth {
        nodes[task.node].id = strings[first].id
        range = first + 1..<range.upperBound
      }
      var children: [(byte: UInt8, strings: Range<Int>)] = []
      for index in range {
        let byte = strings[index].bytes[task.depth]
        if let last = children.indices.last, children[last].byte == byte {
          children[last].strings = children[last].strings.lowerBound..<index + 1
        } else {
          children.append((byte, index..<index + 1))
        }
      }
      if children.isEmpty { return [] }
      let base = gap(for: children.map { Int($0.byte) })
      nodes[task.node].base = Int32(base)
      return children.map { child in
        nodes[base + Int(child.byte)].check = Int32(task.node)
        return Task(node: base + Int(child.byte), strings: child.strings, depth: task.depth + 1)
      }
    }

    /// A base, at least 1, at which all `bytes` (ascending) fall on free places. Only children fill the first holes;
    /// families look behind the places where such a search lately took long, so that building stays linear.
    private mutating func gap(for bytes: [Int]) -> Int {
      while firstFree < nodes.count, nodes[firstFree].check >= 0 { firstFree += 1 }
      let first = (bytes.count == 1 ? firstFree : max(firstFree, familyStart)) - bytes[0]
      var base = first
      while true {
        // A step from a node may look up to 255 places past its base.
        if base + 256 > nodes.count { nodes += [Node](repeating: Node(), count: nodes.count) }
        if bytes.allSatisfy({ nodes[base + $0].check < 0 }) { break }
        base += 1
      }
      if base - first > 64 { familyStart = base + bytes[0] }
      return base
    }
  }
}
