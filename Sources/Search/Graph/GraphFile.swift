// graph.bin: the links of a graph, without its rows, which lie in the index. What is read is checked number by number:
// the library that follows the links believes them.
//
//   16 bytes   "mixcse graph 1\n\0"
//   uint64     rows; how many numbers the lists are
//   uint32     width of vectors; links (M); build width (efConstruction); 0
//   32 bytes   SHA-256 of the rows in bytes, as GraphElements has them
//   uint32     the lists: for each row its level, for each level from 0 up to it the number of links and the rows
//   32 bytes   SHA-256 of all before
//
// Numbers are little-endian, as this program's machines are.

import Files

/// A graph's file, read and checked.
struct GraphFile {
  static let name = "graph.bin"
  private static let magic = Array("mixcse graph 1\n".utf8) + [0]
  private static let headSize = 80, digestSize = 32
  /// Far above any level that is drawn.
  private static let highestLevel = 63

  let path: String
  let rows: Int
  let width: Int
  let shape: GraphShape
  /// Of the rows in bytes.
  let digest: [UInt8]
  private let lists: [UInt8]
  /// Where the lists of each block of rows begin, in numbers.
  private var starts: [Int] = []

  /// - Throws: `FileError`
  init(path: String) throws {
    self.path = path
    let file = try InputFile(path: path, expected: "the graph of an index")
    guard file.size >= Self.headSize + Self.digestSize else {
      throw Self.broken(path, "at least \(Self.headSize + Self.digestSize) bytes", "\(file.size)")
    }
    let head = try file.bytes(at: 0, count: Self.headSize)
    guard head.starts(with: Self.magic) else { throw Self.broken(path, "a graph of this version", "something else") }
    func number<Number: FixedWidthInteger>(_ offset: Int, _ type: Number.Type) -> Int {
      Int(truncatingIfNeeded: head.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Number.self) })
    }
    (rows, width) = (number(16, UInt64.self), number(32, UInt32.self))
    shape = GraphShape(links: number(36, UInt32.self), buildWidth: number(40, UInt32.self))
    digest = Array(head[48..<80])
    let count = number(24, UInt64.self)
    guard rows >= 1, rows < 1 << 31, count >= 2 * rows, count < 1 << 50, shape.problem == nil,
      file.size == Self.headSize + 4 * count + Self.digestSize
    else {
      throw Self.broken(path, "\(rows) rows in \(count) numbers", "\(file.size) bytes")
    }
    lists = try file.bytes(at: Self.headSize, count: 4 * count)
    var hash = SHA256()
    head.withUnsafeBytes { hash.update($0) }
    lists.withUnsafeBytes { hash.update($0) }
    guard try file.bytes(at: file.size - Self.digestSize, count: Self.digestSize) == hash.finish() else {
      throw Self.broken(path, "the bytes that were written (by their SHA-256)", "others")
    }
    starts = try checkedStarts()
  }

  /// Writes the graph of all rows as a whole.
  /// - Throws: `FileError.cannotWrite`
  static func write(_ graph: NeighbourGraph, width: Int, digest: [UInt8], to path: String) throws {
    let count = graph.listSize(0..<graph.rows)
    var head = magic
    for number in [graph.rows, count] { head += bytes(UInt64(number)) }
    for number in [width, graph.shape.links, graph.shape.buildWidth, 0] { head += bytes(UInt32(number)) }
    head += digest
    var hash = SHA256()
    try AtomicFile.write(to: path) { file in
      func put(_ bytes: UnsafeRawBufferPointer) throws {
        hash.update(bytes)
        try file.write(bytes)
      }
      try head.withUnsafeBytes(put)
      for first in stride(from: 0, to: graph.rows, by: GraphElements.rowsAtOnce) {
        let range = first..<min(first + GraphElements.rowsAtOnce, graph.rows)
        try graph.lists(range).withUnsafeBytes(put)
      }
      try file.write(hash.finish())
    }
  }

  /// The lists of the rows from `row` on, which begins a block.
  func withLists<Result>(from row: Int, _ body: (UnsafePointer<UInt32>) throws -> Result) throws -> Result {
    try withNumbers { numbers in
      guard let start = numbers.baseAddress else { throw Self.broken(path, "lists", "none") }
      return try body(start + starts[row / GraphElements.rowsAtOnce])
    }
  }

  private func withNumbers<Result>(_ body: (UnsafeBufferPointer<UInt32>) throws -> Result) rethrows -> Result {
    // The memory of an array is aligned for any number.
    try lists.withUnsafeBytes { try body($0.bindMemory(to: UInt32.self)) }
  }

  /// Looks at every number: lists end where they should, links lead to other rows that reach their level.
  private func checkedStarts() throws -> [Int] {
    try withNumbers { numbers in
      var starts: [Int] = []
      var levels = [UInt8](repeating: 0, count: rows)
      try scan(numbers) { row, level, place in
        if row % GraphElements.rowsAtOnce == 0 { starts.append(place) }
        levels[row] = UInt8(level)
      } link: { _, _, _ in
      }
      try scan(numbers) { _, _, _ in
      } link: { row, level, other in
        guard other < rows, other != row, levels[other] >= level else {
          throw Self.broken(path, "links of row \(row) to other rows of level \(level)", "one to row \(other)")
        }
      }
      return starts
    }
  }

  private func scan(
    _ numbers: UnsafeBufferPointer<UInt32>, row each: (_ row: Int, _ level: Int, _ place: Int) -> Void,
    link: (_ row: Int, _ level: Int, _ other: Int) throws -> Void
  ) throws {
    var place = 0
    func next() throws -> Int {
      guard place < numbers.count else { throw Self.broken(path, "\(rows) lists", "an end before") }
      defer { place += 1 }
      return Int(numbers[place])
    }
    for row in 0..<rows {
      let start = place
      let level = try next()
      guard level <= Self.highestLevel else { throw Self.broken(path, "a level of row \(row)", "\(level)") }
      each(row, level, start)
      for level in 0...level {
        let count = try next()
        let most = level == 0 ? 2 * shape.links : shape.links
        guard count <= most, count <= numbers.count - place else {
          throw Self.broken(path, "at most \(most) links of row \(row)", "\(count)")
        }
        for other in numbers[place..<(place + count)] { try link(row, level, Int(other)) }
        place += count
      }
    }
    guard place == numbers.count else { throw Self.broken(path, "an end behind \(rows) lists", "more numbers") }
  }

  static func broken(_ path: String, _ expected: String, _ found: String) -> FileError {
    .malformed(
      path: path, place: "", expected: expected, found: found,
      advice: "Make the graph anew: mixcse index graph \(Path.folder(of: path)) --overwrite")
  }

  private static func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
  }
}
