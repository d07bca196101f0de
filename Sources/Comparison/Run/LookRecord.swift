// `looks.json` of a comparison's folder: with which strategies and seeds its verdicts were looked at, so that trying
// again until something shows is counted. Read and written by ComparisonRunner.

import Files
import FoundationEssentials

/// All looks at the verdicts of one folder.
package struct LookRecord: Sendable, Equatable {
  /// A strategy by what it is, whatever it is called.
  package struct Strategy: Sendable, Equatable {
    /// Of the comparison that looked.
    package var label: String
    /// A hash of components, parameters and libraries.
    package var key: String

    /// A strategy by its parts.
    package init(label: String, key: String) { (self.label, self.key) = (label, key) }
  }

  /// One look: verdicts of `strategies` against the first of them.
  package struct Entry: Sendable, Equatable {
    /// A hash of what all runs share: data, model, flags.
    package var conditions: String
    /// Looks that were planned in all.
    package var planned: Int
    /// The seeds that were asked for.
    package var seeds: [UInt64]
    /// The first is the reference.
    package var strategies: [Strategy]
    /// The metric that decided; nil in files of earlier versions.
    package var metric: String?
    /// Every pair was compared, not only each with the first.
    package var isAgainstAll = false

    /// A look by its parts.
    package init(
      conditions: String, planned: Int, seeds: [UInt64], strategies: [Strategy], metric: String? = nil,
      isAgainstAll: Bool = false
    ) {
      (self.conditions, self.planned) = (conditions, planned)
      (self.seeds, self.strategies) = (seeds, strategies)
      (self.metric, self.isAgainstAll) = (metric, isAgainstAll)
    }

    /// By places, what is compared.
    fileprivate var pairs: [(strategy: Int, against: Int)] {
      StrategyComparison.pairs(of: strategies.count, isAgainstAll: isAgainstAll)
    }

    fileprivate func compares(_ a: Strategy, _ b: Strategy) -> Bool {
      if isAgainstAll { return [a, b].allSatisfy { one in strategies.contains { $0.key == one.key } } }
      guard let reference = strategies.first else { return false }
      let others = strategies.dropFirst()
      return reference.key == a.key && others.contains { $0.key == b.key }
        || reference.key == b.key && others.contains { $0.key == a.key }
    }
  }

  static let name = "looks.json"
  private static let format = "mixcse.looks/1"
  /// With so many nothing can be claimed, so more make no difference; times any look's divisor it is still a number.
  private static let mostComparisons = 1 << 20

  /// In the order they were taken.
  package private(set) var entries: [Entry] = []

  /// Before the first look.
  package init() {}

  /// Remembers a look; the same look again is none.
  package mutating func add(_ entry: Entry) {
    if !entries.contains(entry) { entries.append(entry) }
  }

  /// What claims of `current` have to answer for, whether it is recorded already or not.
  package func family(of current: Entry) -> Family {
    let earlier = entries.filter { $0.conditions == current.conditions }
    guard let reference = current.strategies.first else { return Family(comparisons: 1) }
    var known: [Strategy] = []
    for strategy in current.strategies + earlier.flatMap(\.strategies)
    where !known.contains(where: { $0.key == strategy.key }) { known.append(strategy) }
    var references: [Strategy] = []
    for strategy in earlier.compactMap(\.strategies.first)
    where strategy.key != reference.key && !references.contains(where: { $0.key == strategy.key }) {
      references.append(strategy)
    }
    var family = Family(comparisons: 1)
    // One reference: all others against it. All pairs; or a second one, chosen after looking, so that every pair was a
    // candidate.
    let isEveryPair = !references.isEmpty || current.isAgainstAll || earlier.contains(where: \.isAgainstAll)
    let all = isEveryPair ? known.count * (known.count - 1) / 2 : known.count - 1
    for metric in earlier.compactMap(\.metric)
    where metric != current.metric && !family.earlierMetrics.contains(metric) { family.earlierMetrics.append(metric) }
    family.comparisons = max(1, min(all * (1 + family.earlierMetrics.count), Self.mostComparisons))
    // Where every pair is compared anyway, no reference was chosen.
    family.earlierReferences = current.isAgainstAll ? [] : references.map(\.label)
    family.earlierStrategies =
      known.filter { item in !current.strategies.contains { $0.key == item.key } }.map(\.label)
    family.looks = current.pairs.map { pair in
      let (strategy, other) = (current.strategies[pair.strategy], current.strategies[pair.against])
      return look(earlier.filter { $0.compares(strategy, other) }, current, planned: earlier.first?.planned)
    }
    return family
  }

  /// One seed shows nothing, so looking at it costs nothing.
  private func look(_ earlier: [Entry], _ current: Entry, planned: Int?) -> Look {
    var seen: [[UInt64]] = []
    for seeds in earlier.map({ $0.seeds.sorted() }) where seeds.count > 1 && !seen.contains(seeds) {
      seen.append(seeds)
    }
    var look = Look()
    look.planned = planned ?? current.planned
    look.number = (seen.firstIndex(of: current.seeds.sorted()) ?? seen.count) + 1
    look.earlier = Array(seen.prefix(look.number - 1))
    return look
  }

  // MARK: - The file

  /// The looks of a comparison's folder; none where it has no such file.
  /// - Throws: `ComparisonError.unreadable`, since looks that are forgotten would make false alarms more likely.
  package init(folder: String) throws {
    let path = folder + "/" + Self.name
    guard FileManager.default.fileExists(atPath: path) else { return }
    guard let data = FileManager.default.contents(atPath: path),
      let document = try? JSONValue.parse(Array(data)).object, document["format"]?.string == Self.format,
      let items = document["looks"]?.array, case let entries = items.compactMap(Entry.init(json:)),
      entries.count == items.count
    else {
      throw ComparisonError.unreadable(
        path: path,
        problem: "expected the looks at this comparison (\(Self.format)), found something else; without them the level "
          + "of its verdicts is not known. Restore the file, or compare in a new --output-dir")
    }
    self.entries = entries
  }

  /// Replaces the folder's file.
  /// - Throws: `FileError.cannotWrite`
  package func write(to folder: String) throws {
    let document = JSONObject([
      ("format", .string(Self.format)), ("looks", .array(entries.map(\.json))),
    ])
    let text = JSONValue.object(document).text() + "\n"
    try AtomicFile.write(to: folder + "/" + Self.name) { try $0.write(text) }
  }
}

extension LookRecord.Entry {
  /// Beyond what anybody plans; levels are divided by it.
  private static let mostPlanned = 1000

  fileprivate var json: JSONValue {
    .object(
      JSONObject(
        [
          ("conditions", .string(conditions)), ("planned", .integer(planned)),
          // As text: a seed may be beyond the signed range.
          ("seeds", .array(seeds.map { .string("\($0)") })),
          (
            "strategies",
            .array(
              strategies.map { .object(JSONObject([("label", .string($0.label)), ("key", .string($0.key))])) })
          ),
        ] + (metric.map { [("metric", .string($0))] } ?? []) + (isAgainstAll ? [("against", .string("all"))] : [])))
  }

  fileprivate init?(json: JSONValue) {
    guard let members = json.object, let conditions = members["conditions"]?.string,
      let planned = members["planned"]?.integer, (1...Self.mostPlanned).contains(planned),
      let seeds = members["seeds"]?.array, let strategies = members["strategies"]?.array
    else { return nil }
    let numbers = seeds.compactMap { $0.string.flatMap(UInt64.init) }
    let names = strategies.compactMap { item -> LookRecord.Strategy? in
      guard let label = item.object?["label"]?.string, let key = item.object?["key"]?.string else { return nil }
      return LookRecord.Strategy(label: label, key: key)
    }
    guard numbers.count == seeds.count, names.count == strategies.count, !names.isEmpty else { return nil }
    self.init(
      conditions: conditions, planned: planned, seeds: numbers, strategies: names, metric: members["metric"]?.string,
      isAgainstAll: members["against"]?.string == "all")
  }
}
