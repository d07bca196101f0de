// What poolers say of themselves, put into an export's words. Called by whoever writes a model folder.

import Host
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

extension PoolingDescription {
  fileprivate var exportTokens: ExportPooling.Tokens {
    switch tokens {
    case .first: .cls
    case .mean: .mean
    case .max: .max
    }
  }
}
