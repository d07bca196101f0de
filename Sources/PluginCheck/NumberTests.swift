// Level 2: are the numbers right? Gradients against central differences, purity, claims, parameters.

import Glibc
import Host
import Kernels
import PluginAPI

extension ConformanceTest {
  static let numberTests: [ConformanceTest] = [
    ConformanceTest("grad.fd", .numbers, "gradients agree with central differences") { bench in
      try onGradients(bench) { rig in try GradientCheck(rig, seed: bench.seed).run() }
    },
    ConformanceTest("grad.fd-padded", .numbers, "gradients agree with central differences where rows are padded") {
      bench in
      try onGradients(bench, RigShape(rows: 5, width: 7, isPadded: true)) {
        try GradientCheck($0, seed: bench.seed).run()
      }
    },
    ConformanceTest("grad.accumulate", .numbers, "gradients are added to what is there") { bench in
      try onGradients(bench) { rig in
        try bench.once(rig)
        let plain = rig.gradients.map(\.values)
        rig.clearGradients(1)
        _ = try rig.run(gradients: true)
        for (gradient, expected) in zip(rig.gradients, plain) {
          for (index, value) in gradient.values.enumerated()
          where abs(value - 1 - expected[index]) > 1e-4 * max(1, abs(expected[index])) {
            throw CheckProblem(
              "\(gradient.label)[\(index)] held 1 and is \(value) after a gradient of \(expected[index]):"
                + " it must be added (+=)"
            )
          }
        }
      }
    },
    ConformanceTest("grad.linear", .numbers, "twice the gradient behind it gives twice the gradient") { bench in
      try onGradients(bench) { rig in
        guard !rig.weightsOfOutputs.isEmpty else { return }
        try bench.once(rig)
        let single = bench.gradients(rig)
        for field in rig.weightsOfOutputs { field.values = field.values.map { 2 * $0 } }
        try bench.once(rig)
        for (input, expected) in zip(rig.differentiable, single) {
          for (index, value) in input.gradient().enumerated()
          where abs(value - 2 * expected[index]) > 1e-3 * max(0.01, abs(value)) {
            throw CheckProblem(
              "the gradient of \(input.label) is not linear: \(expected[index]) became \(value) at \(index)")
          }
        }
      }
    },
    ConformanceTest("grad.optional", .numbers, "without gradient buffers the same loss comes out") { bench in
      guard bench.isStrategy else { return .skipped("it is not run") }
      let rig = try bench.rig()
      let with = try bench.once(rig)
      let without = try rig.run(gradients: false)
      try expect(with == without, "the loss is \(with) with gradients and \(without) without")
      return .passed
    },
    ConformanceTest("pure.forward", .numbers, "the same call twice gives the same bytes; only commit writes states") {
      bench in
      guard bench.isStrategy else { return .skipped("it is not run") }
      let rig = try bench.rig()
      let states = rig.instance.states.map { Array($0.bytes) }
      let first = rig.snapshot(try bench.once(rig))
      try expect(rig.instance.states.map { Array($0.bytes) } == states, "a state was written outside of commit")
      let second = rig.snapshot(try bench.once(rig))
      try expect(first == second, "a second call on the same batch gave other numbers")
      try expect(rig.instance.states.map { Array($0.bytes) } == states, "a state was written outside of commit")
      return .passed
    },
    ConformanceTest("pure.gradients", .numbers, "the same call twice gives the same gradients") { bench in
      try onGradients(bench) { rig in
        try bench.once(rig)
        let first = bench.gradients(rig).map { $0.map(\.bitPattern) }
        try bench.once(rig)
        try expect(first == bench.gradients(rig).map { $0.map(\.bitPattern) }, "a second call gave other gradients")
      }
    },
    ConformanceTest("input.readonly", .numbers, "inputs are not written") { bench in
      guard bench.isStrategy else { return .skipped("it is not run") }
      if bench.isApart { return .skipped("its process cannot write what it is shown") }
      let rig = try bench.rig()
      for input in rig.inputs + rig.furtherInputs { input.pages.protect(true) }
      try bench.once(rig)
      return .passed
    },
    ConformanceTest("finite.normal", .numbers, "ordinary numbers give finite numbers") { bench in
      guard bench.isStrategy else { return .skipped("it is not run") }
      for seed in bench.seed..<(bench.seed + 4) {
        let rig = try ComponentBench(bench.component, seed: seed, settings: bench.settings).rig()
        try bench.expectFinite(rig, try bench.once(rig), "normal numbers (seed \(seed))")
      }
      return .passed
    },
    ConformanceTest("mask.exclude", .numbers, "excluded cells (-infinity) make no NaN and get no gradient") { bench in
      guard bench.isStrategy, let rig = try bench.rig() as? LogitsRig else { return .skipped("it reads no logits") }
      let cells = rig.exclude()
      try bench.expectFinite(rig, try bench.once(rig), "excluded cells")
      let gradient = rig.gradients[0].values
      for cell in cells where gradient[cell] != 0 {
        throw CheckProblem("the excluded cell \(cell) of dlogits got the gradient \(gradient[cell])")
      }
      return .passed
    },
    ConformanceTest("loss.row-mean", .numbers, "a loss that reports its rows is their mean") { bench in
      guard bench.isStrategy, let rig = try bench.rig() as? LogitsRig else { return .skipped("it reads no logits") }
      let value = try bench.once(rig)
      let rows = (0..<rig.shape.rows).map { rig.rowLoss.pointer.load(fromByteOffset: $0 * 8, as: Double.self) }
      if rows.allSatisfy(\.isNaN) { return .skipped("it reports no rows") }
      let mean = rows.reduce(0, +) / Double(rows.count)
      try expect(abs(mean - value) <= 1e-5 * max(1, abs(value)), "the loss is \(value), the mean of its rows \(mean)")
      return .passed
    },
    ConformanceTest("grad.temperature", .numbers, "the temperature's gradient agrees with central differences") {
      bench in
      guard bench.isStrategy, let rig = try bench.rig() as? LogitsRig else { return .skipped("it reads no logits") }
      guard rig.instance.values.double("temperature") != nil else { return .skipped("it has no temperature") }
      return try temperatureGradient(rig)
    },
    ConformanceTest("param.bounds", .numbers, "every parameter works at both ends of its range") { bench in
      guard bench.isStrategy else { return .skipped("it is not run") }
      for parameter in bench.component.parameters {
        for text in ends(of: parameter) {
          let rig = try bench.rig(settings: [(parameter.name, text)])
          try bench.expectFinite(rig, try bench.once(rig), "\(parameter.name)=\(text)")
        }
      }
      return bench.component.parameters.isEmpty ? .skipped("it has no parameters") : .passed
    },
    ConformanceTest("metric.finite", .numbers, "reported metrics are finite") { bench in
      guard bench.isStrategy, !bench.component.metrics.isEmpty else { return .skipped("it declares no metrics") }
      let rig = try bench.rig()
      try bench.once(rig)
      for metric in rig.instance.metrics where !metric.value.isFinite {
        throw CheckProblem("the metric '\(metric.name)' is \(metric.value)")
      }
      return .passed
    },
  ]

  /// A test on every component that has gradients.
  static func onGradients(
    _ bench: ComponentBench, _ shape: RigShape = RigShape(), _ body: (Rig) throws -> Void
  ) throws -> CheckOutcome {
    guard bench.isStrategy else { return .skipped("it is not run") }
    let rig = try bench.rig(shape)
    guard bench.hasGradient(rig) else {
      return .skipped(rig is AugmenterRig ? "tokens have no gradient" : "its vectors are detached")
    }
    try body(rig)
    try rig.checkEdges()
    return .passed
  }

  /// `d loss / dT`: of the logits `s / T` by `dlogits`, and of the rest by `dtemperature`.
  private static func temperatureGradient(_ rig: LogitsRig) throws -> CheckOutcome {
    let middle = 0.5
    func loss(at temperature: Double, gradients: Bool = false) throws -> Double {
      try rig.instance.values.set("temperature", to: temperature)
      rig.fill(.normal)
      rig.clearGradients(0)
      return try rig.run(gradients: gradients)
    }
    _ = try loss(at: middle, gradients: true)
    let logits = zip(rig.gradients[0].values, rig.inputs[0].values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    let beyond = rig.temperatureSlope.pointer.load(as: Double.self)
    if beyond.isNaN, rig.gradients[1].values.contains(where: { $0 != 0 }) {
      return .skipped("it writes dsim and no dtemperature, and is refused where a temperature is learned")
    }
    let found = (beyond.isNaN ? 0 : beyond) - logits / middle
    // Float32 spoils small steps, curvature large ones.
    let errors = try [0.1, 0.03, 0.01, 0.003].map { step in
      let slope = (try loss(at: middle + step) - loss(at: middle - step)) / (2 * step)
      return (slope: slope, error: abs(slope - found))
    }
    guard let best = errors.min(by: { $0.error < $1.error }) else { return .passed }
    try expect(
      best.error <= 5e-3 * max(0.1, abs(best.slope)),
      "d loss / dT is \(best.slope) by differences and \(found) by dlogits and dtemperature: a loss that knows the "
        + "temperature beyond its logits has to write dtemperature")
    return .passed
  }

  private static func ends(of parameter: ParameterDeclaration) -> [String] {
    switch parameter.type {
    case .bool: return ["true", "false"]
    case .choice(let words): return words
    case .string, .path: return []
    case .int, .float:
      guard let range = parameter.range else { return [] }
      var texts: [String] = []
      // Ends beyond this are there to say "no end"; sizes at them would fill the machine.
      if let lower = range.lower, range.lowerIncluded, abs(lower) <= 4096 { texts.append(text(lower, parameter)) }
      if let upper = range.upper, range.upperIncluded, abs(upper) <= 4096 { texts.append(text(upper, parameter)) }
      return texts
    }
  }

  private static func text(_ number: Double, _ parameter: ParameterDeclaration) -> String {
    parameter.type == .int ? "\(Int(number))" : "\(number)"
  }
}

/// Directional central differences: along the gradient, in random directions, along single numbers; the best of several
/// step sizes counts, because float32 noise spoils small steps and curvature large ones.
struct GradientCheck {
  let rig: Rig
  let seed: UInt64
  private static let steps: [Float] = [0.1, 0.03, 0.01, 0.003, 0.001, 0.0003]
  private static let tolerance = 1e-2

  init(_ rig: Rig, seed: UInt64) {
    self.rig = rig
    self.seed = seed
  }

  func run() throws {
    rig.clearGradients()
    _ = try rig.run(gradients: true)
    rig.hold(true)
    defer { rig.hold(false) }
    let inputs = rig.differentiable
    let gradients = inputs.map { $0.gradient() }
    let all = gradients.joined().reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    for (input, gradient) in zip(inputs, gradients) where input.count > 0 {
      let norm = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      for (name, way) in directions(input, gradient, norm) {
        let expected = zip(way, gradient).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        let (error, found) = try best(input, way, expected)
        let scale = max(norm, 1e-3 * all, 1e-5)
        try expect(
          error <= Self.tolerance * scale,
          "the gradient of \(input.label) is wrong \(name): it says \(expected), differences say \(found)"
            + " (seed \(seed), norm \(norm))")
      }
    }
  }

  private func directions(_ input: RigInput, _ gradient: [Float], _ norm: Double) -> [(String, [Float])] {
    var result: [(String, [Float])] = []
    if norm > 0 { result.append(("along itself", gradient.map { Float(Double($0) / norm) })) }
    for index in 0..<3 {
      var way = [Float](repeating: 0, count: input.count)
      way.withUnsafeMutableBufferPointer {
        RandomStream(seed: seed, name: "direction.\(input.label)").normal(step: UInt64(index), offset: 0, into: $0)
      }
      let length = way.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      result.append(("in random direction \(index)", way.map { Float(Double($0) / length) }))
    }
    for index in Set([0, input.count / 3, input.count - 1]).sorted() {
      var way = [Float](repeating: 0, count: input.count)
      way[index] = 1
      result.append(("at number \(index)", way))
    }
    return result
  }

  private func best(_ input: RigInput, _ way: [Float], _ expected: Double) throws -> (error: Double, found: Double) {
    let saved = (0..<input.count).map { input.pointer[input.index($0)] }
    defer { for index in saved.indices { input.pointer[input.index(index)] = saved[index] } }
    var best = (error: Double.infinity, found: Double.nan)
    for step in Self.steps {
      for index in saved.indices { input.pointer[input.index(index)] = saved[index] + step * way[index] }
      let above = try rig.run(gradients: false)
      for index in saved.indices { input.pointer[input.index(index)] = saved[index] - step * way[index] }
      let below = try rig.run(gradients: false)
      let slope = (above - below) / (2 * Double(step))
      if abs(slope - expected) < best.error { best = (abs(slope - expected), slope) }
    }
    return best
  }
}
