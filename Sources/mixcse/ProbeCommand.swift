// `mixcse probe`: objectives on given embeddings, without any model: loss, gradients, and what each block contributes.

import ArgumentParser
import Foundation
import Host
import Kernels
import Objective

struct ProbeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "probe", abstract: "Scores given embeddings with one or more strategies.",
    discussion: """
      Row i of each file is view i of the same sentence. For every block of candidates: how many negatives are compared, \
      their mean logit, their share of the softmax, and their share of the gradient (of the sum of |dL/dsim|). \
      The positives are counted apart, so all shares add up to 1. With several --method each is a column of one table.
      """)

  @Option(help: ArgumentHelp("Anchors: float32 or float64 [rows, width].", valueName: "file.npy")) var z1: String
  @Option(help: ArgumentHelp("Positives, of the same shape.", valueName: "file.npy")) var z2: String
  @Option(help: ArgumentHelp("Real hard negatives, of the same shape.", valueName: "file.npy")) var z3: String?

  @Option(
    name: .customLong("method"),
    help: ArgumentHelp(
      "A recipe: mixcse, simcse, ...; may be repeated to compare.", valueName: "name[:param=value,...]"))
  var methods: [String] = []
  @Option(
    name: .customLong("sampler"),
    help: ArgumentHelp(
      "A negative sampler, added to each method; may be repeated.", valueName: "name[:param=value,...]"))
  var samplers: [String] = []
  @Option(
    name: .customLong("loss"),
    help: ArgumentHelp(
      "A loss, added to each method; may be repeated, the weighted sum counts.",
      valueName: "[weight*]name[:param=value,...]"))
  var losses: [String] = []
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Sets a parameter, as after the colon of a name.", valueName: "component.param=value"))
  var settings: [String] = []

  @Option(help: "Divides every similarity, above 0. (default: the loss's own, 0.05 for infonce)")
  var temperature: Double?
  @Option(
    name: .customLong("hard-negative-weight"),
    help: ArgumentHelp("Added to the logit of a row's own hard negative, z3.", valueName: "logit"))
  var hardNegativeWeight = 0.0
  @Option(help: "Seed of the random numbers that plugins draw.") var seed: UInt64 = 42
  @Option(
    help: ArgumentHelp(
      "Writes the gradients there: dz1.npy, dz2.npy (dz3.npy); a folder for each of several methods.", valueName: "dir")
  )
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
  }

  func run() throws {
    let files = try ([z1, z2] + [z3].compactMap { $0 }).map { try NPYFile(contentsOf: $0) }
    try checkShapes(files)
    let logger = commandLogger()
    let services = HostServices(pool: ThreadPool(threads: threads.count), logger: logger)
    let registry = try plugins.registry(logger: logger, services: services)
    let named: [String?] = methods.isEmpty ? [nil] : methods
    let reports = try named.enumerated().map { index, method in
      let folder = gradients.map { methods.count > 1 ? "\($0)/\(index + 1)-\(Self.folderName(method ?? ""))" : $0 }
      return try probe(method, files, registry, services, gradientFolder: folder)
    }
    try registry.isolation?.checkNames()
    if json { return try reports.count == 1 ? printJSON(reports[0]) : printJSON(["strategies": reports]) }
    print(ProbeTable(reports).text)
  }

  private func probe(
    _ method: String?, _ files: [NPYFile], _ registry: PluginRegistry, _ services: HostServices,
    gradientFolder: String?
  ) throws -> ProbeReport {
    let request = StrategyRequest(method: method, samplers: samplers, losses: losses, settings: settings)
    var configuration = ObjectiveConfiguration(
      strategy: try request.resolve(with: registry).strategy, temperature: temperature, seed: seed)
    configuration.hardNegativeWeight = hardNegativeWeight
    let objective = try EmbeddingObjective(
      configuration, width: files[0].columns, rows: files[0].rows, views: files.count, registry: registry,
      services: services)
    let report = try withExtendedLifetime(files) { try objective.evaluate(files.map(\.matrix), details: true) }
    let views = files.indices.map { objective.gradient($0) }
    if let gradientFolder { try write(views, to: gradientFolder) }
    return withExtendedLifetime(objective) {
      ProbeReport(
        report, name: method ?? configuration.strategy.text, strategy: configuration.strategy, gradients: views)
    }
  }

  private func checkShapes(_ files: [NPYFile]) throws {
    guard files[0].rows > 0, files[0].columns > 0 else {
      throw ObjectiveError.shape(
        what: "--z1 \(z1)", expected: "at least one row and one column",
        found: "[\(files[0].rows), \(files[0].columns)]")
    }
    for (file, path) in zip(files, [z1, z2, z3 ?? ""])
    where file.rows != files[0].rows || file.columns != files[0].columns {
      throw ObjectiveError.shape(
        what: path, expected: "[\(files[0].rows), \(files[0].columns)] as in \(z1)",
        found: "[\(file.rows), \(file.columns)]")
    }
  }

  private func write(_ gradients: [Matrix], to folder: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw NPYError.cannotWrite(path: folder, operation: "create", code: errno)
    }
    for (index, gradient) in gradients.enumerated() {
      try NPYFile.write(gradient, to: "\(folder)/dz\(index + 1).npy")
    }
  }

  private static func folderName(_ method: String) -> String {
    String(method.map { $0.isLetter || $0.isNumber || "._-=".contains($0) ? $0 : "_" })
  }
}
