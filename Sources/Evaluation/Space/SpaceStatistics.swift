// How the embeddings lie in their space: closeness of positives, spread over the sphere, anisotropy, collapse. Computed
// by the evaluate command and at each evaluation during training.

import Glibc
package import Kernels

/// Figures of a set of embeddings, all on unit vectors.
package struct SpaceStatistics: Sendable, Equatable {
  /// Mean squared distance of the pairs whose gold score is above 4, in [0, 4]; nil where there are none.
  package var alignment: Double?
  /// How many pairs that were.
  package var alignmentPairs: Int
  /// log of the mean of exp(-2 |x - y|^2) over all pairs of distinct sentences, in [-8, 0].
  package var uniformity: Double
  /// Mean cosine of two distinct sentences: 0 where directions spread evenly, 1 where all are the same.
  package var meanCosine: Double
  /// exp of the entropy of the covariance's normalised eigenvalues: how many directions are in use, 1 to width.
  package var effectiveRank: Double
  /// The number of distinct sentences.
  package var sentences: Int
  /// Numbers of an embedding.
  package var width: Int

  /// Gold scores above this make a positive pair, on the scale 0 to 5 of STS-B.
  package static let positiveAbove = 4.0

  /// The figures of a task's pairs; nil with fewer than two distinct sentences.
  ///
  /// Sources: Wang and Isola, "Understanding contrastive representation learning through alignment and uniformity on
  /// the hypersphere", 2020 (alpha = 2, t = 2); positives as in Gao et al., "SimCSE", 2021; Roy and Vetterli, "The
  /// effective rank", 2007.
  package init?(_ task: STSTask, _ table: SentenceTable, pool: ThreadPool) {
    var collection = SentenceCollection()
    collection.add(task.sentences)
    guard collection.sentences.count > 1 else { return nil }
    let unit = UnitRows(collection.sentences, table)
    (sentences, width) = (unit.rows, unit.width)
    (alignment, alignmentPairs) = Self.alignment(task, table)
    uniformity = unit.uniformity(pool)
    meanCosine = unit.meanCosine
    effectiveRank = unit.effectiveRank(pool)
  }

  /// Mean of |x - y|^2 = 2 - 2 cos over the positives.
  private static func alignment(_ task: STSTask, _ table: SentenceTable) -> (Double?, Int) {
    var (sum, count) = (0.0, 0)
    for set in task.subsets {
      for (cosine, gold) in zip(set.similarities(table), set.gold) where gold > positiveAbove {
        sum += 2 - 2 * cosine
        count += 1
      }
    }
    return (count > 0 ? sum / Double(count) : nil, count)
  }
}

/// Copies of embeddings scaled to length 1; a zero vector stays zero.
private struct UnitRows {
  let rows: Int
  let width: Int
  private let buffer: FloatBuffer

  init(_ sentences: [String], _ table: SentenceTable) {
    (rows, width) = (sentences.count, table.width)
    let buffer = FloatBuffer(count: sentences.count * table.width)
    let width = table.width
    table.withRows(of: sentences) { pointers in
      for (row, source) in pointers.enumerated() {
        let length = (0..<width).reduce(0.0) { $0 + Double(source[$1]) * Double(source[$1]) }.squareRoot()
        guard length > 0, length.isFinite else { continue }
        for i in 0..<width { buffer.pointer[row * width + i] = Float(Double(source[i]) / length) }
      }
    }
    self.buffer = buffer
  }

  /// Over blocks of the Gram matrix, so that memory stays small however many sentences there are.
  func uniformity(_ pool: ThreadPool) -> Double {
    let block = 256
    let gram = FloatBuffer(count: min(block, rows) * rows)
    let total = withExtendedLifetime(gram) {
      stride(from: 0, to: rows, by: block).reduce(0.0) { sum, start in
        sum + potential(from: start, count: min(block, rows - start), gram, pool)
      }
    }
    return log(total / (Double(rows) * Double(rows - 1) / 2))
  }

  /// The sum of exp(-2 |x - y|^2) = exp(4 cos - 4) over rows of the block and all rows behind them.
  private func potential(from start: Int, count: Int, _ gram: FloatBuffer, _ pool: ThreadPool) -> Double {
    let columns = rows - start
    let first = buffer.pointer + start * width
    gemm(
      pool, .no, .yes, m: count, n: columns, k: width, alpha: 1, a: first, lda: width, b: first, ldb: width, beta: 0,
      c: gram.pointer, ldc: columns)
    var sums = [Double](repeating: 0, count: count)
    sums.withUnsafeMutableBufferPointer { sums in
      nonisolated(unsafe) let sums = sums
      pool.parallelFor(count, grain: 16) { range, _ in
        for row in range where row + 1 < columns {
          let cosines = gram.pointer + row * columns
          sums[row] = (row + 1..<columns).reduce(0) { $0 + exp(4 * Double(cosines[$1]) - 4) }
        }
      }
    }
    return sums.reduce(0, +)
  }

  private var sum: [Double] {
    var sum = [Double](repeating: 0, count: width)
    for row in 0..<rows {
      for i in 0..<width { sum[i] += Double(buffer.pointer[row * width + i]) }
    }
    return sum
  }

  /// From |sum of x|^2 = sum of |x|^2 + twice the sum over pairs.
  var meanCosine: Double {
    let all = sum.reduce(0) { $0 + $1 * $1 }
    let own = (0..<rows * width).reduce(0.0) { $0 + Double(buffer.pointer[$1]) * Double(buffer.pointer[$1]) }
    return (all - own) / (Double(rows) * Double(rows - 1))
  }

  /// Of the covariance [width, width].
  func effectiveRank(_ pool: ThreadPool) -> Double {
    let mean = sum.map { $0 / Double(rows) }
    let centred = FloatBuffer(count: rows * width)
    for row in 0..<rows {
      for i in 0..<width { centred.pointer[row * width + i] = Float(Double(buffer.pointer[row * width + i]) - mean[i]) }
    }
    let product = FloatBuffer(count: width * width)
    let covariance = withExtendedLifetime((centred, product)) {
      gemm(
        pool, .yes, .no, m: width, n: width, k: rows, alpha: 1, a: centred.pointer, lda: width, b: centred.pointer,
        ldb: width, beta: 0, c: product.pointer, ldc: width)
      return (0..<width * width).map { Double(product.pointer[$0]) / Double(rows) }
    }
    let values = SymmetricEigenvalues.values(covariance, size: width).map { max(0, $0) }
    let total = values.reduce(0, +)
    guard total > 0 else { return 1 }
    return exp(-values.reduce(0) { $1 > 0 ? $0 + $1 / total * log($1 / total) : $0 })
  }
}
