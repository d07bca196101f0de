// What a mixcse_index is, and its C functions: texts in a folder and the nearest to a query, as `mixcse search`.

import Glibc
import Host
import Kernels
public import LibraryAPI
import Objective
import Search

/// An index, opened.
final class IndexHandle: Handle, Callable {
  private let index: SentenceIndex
  private let context: Context
  private var pool: ThreadPool { context.services.pool }
  private var graph: SentenceGraph?
  private var text: UnsafeMutablePointer<CChar>?

  override class var name: String { "index" }

  /// - Throws: `SearchError`, `FileError`.
  init(_ folder: String, of model: IndexedModel?, in context: Context) throws {
    index = try SentenceIndex(folder: folder)
    if let model { try index.check(model) }
    self.context = context
  }

  deinit { free(text) }

  var rows: Int { index.rows }
  var width: Int { index.width }

  /// Fills [n, k] of each.
  /// - Parameter near: the width of an approximate search, 0: the usual one; nil: the exact search.
  func search(
    _ queries: UnsafePointer<Float>, _ n: Int, _ k: Int, _ threshold: Double, approximately near: Int? = nil,
    rows: UnsafeMutablePointer<Int64>, scores: UnsafeMutablePointer<Float>
  ) throws {
    let buffer = FloatBuffer(count: n * width)
    let unit = buffer.matrix(rows: n, columns: width)
    for query in 0..<n {
      let numbers = queries + query * width
      let length = (0..<width).reduce(0.0) { $0 + Double(numbers[$1]) * Double(numbers[$1]) }.squareRoot()
      guard length.isFinite else {
        throw CallError.argument("queries[\(query)]", expected: "finite numbers", found: "NaN or an infinity")
      }
      for i in 0..<width { unit.row(query)[i] = Float(Double(numbers[i]) / max(length, Double(normFloor))) }
    }
    let lowest = threshold < -1 ? nil : Float(threshold)
    let found = try withExtendedLifetime(buffer) { () throws -> [[SearchHit]] in
      guard let near else { return try index.search(unit, count: k, threshold: lowest, pool: pool) }
      return try opened().search(
        unit, count: k, width: near == 0 ? GraphShape.usualWidth : near, threshold: lowest, pool: pool)
    }
    for (query, hits) in found.enumerated() {
      for place in 0..<k {
        rows[query * k + place] = place < hits.count ? Int64(hits[place].row) : -1
        scores[query * k + place] = place < hits.count ? hits[place].score : .nan
      }
    }
  }

  private func opened() throws -> SentenceGraph {
    let opened = try graph ?? SentenceGraph(of: index, library: context.graphLibrary())
    graph = opened
    return opened
  }

  func text(of row: Int64) throws -> UnsafePointer<CChar>? {
    let row = try Argument.index(row, below: rows, of: "texts")
    let found = try index.texts(of: [row])[0]
    free(text)
    text = strdup(found)
    return text.map { UnsafePointer($0) }
  }
}

extension EncoderHandle {
  /// Texts as an index reads them, some at a time.
  private static func reader(
    _ texts: UnsafePointer<UnsafePointer<CChar>?>?, _ lengths: UnsafePointer<Int64>?, _ n: Int64
  ) throws -> (Int) throws -> [[UInt8]] {
    let n = try Argument.count(n, in: 0...Int.max, "n")
    let texts = try Argument.pointer(texts, "texts")
    var done = 0
    return { count in
      let part = done..<min(done + count, n)
      done = part.upperBound
      return try part.map { Array(try Argument.bytes(texts, lengths, $0)) }
    }
  }

  func build(
    _ folder: String, overwrite: Bool, _ texts: UnsafePointer<UnsafePointer<CChar>?>?,
    _ lengths: UnsafePointer<Int64>?, _ n: Int64
  ) throws {
    _ = try SentenceIndex.build(
      in: folder, by: indexed(), embedder: embedder, overwrite: overwrite, source: "texts",
      next: Self.reader(texts, lengths, n))
  }

  func add(
    to folder: String, _ texts: UnsafePointer<UnsafePointer<CChar>?>?, _ lengths: UnsafePointer<Int64>?, _ n: Int64
  ) throws {
    _ = try SentenceIndex.add(
      to: folder, by: indexed(), embedder: embedder, graph: context.graphMaker(), next: Self.reader(texts, lengths, n))
  }
}

@c @implementation
public func mixcse_index_build(
  _ encoder: OpaquePointer?, _ folder: UnsafePointer<CChar>?, _ flags: UInt32,
  _ texts: UnsafePointer<UnsafePointer<CChar>?>?, _ lengths: UnsafePointer<Int64>?, _ n: Int64
) -> Int32 {
  attempt {
    let folder = try Argument.text(folder, "folder")
    guard flags & ~UInt32(MIXCSE_REPLACE) == 0 else {
      throw CallError.argument("flags", expected: "0 or MIXCSE_REPLACE", found: "\(flags)")
    }
    try EncoderHandle.with(encoder) { try $0.build(folder, overwrite: flags != 0, texts, lengths, n) }
  }
}

@c @implementation
public func mixcse_index_add(
  _ encoder: OpaquePointer?, _ folder: UnsafePointer<CChar>?, _ texts: UnsafePointer<UnsafePointer<CChar>?>?,
  _ lengths: UnsafePointer<Int64>?, _ n: Int64
) -> Int32 {
  attempt {
    let folder = try Argument.text(folder, "folder")
    try EncoderHandle.with(encoder) { try $0.add(to: folder, texts, lengths, n) }
  }
}

@c @implementation
public func mixcse_index_open(
  _ context: OpaquePointer?, _ encoder: OpaquePointer?, _ folder: UnsafePointer<CChar>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    let out = try Argument.pointer(out, "out")
    out.pointee = nil
    let folder = try Argument.text(folder, "folder")
    let model = try encoder == nil ? nil : EncoderHandle.with(encoder) { try $0.indexed() }
    try Context.with(context) { try IndexHandle(folder, of: model, in: $0).open(into: out) }
  }
}

@c @implementation
public func mixcse_index_close(_ index: OpaquePointer?) { IndexHandle.close(index) }

@c @implementation
public func mixcse_index_size(_ index: OpaquePointer?) -> Int64 {
  attempt(or: -1) { try IndexHandle.with(index) { Int64($0.rows) } }
}

@c @implementation
public func mixcse_index_width(_ index: OpaquePointer?) -> Int64 {
  attempt(or: -1) { try IndexHandle.with(index) { Int64($0.width) } }
}

@c @implementation
public func mixcse_index_search(
  _ index: OpaquePointer?, _ queries: UnsafePointer<Float>?, _ n: Int64, _ k: Int64, _ threshold: Double,
  _ rows: UnsafeMutablePointer<Int64>?, _ scores: UnsafeMutablePointer<Float>?
) -> Int32 {
  attempt {
    try search(index, queries, n, k, threshold, width: nil, rows, scores)
  }
}

private func search(
  _ index: OpaquePointer?, _ queries: UnsafePointer<Float>?, _ n: Int64, _ k: Int64, _ threshold: Double,
  width: Int64?, _ rows: UnsafeMutablePointer<Int64>?, _ scores: UnsafeMutablePointer<Float>?
) throws {
  let n = try Argument.count(n, in: 0...Int.max, "n")
  let k = try Argument.count(k, in: 1...1 << 30, "k")
  let width = try width.map { width in
    width == 0 ? 0 : try Argument.count(width, in: k...max(k, GraphShape.widthRange.upperBound), "width")
  }
  guard !threshold.isNaN else { throw CallError.argument("threshold", expected: "a number", found: "NaN") }
  guard n > 0 else { return }
  let queries = try Argument.pointer(queries, "queries")
  let rows = try Argument.pointer(rows, "rows")
  let scores = try Argument.pointer(scores, "scores")
  try IndexHandle.with(index) {
    try $0.search(queries, n, k, threshold, approximately: width, rows: rows, scores: scores)
  }
}

@c @implementation
public func mixcse_index_search_approximately(
  _ index: OpaquePointer?, _ queries: UnsafePointer<Float>?, _ n: Int64, _ k: Int64, _ threshold: Double,
  _ width: Int64, _ rows: UnsafeMutablePointer<Int64>?, _ scores: UnsafeMutablePointer<Float>?
) -> Int32 {
  attempt { try search(index, queries, n, k, threshold, width: width, rows, scores) }
}

@c @implementation
public func mixcse_index_graph(
  _ context: OpaquePointer?, _ folder: UnsafePointer<CChar>?, _ options: UnsafePointer<mixcse_graph_options>?,
  _ linked: UnsafeMutablePointer<Int64>?
) -> Int32 {
  attempt {
    let folder = try Argument.text(folder, "folder")
    let known = try options.map { try Argument.structure($0, mixcse_graph_options(), "options") }
    let flags = try Argument.flags(known?.flags ?? 0, known: Int(MIXCSE_REPLACE), "options")
    let shape = try known.flatMap { try graphShape($0) }
    try Context.with(context) {
      let report = try SentenceIndex.makeGraph(
        in: folder, shape: shape, overwrite: flags & UInt32(MIXCSE_REPLACE) != 0, by: $0.graphMaker())
      linked?.pointee = Int64(report.linked)
    }
  }
}

/// The shape that options ask for; nil where they leave both numbers open.
private func graphShape(_ options: mixcse_graph_options) throws -> GraphShape? {
  guard options.links != 0 || options.build_width != 0 else { return nil }
  let usual = GraphShape.usual
  let shape = GraphShape(
    links: options.links == 0 ? usual.links : Int(options.links),
    buildWidth: options.build_width == 0 ? usual.buildWidth : Int(options.build_width))
  guard let problem = shape.problem else { return shape }
  throw CallError.argument(
    problem.isLinks ? "options->links" : "options->build_width", expected: problem.expected,
    found: "\(problem.isLinks ? shape.links : shape.buildWidth)")
}

extension Context {
  /// The library that keeps graphs, looked for where plugins are.
  /// - Throws: `SearchError.noGraphLibrary`, `.graphLibrary`.
  func graphLibrary() throws -> GraphLibrary {
    try GraphLibrary(along: registry.searchPath, allowInsecure: registry.allowInsecure)
  }

  func graphMaker() -> GraphMaker { GraphMaker(pool: services.pool, library: graphLibrary) }
}

@c @implementation
public func mixcse_index_text(_ index: OpaquePointer?, _ row: Int64) -> UnsafePointer<CChar>? {
  attempt(or: nil) { try IndexHandle.with(index) { try $0.text(of: row) } }
}
