// When the watch over the space of embeddings speaks.

import Evaluation
import Kernels
import TestSupport
import Testing
import Training

@Suite("collapse")
struct CollapseWatchTests {
  /// Random vectors of width 16 in which the first `used` directions vary, around `offset` along one direction.
  private func space(used: Int, offset: Float = 0, sentences: Int = 80) throws -> SpaceStatistics {
    let stream = RandomStream(seed: 8, name: "collapse")
    let names = (0..<sentences).map { "\($0)" }
    let buffer = FloatBuffer(count: sentences * 16)
    for row in 0..<sentences {
      let target = UnsafeMutableBufferPointer(start: buffer.pointer + row * 16, count: used)
      stream.normal(step: UInt64(row), offset: 0, into: target)
      buffer.pointer[row * 16] += offset
    }
    var collection = SentenceCollection()
    collection.add(names)
    let table = SentenceTable(collection, matrix: buffer.matrix(rows: sentences, columns: 16), owner: buffer)
    let set = PairSet(
      name: "s", first: Array(names.prefix(sentences / 2)), second: Array(names.suffix(sentences / 2)),
      gold: [Double](repeating: 5, count: sentences / 2))
    return try #require(SpaceStatistics(STSTask(name: "s", subsets: [set]), table, pool: ThreadPool(threads: 1)))
  }

  @Test("a space that is in use is left alone")
  func healthy() throws {
    var watch = CollapseWatch()
    for used in [16, 12, 8] { #expect(watch.warning(try space(used: used)) == nil) }
  }

  @Test("one direction, one dimension, or a quarter of what there was, is a collapse")
  func whatCountsAsACollapse() throws {
    var oneWay = CollapseWatch()
    let text = try #require(oneWay.warning(try space(used: 16, offset: 100)))
    #expect(text.contains("mean cosine") && text.contains("0.99"), "\(text)")
    var thin = CollapseWatch()
    #expect(thin.warning(try space(used: 1)) != nil)
    var falling = CollapseWatch()
    #expect(falling.warning(try space(used: 16)) == nil)
    #expect(falling.warning(try space(used: 3))?.contains("of 16 (at first") == true)
    var low = CollapseWatch()
    #expect(low.warning(try space(used: 3)) == nil, "low from the start is no fall")
  }

  @Test("a handful of sentences cannot fill a space and is no collapse")
  func few() throws {
    var watch = CollapseWatch()
    #expect(watch.warning(try space(used: 16, sentences: 4)) == nil)
  }
}
