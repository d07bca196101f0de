// What is asked of a rebuilt plugin before the run lets it in: the run's strategy with the new library in its place, on
// the embeddings of the last batch, forward, backward and commit. Written by PluginReloader, run by `mixcse
// check-reload`.

import Encoder
package import Files
import FoundationEssentials
import Glibc
package import Host
import Kernels
import Objective

/// A strategy whose libraries lie in a folder, with the batch to try it on.
package struct SmokeTest {
  /// One use of a component.
  struct Use: Equatable {
    /// `FILE:NAME`
    var name: String
    var weight = 1.0
    /// The values that were set, which a component that no longer has them does not get.
    var settings: [(name: String, text: String)]

    static func == (a: Use, b: Use) -> Bool {
      a.name == b.name && a.weight == b.weight && a.settings.elementsEqual(b.settings) { $0 == $1 }
    }
  }

  var poolers: [Use]
  var samplers: [Use]
  var losses: [Use]
  var testsPoolers: Bool
  var hiddenWidth, layerCount, width, views: Int
  /// What the run's data says of its rows; the test makes numbers up.
  var supervision: Supervision
  /// The widths of the run's guides; their vectors are made up, too.
  var guideWidths: [Int]
  var hardNegativeWeight: Double
  var seed: UInt64
  /// Files of embeddings, one a view; none before the first step.
  var embeddings: [String]
  /// The file whose being there says that all went well; it names the libraries with their hashes.
  var proof: String
  /// A strategy that is looked up by name in place of `samplers` and `losses`.
  var change: Change?

  /// A strategy as `mixcse swap` names it, and where its plugins are.
  struct Change: Equatable {
    var text, pooler: String
    /// Bare metric functions of the run, which go on.
    var metrics: [String]
    var plugins: PluginDescription
  }

  // MARK: Running

  /// Runs the test; whatever is wrong is thrown, or ends the process.
  package func run(services: HostServices, allowInsecure: Bool) throws {
    let registry = try registry(services, allowInsecure: allowInsecure)
    let (strategy, pooler) = try lookUp(registry)
    var configuration = ObjectiveConfiguration(strategy: strategy, seed: seed)
    configuration.hardNegativeWeight = hardNegativeWeight
    if testsPoolers, let pooler { try testPoolers(pooler, configuration, registry, services) }
    try testAugmenters(strategy.augmenters, services)
    let matrices = try embeddings.map { try NPYFile(contentsOf: $0) }
    let rows = matrices.first?.rows ?? 8
    let batch =
      matrices.isEmpty
      ? (0..<views).map { Self.numbers(rows: rows, columns: width, name: "z\($0)") } : matrices.map(\.buffer)
    let objective = try EmbeddingObjective(
      configuration, width: width, rows: rows, views: views, supervision: supervision, guideWidths: guideWidths,
      texts: .madeUp, services: services)
    let encoded = madeUp(objective.wantedEncodings, rows: rows, width: width)
    for step in 0..<2 {
      _ = try withExtendedLifetime((batch, encoded)) {
        try objective.evaluate(
          batch.map { $0.matrix(rows: rows, columns: width) }, position: StepPosition(step: Int64(step)),
          labels: labels(rows), encoded: encoded.mapValues(\.matrix))
      }
      try objective.commit()
    }
    let libraries = strategy.uses.map { ($0.component.library.path, JSONValue.string($0.component.library.sha256)) }
    let text = JSONValue.object(JSONObject(libraries)).text()
    guard FileManager.default.createFile(atPath: proof, contents: Data(text.utf8)) else {
      throw TrainingError.cannotWrite(path: proof, operation: "create", code: errno)
    }
  }

  private func registry(_ services: HostServices, allowInsecure: Bool) throws -> PluginRegistry {
    guard let plugins = change?.plugins else {
      return try PluginRegistry(
        searchPath: PluginSearchPath(folders: []), allowInsecure: allowInsecure, host: services.table)
    }
    return try PluginRegistry(
      searchPath: PluginSearchPath(pluginPaths: plugins.paths),
      renamed: plugins.renamed.map(PluginRegistry.Renamed.init(parsing:)), allowInsecure: plugins.allowsInsecure,
      host: services.table)
  }

  private func lookUp(_ registry: PluginRegistry) throws -> (Strategy, Pooler?) {
    if let change {
      return (
        try StrategyRequest.resolve(
          change: change.text, pooler: change.pooler, metrics: change.metrics, with: registry), nil
      )
    }
    let pooler = PoolerSpec(chain: try poolers.map { try spec($0, .pooler, registry) })
    let strategy = StrategySpec(
      samplers: try samplers.map { try spec($0, .sampler, registry) },
      losses: try losses.map { try spec($0, .loss, registry) })
    let found = try StrategyRequest.resolve(strategy, pooler: pooler, with: registry)
    return (found.strategy, found.pooler)
  }

  /// Augmenters get made-up tokens: sentences of one to eight words of one token each.
  private func testAugmenters(_ uses: [ComponentUse], _ services: HostServices) throws {
    let rows = 4
    let bounds = TokenBounds(vocabularySize: 1000, maximumTokens: 128, maskID: 1, padID: 0)
    for use in uses {
      let instance = try PluginInstance(
        component: use.component, values: ParameterValues(use.parameters), name: use.name, services: services,
        seed: seed)
      try instance.prepare(
        PluginLimits(
          maxRows: rows, width: hiddenWidth, maxTokens: rows * views * 8, maxSequences: rows * views,
          layerCount: layerCount, viewCount: views))
      for step in 0..<2 {
        instance.begin(StepPosition(step: Int64(step)))
        for view in instance.plan.editedViews {
          let sequences = (0..<rows).map { row in (0...(row * 2 + 1)).map { Int32(2 + 10 * row + $0) } }
          _ = try instance.augment(
            TokenView(
              view: view, sequences: sequences, words: sequences.map { $0.indices.map(Int32.init) },
              rowIDs: (0..<rows).map(Int64.init)), within: bounds)
        }
      }
    }
  }

  /// Poolers get made-up hidden states: sentences of one to eight tokens.
  private func testPoolers(
    _ pooler: Pooler, _ configuration: ObjectiveConfiguration, _ registry: PluginRegistry,
    _ services: HostServices
  ) throws {
    let rows = 4
    let offsets = (0...(rows * views)).reduce(into: [Int]()) { $0.append(($0.last ?? 0) + ($1 == 0 ? 0 : 1 + $1 % 8)) }
    let count = offsets[rows * views]
    let model = try ContrastiveModel(
      configuration, pooler: pooler, head: .none, hiddenWidth: hiddenWidth, layerCount: layerCount, maxRows: rows,
      maxTokens: count, views: views, supervision: supervision, guideWidths: guideWidths,
      vocabularySize: count, documents: .text(DocumentFrequencies { [Float](repeating: 0.5, count: count) }),
      texts: .madeUp, services: services)
    let request = model.layerRequest
    let height = request.firstTokenOnly ? rows * views : count
    let layers = request.layers.map { Self.numbers(rows: height, columns: hiddenWidth, name: "layer\($0)") }
    let gradients = request.layers.map { _ in FloatBuffer(count: height * hiddenWidth) }
    let batch = TokenBatch(
      PackedBatch(tokens: (0..<count).map { Int32($0) }, offsets: offsets),
      tokenFlags: (0..<count).map { offsets.contains($0) ? 1 : 0 }, views: views, rowIDs: (0..<rows).map(Int64.init),
      textIDs: (0..<rows).map(Int64.init), labels: labels(rows))
    let encoded = madeUp(model.wantedEncodings, rows: rows, width: model.outputWidth)
    for step in 0..<2 {
      try model.beginEncodings(batch)
      for (encoding, vectors) in encoded { try model.encodings.set(encoding, vectors.matrix) }
      _ = try withExtendedLifetime((layers, gradients)) {
        try model.trainStep(
          batch, hidden: layers.map { $0.matrix(rows: height, columns: hiddenWidth) },
          dHidden: gradients.map { $0.matrix(rows: height, columns: hiddenWidth) },
          at: StepPosition(step: Int64(step)))
      }
      try model.commit()
    }
  }

  /// Unit vectors for what samplers and losses ask for.
  private func madeUp(_ wanted: [PlannedEncoding], rows: Int, width: Int) -> [PlannedEncoding: OwnedMatrix] {
    var result: [PlannedEncoding: OwnedMatrix] = [:]
    for encoding in wanted {
      let columns: Int
      if case .guide(let index) = encoding.source { columns = guideWidths[index] } else { columns = width }
      let owner = Self.numbers(rows: rows, columns: columns, name: "\(encoding)")
      let matrix = owner.matrix(rows: rows, columns: columns)
      scaleToUnitLength(matrix)
      result[encoding] = OwnedMatrix(matrix: matrix, owner: owner)
    }
    return result
  }

  private struct OwnedMatrix {
    let matrix: Matrix
    let owner: FloatBuffer
  }

  private func labels(_ rows: Int) -> RowLabels {
    RowLabels(
      scores: supervision.contains(.scores) ? (0..<rows).map { Float($0 % 5) } : nil,
      classes: supervision.contains(.classes) ? (0..<rows).map { Int64($0 / 2) } : nil)
  }

  private func spec(_ use: Use, _ kind: ComponentKind, _ registry: PluginRegistry) throws -> ComponentSpec {
    let known = try registry.component(kind, use.name).parameters.map(\.name)
    return ComponentSpec(
      weight: use.weight, name: use.name, settings: use.settings.filter { known.contains($0.name) }.map { ($0, $1) })
  }

  private static func numbers(rows: Int, columns: Int, name: String) -> FloatBuffer {
    let buffer = FloatBuffer(count: rows * columns)
    RandomStream(seed: 0, name: "reload." + name).normal(
      step: 0, offset: 0, into: UnsafeMutableBufferPointer(start: buffer.pointer, count: rows * columns))
    return buffer
  }
}

// MARK: - As JSON

extension SmokeTest {
  /// As the child reads it.
  package var json: JSONValue {
    func list(_ uses: [Use]) -> JSONValue { .array(uses.map(\.json)) }
    return .object(
      JSONObject([
        ("poolers", list(poolers)), ("samplers", list(samplers)), ("losses", list(losses)),
        ("testsPoolers", .bool(testsPoolers)), ("hiddenWidth", .integer(hiddenWidth)),
        ("layerCount", .integer(layerCount)), ("width", .integer(width)), ("views", .integer(views)),
        ("supervision", .integer(Int(supervision.rawValue))), ("guideWidths", guideWidths.json),
        ("hardNegativeWeight", .number(hardNegativeWeight)), ("seed", .string(String(seed))),
        ("embeddings", .array(embeddings.map { .string($0) })), ("proof", .string(proof)),
        ("change", change?.json ?? .null),
      ]))
  }

  /// A strategy that is to take over in `model`, on the embeddings of its last batch.
  /// - Throws: errors of writing.
  init(
    swapping change: Change, into model: ContrastiveModel, seed: UInt64, in folder: PrivateFolder, proof: String
  ) throws {
    self.init(
      poolers: [], samplers: [], losses: [], testsPoolers: false, hiddenWidth: model.pooling.hiddenWidth,
      layerCount: model.pooling.layerCount, width: model.outputWidth, views: model.viewCount,
      supervision: model.supervision, guideWidths: model.guideWidths, hardNegativeWeight: model.hardNegativeWeight,
      seed: seed, embeddings: try Self.write(model.lastEmbeddings, into: folder), proof: proof, change: change)
  }

  /// Files of embeddings, one a view.
  static func write(_ views: [Matrix], into folder: PrivateFolder) throws -> [String] {
    try views.enumerated().map { index, matrix in
      let file = folder.file("z\(index + 1).npy")
      try NPYFile.write(matrix, to: file)
      return file
    }
  }

  /// - Throws: `TrainingError.badData` where `json` is no such request.
  package init(_ json: JSONValue, path: String) throws {
    func uses(_ key: String) -> [Use]? { json.object?[key]?.array?.compactMap(Use.init) }
    guard let object = json.object, let poolers = uses("poolers"), let samplers = uses("samplers"),
      let losses = uses("losses"), let testsPoolers = object["testsPoolers"]?.bool,
      let hiddenWidth = object["hiddenWidth"]?.integer, let layerCount = object["layerCount"]?.integer,
      let width = object["width"]?.integer, let views = object["views"]?.integer,
      let supervision = object["supervision"]?.integer,
      let guideWidths = object["guideWidths"]?.array?.compactMap(\.integer),
      let hardNegativeWeight = object["hardNegativeWeight"]?.double,
      let seed = object["seed"]?.string.flatMap(UInt64.init), let embeddings = object["embeddings"]?.array,
      let proof = object["proof"]?.string
    else {
      throw TrainingError.badData(
        path: path, line: 0, expected: "a request of a run with --watch", found: "something else",
        advice: "This command is for the program itself")
    }
    self.init(
      poolers: poolers, samplers: samplers, losses: losses, testsPoolers: testsPoolers, hiddenWidth: hiddenWidth,
      layerCount: layerCount, width: width, views: views,
      supervision: Supervision(rawValue: UInt8(truncatingIfNeeded: supervision)), guideWidths: guideWidths,
      hardNegativeWeight: hardNegativeWeight, seed: seed, embeddings: embeddings.compactMap(\.string), proof: proof,
      change: object["change"].flatMap(Change.init))
  }
}

extension SmokeTest.Use {
  fileprivate var json: JSONValue {
    .object(
      JSONObject([
        ("name", .string(name)), ("weight", .number(weight)),
        ("settings", .array(settings.map { .array([.string($0.name), .string($0.text)]) })),
      ]))
  }

  fileprivate init?(_ json: JSONValue) {
    guard let object = json.object, let name = object["name"]?.string, let weight = object["weight"]?.double,
      let settings = object["settings"]?.array
    else { return nil }
    self.init(
      name: name, weight: weight,
      settings: settings.compactMap { pair in
        guard let texts = pair.array?.compactMap(\.string), texts.count == 2 else { return nil }
        return (texts[0], texts[1])
      })
  }
}

extension SmokeTest.Change {
  fileprivate var json: JSONValue {
    .object(
      JSONObject([
        ("text", .string(text)), ("pooler", .string(pooler)), ("metrics", metrics.json),
        ("paths", plugins.paths.json), ("renamed", plugins.renamed.json), ("insecure", .bool(plugins.allowsInsecure)),
      ]))
  }

  fileprivate init?(_ json: JSONValue) {
    guard let object = json.object, let text = object["text"]?.string, let pooler = object["pooler"]?.string,
      let metrics = object["metrics"].flatMap([String].init(json:)),
      let paths = object["paths"].flatMap([String].init(json:)),
      let renamed = object["renamed"].flatMap([String].init(json:)), let insecure = object["insecure"]?.bool
    else { return nil }
    var plugins = PluginDescription()
    (plugins.paths, plugins.renamed, plugins.allowsInsecure) = (paths, renamed, insecure)
    self.init(text: text, pooler: pooler, metrics: metrics, plugins: plugins)
  }
}
