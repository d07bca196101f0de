// What stands behind a pooler in a model folder: linear maps, norms, scaling, one after the other. Forward only, since
// training puts a head of its own behind the pooler. Made where embedders are opened.

import Glibc
import Kernels
import ModelFiles

/// The steps from a pooled vector to an embedding, with their weights.
final class VectorChain {
  private let steps: [Step]
  /// The width of the pooled vector.
  private let inputWidth: Int

  /// - Parameters:
  ///   - head: a head among an encoder's own weights, before the modules: `PREFIX.weight` and `PREFIX.bias`, of equal
  ///     width, with tanh.
  ///   - modules: as the folder records them.
  ///   - inputWidth: of the pooled vector.
  ///   - table: where a module's weights come from.
  /// - Throws: errors of files; `ObjectiveError.shape` where widths do not fit.
  init(
    head: (prefix: String, table: WeightTable)? = nil, _ modules: [VectorModule], inputWidth: Int,
    weights table: (String) throws -> WeightTable
  ) throws {
    var steps: [Step] = []
    if let head {
      let dense = DenseModule.head(folder: "", width: inputWidth)
      steps.append(.dense(try DenseStep(dense, prefix: head.prefix, in: head.table)))
    }
    for module in modules {
      steps.append(try Step(module, input: steps.reduce(inputWidth) { $1.width(behind: $0) }, weights: table))
    }
    (self.steps, self.inputWidth) = (steps, inputWidth)
  }

  /// Whether there is a step that was learned behind the pooler.
  var isLearned: Bool { steps.contains(where: \.isLearned) }

  /// The width of an embedding.
  /// - Parameter learned: without the steps that were learned.
  func width(learned: Bool) -> Int { used(learned).reduce(inputWidth) { $1.width(behind: $0) } }

  private func used(_ learned: Bool) -> [Step] { learned ? steps : steps.filter { !$0.isLearned } }

  /// Writes embeddings of pooled vectors: `vectors` [rows, inputWidth], `output` [rows, width(learned:)].
  func forward(_ pool: ThreadPool, _ vectors: Matrix, learned: Bool, into output: Matrix) {
    let steps = used(learned)
    var (current, owner) = (vectors, nil as FloatBuffer?)
    for (index, step) in steps.enumerated() {
      let width = step.width(behind: current.columns)
      let next = index == steps.count - 1 ? nil : FloatBuffer(count: current.rows * width)
      let target = next?.matrix(rows: current.rows, columns: width) ?? output
      withExtendedLifetime(owner) { step.forward(pool, current, into: target) }
      (current, owner) = (target, next)
    }
    if steps.isEmpty { copy(vectors, to: output) }
  }
}

/// One step.
private enum Step {
  case dense(DenseStep)
  case layerNorm(NormStep)
  case normalize
  case first(Int)

  init(_ module: VectorModule, input: Int, weights table: (String) throws -> WeightTable) throws {
    func check(_ expected: Int, _ what: String) throws {
      guard expected != input else { return }
      throw ObjectiveError.shape(what: what, expected: "\(expected) numbers", found: "\(input)")
    }
    switch module {
    case .dense(let dense):
      try check(dense.inputWidth, "what comes before \(dense.folder)")
      self = .dense(try DenseStep(dense, prefix: "linear", in: table(dense.folder)))
    case .layerNorm(let folder, let width):
      try check(width, "what comes before \(folder)")
      self = .layerNorm(try NormStep(width: width, in: table(folder)))
    case .normalize: self = .normalize
    case .first(let width): self = .first(width)
    }
  }

  var isLearned: Bool {
    switch self {
    case .dense, .layerNorm: true
    case .normalize, .first: false
    }
  }

  /// The width it makes of vectors of a width.
  func width(behind input: Int) -> Int {
    switch self {
    case .dense(let step): step.module.outputWidth
    case .layerNorm, .normalize: input
    case .first(let width): min(width, input)
    }
  }

  func forward(_ pool: ThreadPool, _ input: Matrix, into output: Matrix) {
    switch self {
    case .dense(let step): step.forward(pool, input, into: output)
    case .layerNorm(let step): step.forward(input, into: output)
    case .normalize:
      for row in 0..<input.rows {
        let length = max(dot(input.row(row), input.row(row), input.columns).squareRoot(), normFloor)
        for column in 0..<input.columns { output.row(row)[column] = input.row(row)[column] / length }
      }
    case .first:
      for row in 0..<input.rows { output.row(row).update(from: input.row(row), count: output.columns) }
    }
  }
}

/// A linear map and a function.
private struct DenseStep {
  let module: DenseModule
  private let weight: FloatBuffer
  private let bias, residual: FloatBuffer?

  init(_ module: DenseModule, prefix: String, in table: WeightTable) throws {
    let (input, output) = (module.inputWidth, module.outputWidth)
    func read(_ name: String, _ shape: [Int]) throws -> FloatBuffer {
      let buffer = FloatBuffer(count: shape.reduce(1, *))
      try table.copy(name, shape: shape, into: buffer.pointer)
      return buffer
    }
    self.module = module
    weight = try read(prefix + ".weight", [output, input])
    bias = module.hasBias ? try read(prefix + ".bias", [output]) : nil
    residual = module.hasResidual && input != output ? try read("residual.weight", [output, input]) : nil
  }

  func forward(_ pool: ThreadPool, _ input: Matrix, into output: Matrix) {
    multiply(pool, input, weight, into: output, adding: false)
    pool.parallelFor(output.rows, grain: 8) { range, _ in
      for index in range {
        let row = output.row(index)
        for column in 0..<output.columns {
          row[column] = module.activation.value(row[column] + (bias?.pointer[column] ?? 0))
        }
      }
    }
    guard module.hasResidual else { return }
    if let residual { return multiply(pool, input, residual, into: output, adding: true) }
    for index in 0..<output.rows {
      for column in 0..<output.columns { output.row(index)[column] += input.row(index)[column] }
    }
  }

  /// `output = input W^T`, or that added to it.
  private func multiply(_ pool: ThreadPool, _ input: Matrix, _ weight: FloatBuffer, into output: Matrix, adding: Bool) {
    gemm(
      pool, .no, .yes, m: input.rows, n: module.outputWidth, k: module.inputWidth, alpha: 1, a: input.pointer,
      lda: input.rowStride, b: weight.pointer, ldb: module.inputWidth, beta: adding ? 1 : 0, c: output.pointer,
      ldc: output.rowStride)
  }
}

/// `(x - mean) / sqrt(variance + 1e-5) * gamma + beta`
private struct NormStep {
  let width: Int
  private let gamma, beta: FloatBuffer

  init(width: Int, in table: WeightTable) throws {
    (self.width, gamma, beta) = (width, FloatBuffer(count: width), FloatBuffer(count: width))
    try table.copy("norm.weight", shape: [width], into: gamma.pointer)
    try table.copy("norm.bias", shape: [width], into: beta.pointer)
  }

  func forward(_ input: Matrix, into output: Matrix) {
    for index in 0..<input.rows {
      let (x, y) = (input.row(index), output.row(index))
      let mean = (0..<width).reduce(0.0) { $0 + Double(x[$1]) } / Double(width)
      let variance = (0..<width).reduce(0.0) { $0 + (Double(x[$1]) - mean) * (Double(x[$1]) - mean) } / Double(width)
      let inverse = 1 / (variance + 1e-5).squareRoot()
      for k in 0..<width { y[k] = Float((Double(x[k]) - mean) * inverse) * gamma.pointer[k] + beta.pointer[k] }
    }
  }
}

extension DenseModule.Activation {
  /// The function of torch.nn of that name, with its default settings.
  fileprivate func value(_ x: Float) -> Float {
    switch self {
    case .identity: x
    case .tanh: tanhf(x)
    case .relu: max(x, 0)
    case .gelu: 0.5 * x * (1 + erff(x * Float(0.5).squareRoot()))
    case .sigmoid: Self.sigmoid(x)
    case .silu: x * Self.sigmoid(x)
    case .leakyReLU: x >= 0 ? x : 0.01 * x
    case .elu: x > 0 ? x : expm1f(x)
    case .softplus: Self.softplus(x)
    case .softsign: x / (1 + abs(x))
    case .mish: x * tanhf(Self.softplus(x))
    case .hardswish: x * min(max(x + 3, 0), 6) / 6
    case .hardtanh: min(max(x, -1), 1)
    case .relu6: min(max(x, 0), 6)
    case .selu: 1.050_700_987_355_480_5 * (x > 0 ? x : 1.673_263_242_354_377_2 * expm1f(x))
    }
  }

  private static func sigmoid(_ x: Float) -> Float { 1 / (1 + expf(-x)) }

  /// Above 20 it is x to the last bit.
  private static func softplus(_ x: Float) -> Float { x > 20 ? x : log1pf(expf(x)) }
}
