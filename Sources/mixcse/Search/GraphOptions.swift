// The flags of approximate searches: how a graph is made, and how wide it is searched. hnswlib's names in the help.

import ArgumentParser
import Host
import Kernels
import ModelFiles
import Objective
import Search

/// `--hnsw-links`, `--hnsw-build-width`.
struct GraphShapeOptions: ParsableArguments {
  @Option(
    name: .customLong("hnsw-links"),
    help: ArgumentHelp(
      "Links of a row, 2 to 256 (M): more find more, in more memory. (default: \(GraphShape.usual.links))",
      valueName: "n"))
  var links: Int?
  @Option(
    name: .customLong("hnsw-build-width"),
    help: ArgumentHelp(
      """
      How many near rows are looked at to link one (ef_construction): more take longer and find more. \
      (default: \(GraphShape.usual.buildWidth))
      """, valueName: "n"))
  var buildWidth: Int?

  func validate() throws {
    guard let shape, let problem = shape.problem else { return }
    let (flag, found) =
      problem.isLinks ? ("--hnsw-links", shape.links) : ("--hnsw-build-width", shape.buildWidth)
    throw ValidationError("\(flag): expected \(problem.expected), found \(found)")
  }

  /// What was asked for; nil where neither flag was given.
  var shape: GraphShape? {
    guard links != nil || buildWidth != nil else { return nil }
    return GraphShape(
      links: links ?? GraphShape.usual.links, buildWidth: buildWidth ?? GraphShape.usual.buildWidth)
  }
}

/// Kinds of approximate search.
enum ApproximateKind: String, ExpressibleByArgument, CaseIterable { case hnsw }

/// `--approximate hnsw` where an index is made.
struct GraphBuildOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Make a graph as well, for approximate searches: hnsw (after mixcse index library).", valueName: "hnsw"))
  var approximate: ApproximateKind?
  @OptionGroup var shapes: GraphShapeOptions

  func validate() throws {
    guard approximate != nil || shapes.shape == nil else {
      throw ValidationError("--hnsw-links, --hnsw-build-width: expected --approximate hnsw beside them, found none")
    }
  }

  /// The shape of the graph that was asked for; nil: none was.
  var shape: GraphShape? { approximate == nil ? nil : shapes.shape ?? .usual }
}

/// `--approximate`, `--hnsw-width` where an index is searched.
struct ApproximateOptions: ParsableArguments {
  @Flag(help: "Search the graph of the index: fast among millions, but some of the nearest may be missed.")
  var approximate = false
  @Option(
    name: .customLong("hnsw-width"),
    help: ArgumentHelp(
      """
      With --approximate, how many rows the graph is asked for (ef), at least -k: more find more and take longer. \
      (default: \(GraphShape.usualWidth), or -k where that is more)
      """, valueName: "n"))
  var width: Int?

  func validate() throws {
    guard let width else { return }
    guard approximate else { throw ValidationError("--hnsw-width: expected --approximate beside it, found none") }
    try Self.check(width, "--hnsw-width")
  }

  /// The width for `count` rows a query.
  /// - Throws: `ValidationError` where fewer were asked for.
  func width(for count: Int) throws -> Int {
    guard let width else { return max(GraphShape.usualWidth, count) }
    guard width >= count else {
      throw ValidationError("--hnsw-width: expected at least -k (\(count)), found \(width)")
    }
    return width
  }

  static func check(_ width: Int, _ flag: String) throws {
    let range = GraphShape.widthRange
    guard range.contains(width) else {
      throw ValidationError("\(flag): expected \(range.lowerBound) to \(range.upperBound), found \(width)")
    }
  }
}

extension PluginOptions {
  /// The library that keeps graphs, looked for where plugins are.
  /// - Throws: `SearchError.noGraphLibrary`, `.graphLibrary`.
  func graphLibrary() throws -> GraphLibrary {
    try GraphLibrary(along: PluginSearchPath(pluginPaths: pluginPaths), allowInsecure: allowInsecure)
  }

  /// What makes graphs, with its progress.
  func graphMaker(pool: ThreadPool, progress: ProgressLine) -> GraphMaker {
    GraphMaker(
      pool: pool, progress: { progress.show("graph", done: $0, total: $1, unit: "lines") }, library: graphLibrary)
  }
}
