// Vectors of the shipped poolers against slow plain statements of them in float64. Their gradients are differenced in
// ContrastiveModelTests, and by `plugins check`.

import Glibc
import Host
import Kernels
import Objective
import TestSupport
import Testing

struct PoolerTests {
  private static let (width, layerCount) = (6, 4)

  /// One sentence's vector, of the states of its tokens by layer: `states[layer][token]`.
  typealias Statement = @Sendable (_ states: [[[Double]]], _ query: [Double]) -> [Double]

  struct Case: Sendable, CustomStringConvertible {
    let pooler: String
    let statement: Statement
    var description: String { pooler }
  }

  private static func mean(_ states: [[Double]]) -> [Double] {
    (0..<width).map { k in states.reduce(0) { $0 + $1[k] } / Double(states.count) }
  }

  static let cases = [
    Case(pooler: "last") { states, _ in states[3].last ?? [] },
    Case(pooler: "sqrt_len") { states, _ in
      let count = Double(states[3].count)
      return mean(states[3]).map { $0 * count / count.squareRoot() }
    },
    Case(pooler: "attention") { states, query in
      let scores = states[3].map { state in
        zip(query, state).reduce(0) { $0 + $1.0 * $1.1 } / Double(width).squareRoot()
      }
      let total = scores.reduce(0) { $0 + exp($1) }
      return (0..<width).map { k in
        zip(scores, states[3]).reduce(0) { $0 + exp($1.0) / total * $1.1[k] }
      }
    },
    Case(pooler: "concat") { states, _ in states.flatMap(mean) },
    Case(pooler: "concat:layers=-1/0") { states, _ in mean(states[3]) + mean(states[0]) },
    Case(pooler: "concat:layers=2") { states, _ in mean(states[2]) },
    Case(pooler: "ramp") { states, _ in ramp(states[3]) },
    Case(pooler: "concat:layers=-1,of=first/max/mean/sqrt/ramp/last") { states, _ in
      let (last, n) = (states[3], Double(states[3].count))
      let parts = [last[0], largest(last), mean(last), mean(last).map { $0 * n.squareRoot() }, ramp(last)]
      return parts.joined() + last[last.count - 1]
    },
    Case(pooler: "concat:layers=0/-1,of=mean/max") { states, _ in
      mean(states[0]) + largest(states[0]) + mean(states[3]) + largest(states[3])
    },
    Case(pooler: "concat:layers=1/1/-4,of=first") { states, _ in states[1][0] + states[1][0] + states[0][0] },
    // What is there already, in the same words.
    Case(pooler: "cls") { states, _ in states[3][0] },
    Case(pooler: "avg") { states, _ in mean(states[3]) },
    Case(pooler: "avg_top2") { states, _ in mean([mean(states[2]), mean(states[3])]) },
    Case(pooler: "avg_first_last") { states, _ in mean([mean(states[0]), mean(states[3])]) },
    Case(pooler: "max") { states, _ in largest(states[3]) },
    Case(pooler: "weighted") { states, _ in mean(states.map(mean)) },
  ]

  @Test(arguments: cases) func vectors(_ item: Case) throws {
    let world = try TestWorld()
    let model = try ContrastiveModel(
      ObjectiveConfiguration(strategy: try world.strategy()), pooler: Pooler(parsing: item.pooler, in: world.registry),
      head: .none, hiddenWidth: Self.width, layerCount: Self.layerCount, maxRows: 5, maxTokens: 64, views: 2,
      services: world.services)
    // A query that looks away from some tokens.
    let query = (0..<Self.width).map { 3 * cos(Double($0) * 2.1) }
    for parameter in model.parameters where parameter.name == "plugin.attention.query" {
      for k in 0..<Self.width { parameter.value[k] = Float(query[k]) }
    }
    let request = model.layerRequest
    let batch = HiddenStates(request, rows: 5, views: 2, width: Self.width)
    let found = try batch.embed(model.pooling)
    let offsets = batch.batch.packed.offsets
    #expect(found.count == 10)
    for (s, vector) in found.enumerated() {
      let tokens = request.firstTokenOnly ? s..<(s + 1) : offsets[s]..<offsets[s + 1]
      var states = [[[Double]]](repeating: [], count: Self.layerCount)
      for (layer, rows) in zip(request.layers, batch.layers) {
        states[layer] = tokens.map { t in (0..<Self.width).map { Double(rows[t, $0]) } }
      }
      let expected = item.statement(states, query)
      #expect(vector.count == expected.count)
      for (a, b) in zip(vector, expected) {
        #expect(isClose(Double(a), b, absolute: 2e-6), "sequence \(s): \(a), \(b)")
      }
    }
  }

  /// A pooler that says that it is a mean makes of means over tokens what it makes of the tokens, and back.
  @Test(arguments: ["avg", "avg_top2", "avg_first_last", "weighted", "avg+project"])
  func meansInPlaceOfTokens(_ pooler: String) throws {
    let world = try TestWorld()
    func model() throws -> ContrastiveModel {
      try ContrastiveModel(
        ObjectiveConfiguration(strategy: try world.strategy()), pooler: Pooler(parsing: pooler, in: world.registry),
        head: .none, hiddenWidth: Self.width, layerCount: Self.layerCount, maxRows: 5, maxTokens: 64, views: 2,
        services: world.services)
    }
    let (ofTokens, ofMeans) = (try model(), try model())
    let request = ofTokens.layerRequest
    #expect(request.meansAreEnough && !request.firstTokenOnly)
    let tokens = HiddenStates(request, rows: 5, views: 2, width: Self.width)
    let means = tokens.means()
    let (x, y) = (try tokens.embed(ofTokens.pooling), try means.embed(ofMeans.pooling))
    #expect(zip(x.joined(), y.joined()).allSatisfy { isClose(Double($0), Double($1), absolute: 1e-6) })
    let losses = (try tokens.loss(ofTokens), try means.loss(ofMeans))
    #expect(isClose(losses.0, losses.1, relative: 1e-6), "\(losses)")
    for (a, b) in zip(ofTokens.parameters, ofMeans.parameters) {
      for k in 0..<a.count {
        #expect(isClose(Double(a.gradient[k]), Double(b.gradient[k]), absolute: 1e-5), "\(a.name)")
      }
    }
    // A token's share of the mean's gradient.
    let offsets = tokens.batch.packed.offsets
    for (all, mean) in zip(tokens.gradients, means.gradients) {
      for s in 0..<(offsets.count - 1) {
        for t in offsets[s]..<offsets[s + 1] {
          for k in 0..<Self.width {
            let share = Double(mean[s, k]) / Double(offsets[s + 1] - offsets[s])
            #expect(isClose(Double(all[t, k]), share, absolute: 1e-6), "sequence \(s)")
          }
        }
      }
    }
  }

  private static func largest(_ states: [[Double]]) -> [Double] {
    (0..<width).map { k in states.map { $0[k] }.max() ?? .nan }
  }

  /// Each token counts as often as its place says, from 1.
  private static func ramp(_ states: [[Double]]) -> [Double] {
    mean(states.enumerated().flatMap { [[Double]](repeating: $1, count: $0 + 1) })
  }

  /// A query of zeros looks at all tokens alike: training starts from the mean.
  @Test func attentionStartsAsTheMean() throws {
    let world = try TestWorld()
    let vectors = try ["attention", "avg"].map { pooler in
      let model = try ContrastiveModel(
        ObjectiveConfiguration(strategy: try world.strategy()), pooler: Pooler(parsing: pooler, in: world.registry),
        head: .none, hiddenWidth: Self.width, layerCount: Self.layerCount, maxRows: 5, maxTokens: 64, views: 2,
        services: world.services)
      #expect(model.parameters.map(\.name) == (pooler == "avg" ? [] : ["plugin.attention.query"]))
      return try HiddenStates(model.layerRequest, rows: 5, views: 2, width: Self.width).embed(model.pooling).joined()
    }
    #expect(zip(vectors[0], vectors[1]).allSatisfy { isClose(Double($0), Double($1), absolute: 1e-6) })
  }

  @Test(arguments: ["4", "-5", "\"\"", "1//2", "last"]) func aLayerThatIsNoneIsRefused(layers: String) throws {
    let world = try TestWorld()
    let failure = #expect(throws: PluginFailure.self) {
      _ = try ContrastiveModel(
        ObjectiveConfiguration(strategy: try world.strategy()),
        pooler: Pooler(parsing: "concat:layers=" + layers, in: world.registry), head: .none, hiddenWidth: Self.width,
        layerCount: Self.layerCount, maxRows: 5, maxTokens: 64, views: 2, services: world.services)
    }
    let text = failure.map { "\($0)" } ?? ""
    #expect(text.contains("is no layer; the encoder has 0 (embeddings) to 3"), "\(text)")
  }

  @Test(arguments: ["mode", "mean//max", "\"\"", "Mean"]) func aSummaryThatIsNoneIsRefused(of: String) throws {
    let world = try TestWorld()
    let failure = #expect(throws: PluginFailure.self) {
      _ = try ContrastiveModel(
        ObjectiveConfiguration(strategy: try world.strategy()),
        pooler: Pooler(parsing: "concat:of=" + of, in: world.registry), head: .none, hiddenWidth: Self.width,
        layerCount: Self.layerCount, maxRows: 5, maxTokens: 64, views: 2, services: world.services)
    }
    #expect(failure.map { "\($0)" }?.contains("is none of first, last, mean, max, sqrt, ramp") == true)
  }
}
