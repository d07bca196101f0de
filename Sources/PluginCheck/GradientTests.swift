// Level 2, gradients one by one: every number of a small batch, every row of a large one, at values of parameters that
// are not the default, with positives that are not on the diagonal.

import Host
import Kernels
import PluginAPI

extension ConformanceTest {
  static let gradientTests: [ConformanceTest] = [
    ConformanceTest("grad.every", .numbers, "every number of a small batch has the gradient of central differences") {
      bench in
      try onGradients(bench, RigShape(rows: 4, width: 5)) { try SlopeCheck($0, bench).everyNumber() }
    },
    ConformanceTest("grad.values", .numbers, "the same at other values of each parameter") { bench in
      guard bench.isStrategy else { return .skipped("it is not run") }
      var tried = 0
      for parameter in bench.component.parameters where !bench.settings.contains(where: { $0.0 == parameter.name }) {
        for text in otherValues(of: parameter) {
          guard let rig = try bench.acceptedRig(RigShape(rows: 4, width: 5), [(parameter.name, text)]) else { continue }
          guard bench.hasGradient(rig) else { continue }
          tried += 1
          do { try SlopeCheck(rig, bench).everyNumber() } catch let problem as CheckProblem {
            throw CheckProblem("with \(parameter.name)=\(text): \(problem)")
          }
        }
      }
      return tried > 0 ? .passed : .skipped("it has no parameter with another value, or no gradient")
    },
    ConformanceTest("grad.large", .numbers, "every row of a batch of 72 has the gradient of central differences") {
      bench in
      // Two calls for each column and each of some thousand differences.
      if bench.component.bare?.meaning.forward.declaration.attributes.isRowwise == true {
        return .skipped("it is rowwise")
      }
      return try onGradients(bench, RigShape(rows: 72, width: 12)) { try SlopeCheck($0, bench).everyRow() }
    },
    ConformanceTest("grad.target", .numbers, "a row's positive is where target says, not on the diagonal") { bench in
      guard bench.isStrategy, let rig = try bench.rig(RigShape(rows: 4, width: 5)) as? LogitsRig else {
        return .skipped("it reads no logits")
      }
      rig.setTargets { ($0 + 1) % rig.shape.rows }
      try SlopeCheck(rig, bench).everyNumber()
      return .passed
    },
  ]

  /// Values within the range that are not the default.
  private static func otherValues(of parameter: ParameterDeclaration) -> [String] {
    var texts: [String] = []
    func add(_ number: Double) {
      guard parameter.range?.contains(number) ?? true else { return }
      texts.append(parameter.type == .int ? "\(Int(number))" : "\(number)")
    }
    switch parameter.type {
    case .bool: texts = ["true", "false"]
    case .choice(let words): texts = words
    case .string, .path: break
    case .int:
      let middle = parameter.default.number ?? 0
      for number in [middle + 1, 3 * middle] { add(number) }
    case .float:
      let middle = parameter.default.number ?? 0
      for factor in [0.1, 3, 10, 100] { add(factor * middle) }
      if middle == 0 { for number in [0.1, 1] { add(number) } }
    }
    return texts.enumerated().filter { index, text in
      text != parameter.default.description && !texts[..<index].contains(text)
    }.map(\.element)
  }
}

/// Compares a gradient with central differences, one number or one row at a time.
///
/// With one step of Richardson's extrapolation; the best of several step sizes counts, because float32 noise spoils
/// small steps and curvature large ones. An error may be 0.3 % of the root mean square of the input's gradient (2 %
/// along a row), so that a wrong sign of a term of one per cent is found.
struct SlopeCheck {
  private let rig: Rig
  private let seed: UInt64
  private let tolerance: Double
  private static let steps: [Float] = [0.1, 0.03, 0.01, 0.003, 1e-3, 3e-4, 1e-4, 1e-5]

  init(_ rig: Rig, _ bench: ComponentBench) {
    self.rig = rig
    seed = bench.seed
    // Such a gradient is made of differences itself.
    let isRowwise = bench.component.bare?.meaning.forward.declaration.attributes.isRowwise == true
    tolerance = isRowwise ? 0.03 : 0.003
  }

  func everyNumber() throws {
    try compare { input in
      (0..<input.count).map { [$0] }
    } allowing: {
      tolerance * $0
    }
  }

  /// Along random signs, so that no number of a row hides behind another.
  func everyRow() throws {
    try compare { input in
      (0..<input.rows).map { row in Array(row * input.width..<(row + 1) * input.width) }
    } allowing: {
      0.02 * $0
    }
  }

  private func compare(_ groups: (RigInput) -> [[Int]], allowing bound: (Double) -> Double) throws {
    rig.clearGradients()
    _ = try rig.run(gradients: true)
    rig.hold(true)
    defer { rig.hold(false) }
    let inputs = rig.differentiable
    let gradients = inputs.map { $0.gradient().map(Double.init) }
    func size(_ values: [Double]) -> Double {
      (values.reduce(0) { $0 + $1 * $1 } / Double(max(values.count, 1))).squareRoot()
    }
    let all = size(Array(gradients.joined()))
    for (input, gradient) in zip(inputs, gradients) where input.count > 0 {
      let scale = max(size(gradient), 1e-2 * all, 1e-6)
      for (place, members) in groups(input).enumerated() {
        let signs = self.signs(members.count, "\(input.label).\(place)")
        let expected = zip(members, signs).reduce(0) { $0 + gradient[$1.0] * Double($1.1) }
        let allowed = bound(scale) * Double(members.count).squareRoot()
        let found = try nearest(to: expected, input, members, signs, enough: allowed / 4)
        let what = members.count == 1 ? "number \(place)" : "row \(place)"
        try expect(
          abs(found - expected) <= allowed,
          "the gradient of \(input.label) is wrong at \(what): it says \(expected), differences say \(found) "
            + "(seed \(seed), allowed are \(allowed))")
      }
    }
  }

  private func signs(_ count: Int, _ name: String) -> [Float] {
    guard count > 1 else { return [1] }
    var numbers = [Float](repeating: 0, count: count)
    numbers.withUnsafeMutableBufferPointer {
      RandomStream(seed: seed, name: "signs.\(name)").normal(step: 0, offset: 0, into: $0)
    }
    return numbers.map { $0 < 0 ? -1 : 1 }
  }

  private func nearest(
    to expected: Double, _ input: RigInput, _ members: [Int], _ signs: [Float], enough: Double
  ) throws -> Double {
    var best = Double.nan
    for step in Self.steps {
      let whole = try slope(input, members, signs, step)
      let half = try slope(input, members, signs, step / 2)
      for slope in [whole, half, (4 * half - whole) / 3] {
        if best.isNaN || abs(slope - expected) < abs(best - expected) { best = slope }
      }
      if abs(best - expected) <= enough { break }
    }
    return best
  }

  private func slope(_ input: RigInput, _ members: [Int], _ signs: [Float], _ step: Float) throws -> Double {
    let places = members.map { input.index($0) }
    let saved = places.map { input.pointer[$0] }
    defer { for (place, value) in zip(places, saved) { input.pointer[place] = value } }
    // How far the numbers really move: a step is rounded.
    var way = 0.0
    for (index, place) in places.enumerated() {
      input.pointer[place] = saved[index] + signs[index] * step
      way += Double(input.pointer[place]) * Double(signs[index])
    }
    let above = try rig.run(gradients: false)
    for (index, place) in places.enumerated() {
      input.pointer[place] = saved[index] - signs[index] * step
      way -= Double(input.pointer[place]) * Double(signs[index])
    }
    let below = try rig.run(gradients: false)
    return (above - below) / (way / Double(members.count))
  }
}
