// `mixcse probe`: one batch looked at closely, as embeddings or as text: loss, gradients, and where both come from.

import ArgumentParser
import Files
import Host
import Kernels
import Objective
import Training

struct ProbeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "probe", abstract: "Shows what one or more strategies do with a batch.",
    discussion: """
      mixcse probe --z1 a.npy --z2 b.npy --method mixcse       embeddings: row i of each file is a view of sentence i
      mixcse probe --model DIR --input FILE --method mixcse    the first batch that mixcse train would see

      For every kind of candidate: how many there are, mean cosine and logit, and the share of the softmax and of the \
      gradient (of the sum of |dL/dsim|) they take. Shares add up to 1. Then the negatives that take most. With several \
      --method each is a column of one table. Documentation/Probe.md explains every figure.
      """)

  @OptionGroup(title: "Batch") var batch: ProbeBatchOptions

  @Option(
    name: .customLong("method"),
    help: ArgumentHelp(
      "A recipe: mixcse, simcse, ...; may be repeated to compare.", valueName: "name[:param=value,...]"),
    completion: .recipes)
  var methods: [String] = []
  @Option(
    name: .customLong("sampler"),
    help: ArgumentHelp(
      "A negative sampler, added to each method; may be repeated.", valueName: "name[:param=value,...]"),
    completion: .samplers)
  var samplers: [String] = []
  @Option(
    name: .customLong("loss"),
    help: ArgumentHelp(
      "A loss, added to each method; may be repeated, the weighted sum counts.",
      valueName: "[weight*]name[:param=value,...]"), completion: .losses)
  var losses: [String] = []
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Sets a parameter, as after the colon of a name.", valueName: "component.param=value"))
  var settings: [String] = []

  @Option(
    help: ArgumentHelp(
      "A frozen encoder that strategies may read, as for train --guide; may be repeated.",
      valueName: "dir[:pooler]|file.npy,..."), completion: .file())
  var guide: [String] = []
  @Option(help: "Divides every similarity, above 0. (default: the loss's own, 0.05 for infonce)")
  var temperature: Double?
  @Option(
    name: .customLong("hard-negative-weight"),
    help: ArgumentHelp("Added to the logit of a row's own hard negative, z3.", valueName: "logit"))
  var hardNegativeWeight = 0.0
  @Option(help: "Seed of the random numbers that plugins draw; with --model also of order and dropout.")
  var seed: UInt64 = 42
  @Option(help: ArgumentHelp("How many of the heaviest negatives to show, 0 to 10000.", valueName: "count")) var top = 5
  @Option(
    name: .customLong("top-by"),
    help: ArgumentHelp("What makes a negative heavy: its probability or its gradient.", valueName: "softmax|gradient"))
  var topBy = "softmax"
  @Flag(help: "Also count negatives by cosine and by probability, for each kind.") var histogram = false
  @Option(
    help: ArgumentHelp(
      "Writes the gradients there: dz1.npy, dz2.npy (dz3.npy); a folder for each of several methods.",
      valueName: "dir"), completion: .directory)
  var gradients: String?
  @Flag(help: "Print one JSON document.") var json = false
  @OptionGroup var threads: ThreadOptions
  @OptionGroup(title: "Plugins") var plugins: PluginOptions

  func validate() throws {
    if let temperature, !(temperature > 0 && temperature.isFinite) {
      throw ValidationError("--temperature: expected a number above 0, found \(temperature)")
    }
    guard hardNegativeWeight.isFinite else {
      throw ValidationError("--hard-negative-weight: expected a finite number, found \(hardNegativeWeight)")
    }
    guard (0...10_000).contains(top) else { throw ValidationError("--top: expected 0 to 10000, found \(top)") }
    guard CellProbeOptions.Order(rawValue: topBy) != nil else {
      throw ValidationError("--top-by: expected softmax or gradient, found '\(topBy)'")
    }
  }

  func run() throws {
    let logger = commandLogger()
    if let gradients, Path.exists(gradients) {
      let inputs =
        [batch.z1, batch.z2, batch.z3, batch.input].compactMap { $0 } + guide.flatMap { GuideName($0).paths }
      for view in 1...3 { try refuseOutput("\(gradients)/dz\(view).npy", of: "--gradients", over: inputs) }
    }
    let services = HostServices(pool: ThreadPool(threads: threads.count), logger: logger)
    let registry = try plugins.registry(logger: logger, services: services)
    let named: [String?] = methods.isEmpty ? [nil] : methods
    // Names are checked before a model is opened.
    let strategies = try named.map {
      try StrategyRequest(method: $0, samplers: samplers, losses: losses, settings: settings)
        .resolve(with: registry).strategy
    }
    let batch = try batch.read(seed: seed, registry: registry, services: services)
    let encodings = try ProbeEncodings(guide.map(GuideName.init), batch, registry: registry, services: services)
    let reports = try zip(named, strategies).enumerated().map { index, strategy in
      let name = strategy.0 ?? strategy.1.text
      let folder = gradients.map { methods.count > 1 ? "\($0)/\(index + 1)-\(Self.folderName(name))" : $0 }
      return try probe(strategy.1, name: name, batch, encodings, services, gradientFolder: folder)
    }
    try registry.isolation?.checkNames()
    if json { return try reports.count == 1 ? printJSON(reports[0]) : printJSON(["strategies": reports]) }
    try printText(ProbeTable(reports).text)
    for report in reports { for section in ProbeSections(report).texts { try printText("\n" + section) } }
  }

  private func probe(
    _ strategy: Strategy, name: String, _ batch: ProbeBatch, _ encodings: ProbeEncodings, _ services: HostServices,
    gradientFolder: String?
  ) throws -> ProbeReport {
    var configuration = ObjectiveConfiguration(strategy: strategy, temperature: temperature, seed: seed)
    configuration.hardNegativeWeight = hardNegativeWeight
    let objective = try EmbeddingObjective(
      configuration, width: batch.views[0].columns, rows: batch.views[0].rows, views: batch.views.count,
      supervision: batch.labels.supervision, guideWidths: encodings.guideWidths, services: services)
    let wanted = objective.wantedEncodings
    for note in ProbeEncodings.notes(wanted, strategy, by: name) { printToStandardError(note) }
    let probe = CellProbeOptions(
      top: top, order: CellProbeOptions.Order(rawValue: topBy) ?? .softmax, texts: batch.textNumbers)
    let report = try withExtendedLifetime((batch, encodings)) {
      try objective.evaluate(
        batch.views, rowIDs: batch.rowIDs, textIDs: batch.textIDs, labels: batch.labels,
        encoded: encodings.vectors(wanted), details: true, probe: probe)
    }
    let views = batch.views.indices.map { objective.gradient($0) }
    if let gradientFolder { try write(views, to: gradientFolder) }
    return withExtendedLifetime(objective) {
      ProbeReport(
        report, name: name, strategy: strategy, gradients: views, texts: batch.texts, order: probe.order,
        histogram: histogram)
    }
  }

  private func write(_ gradients: [Matrix], to folder: String) throws {
    try Folder.create(folder)
    for (index, gradient) in gradients.enumerated() {
      try NPYFile.write(gradient, to: "\(folder)/dz\(index + 1).npy")
    }
  }

  private static func folderName(_ method: String) -> String {
    String(method.map { $0.isLetter || $0.isNumber || "._-=".contains($0) ? $0 : "_" })
  }
}
