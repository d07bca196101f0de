// What a folder does with a pooled vector, module by module: the part of sentence-transformers behind Pooling. Read by
// SentenceTransformersModules, computed by Objective.

import Files

/// One step from a pooled vector to an embedding.
package enum VectorModule: Sendable, Equatable {
  /// A linear map and a function; its weights lie in a folder inside the model's.
  case dense(DenseModule)
  /// LayerNorm with the weights `norm.weight` and `norm.bias` of a folder inside the model's; epsilon 1e-5.
  case layerNorm(folder: String, width: Int)
  /// The vector is scaled to length 1.
  case normalize
  /// Its first numbers are kept (`truncate_dim`).
  case first(Int)

  /// Whether the module has weights, which were learned behind one pooler.
  package var hasWeights: Bool {
    switch self {
    case .dense, .layerNorm: true
    case .normalize, .first: false
    }
  }

  /// What it is called in notes.
  package var name: String {
    switch self {
    case .dense(let dense): "Dense \(dense.inputWidth) -> \(dense.outputWidth) (\(dense.activation.rawValue))"
    case .layerNorm: "LayerNorm"
    case .normalize: "Normalize"
    case .first(let width): "the first \(width) numbers"
    }
  }
}

/// `y = f(W x + b)`, and `+ x` or `+ R x` where there is a residual. Weights: `linear.weight [out, in]`,
/// `linear.bias [out]`, `residual.weight [out, in]`.
///
/// Source: base/modules/dense.py of sentence-transformers 6.2.
package struct DenseModule: Sendable, Equatable {
  /// Inside the model's folder.
  package var folder: String
  /// The width it takes.
  package var inputWidth: Int
  /// The width it makes.
  package var outputWidth: Int
  /// Whether there is a `b`.
  package var hasBias = true
  /// `f`
  package var activation = Activation.tanh
  /// Whether the input is added to the output, through a map of its own where widths differ.
  package var hasResidual = false

  /// What stands between the two.
  package enum Activation: String, Sendable, CaseIterable {
    case identity = "Identity"
    case tanh = "Tanh"
    case relu = "ReLU"
    case gelu = "GELU"
    case sigmoid = "Sigmoid"
    case silu = "SiLU"
    case leakyReLU = "LeakyReLU"
    case elu = "ELU"
    case softplus = "Softplus"
    case softsign = "Softsign"
    case mish = "Mish"
    case hardswish = "Hardswish"
    case hardtanh = "Hardtanh"
    case relu6 = "ReLU6"
    case selu = "SELU"
  }

  /// Whether it is what a head of training is: of equal width, with tanh and nothing else.
  package var isHead: Bool { inputWidth == outputWidth && hasBias && activation == .tanh && !hasResidual }

  /// The head of training that a folder keeps.
  package static func head(folder: String, width: Int) -> DenseModule {
    DenseModule(folder: folder, inputWidth: width, outputWidth: width)
  }
}
