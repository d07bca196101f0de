// What poolers say of themselves, put into an export's words. Called by whoever writes a model folder.

import Host
import Kernels
package import ModelFiles

extension PoolingStack {
  /// How an export writes these poolers down, with their parameters and learned weights as they are now.
  ///
  /// What sentence-transformers cannot do, or the pooler does not say, is kept as text only; `ExportPooling.obstacle`
  /// has the reason. That a description cannot be used costs no trained model either.
  /// - Parameter text: the poolers as typed.
  package func exportPooling(text: String) -> ExportPooling {
    guard let pooler = instances.first, instances.count == 1 else {
      return ExportPooling(text: text, obstacle: "is a chain, which sentence-transformers does not have")
    }
    guard let description = pooler.component.pooling else {
      return ExportPooling(text: text, obstacle: "does not say what it computes (extension cse.pooling/1)")
    }
    guard outputWidth == hiddenWidth else {
      return ExportPooling(
        text: text, obstacle: "makes \(outputWidth) numbers of \(hiddenWidth), which sentence-transformers does not do")
    }
    do {
      let weights = try pooler.layerWeights() ?? []
      return ExportPooling(text: text, tokens: description.exportTokens, layerWeights: weights)
    } catch {
      return ExportPooling(text: text, obstacle: "could not say what it computes (\(error))")
    }
  }
}

extension PoolingStack {
  /// What poolers remember, as an export keeps it; valid as long as this stack and its plan.
  package var exportStates: [SafetensorsWriter.Entry] {
    states.map { state in
      let memory = UnsafeRawPointer(state.tensor.floats)
      return state.element == .float32
        ? .init(name: Self.stored(state), shape: state.shape, pointer: memory.assumingMemoryBound(to: Float.self))
        : .init(name: Self.stored(state), shape: state.shape, integers: memory.assumingMemoryBound(to: Int64.self))
    }
  }

  /// Puts back what a folder keeps of plugins: what was learned and what is remembered.
  ///
  /// - Parameter table: nil where the folder keeps nothing.
  /// - Throws: errors of the file; `ObjectiveError.unsupportedPooling` where a pooler needs what is not there.
  func restore(_ table: WeightTable?, folder: String) throws {
    for weight in instances.flatMap(\.weights) {
      guard let table, table.contains(weight.name) else { continue }
      try table.copy(weight.name, shape: weight.shape, into: weight.value)
    }
    for state in states {
      let name = Self.stored(state)
      guard let table, table.contains(name) else {
        guard state.declaration.start == .documents else { continue }
        throw ObjectiveError.unsupportedPooling(
          folder: folder, reason: "\(state.name) holds document frequencies, which the folder lacks")
      }
      let memory = UnsafeMutableRawPointer(state.tensor.floats)
      if state.element == .float32 {
        try table.copy(name, shape: state.shape, into: memory.assumingMemoryBound(to: Float.self))
      } else {
        try table.copy(name, shape: state.shape, integers: memory.assumingMemoryBound(to: Int64.self))
      }
    }
  }

  /// Apart from weights, which may have the same name.
  private static func stored(_ state: StateTensor) -> String { "state." + state.name }
}

extension PoolingDescription {
  fileprivate var exportTokens: ExportPooling.Tokens {
    switch tokens {
    case .first: .cls
    case .mean: .mean
    case .max: .max
    }
  }
}
