// One rank's part in summing gradients and moving weights. All but the word table is shared out in chunks: a rank adds
// up the gradients of its chunks in the order of the ranks, moves them, and sends the new values to all. Of the word
// table only the rows travel that occurred, and every rank moves all of it: rows that did not occur move, too, and to
// move them costs less than to send them.
// Source of sharing the optimiser out: Rajbhandari et al., "ZeRO", SC 2020, stage 1.

import CKernels
import Kernels

/// The weights of an encoder on one rank.
final class RankedWeights {
  let parameters: [Parameter]
  let group: RankGroup
  let pool: ThreadPool
  let table: Parameter
  let marks: TouchedRows
  /// All but the table, which lies before it in memory.
  let rest: [Parameter]
  private let values: UnsafeMutablePointer<Float>
  /// Of the rest, and of the table; those of each shard, which come together in the first.
  let gradients, tableGradients: [UnsafeMutablePointer<Float>]
  /// Of each rank its first number of the rest, and the end.
  let starts: [Int64]
  /// Of each rank its first chunk of the rest, and the end.
  let chunkStarts: [Int64]
  /// Of each set of layers' weights its numbers of the rest; the last one ends with them.
  let sets: [Range<Int>]
  /// What is on its way, from the end on downwards.
  var sent: [Range<Int>] = []
  /// What this rank moves of each parameter.
  let own: [(parameter: Parameter, part: Range<Int>)]
  private let first, second, tableFirst, tableSecond: FloatBuffer
  let received = ScratchBuffer(), packed = ScratchBuffer(), receivedRows = ScratchBuffer()
  /// Rows of the table with gradients, each once.
  var rows: [Int32] = []
  var isListed: [Bool]

  /// - Parameters:
  ///   - shards: the parameters of encoders on the same values, in the order of memory, the word table first.
  ///   - sets: of each set of layers' weights the places in a shard, the last ones of all.
  init(_ shards: [[Parameter]], sets: [Range<Int>], group: RankGroup, pool: ThreadPool) {
    guard let parameters = shards.first, let table = parameters.first, let marks = table.touched, parameters.count > 1
    else { preconditionFailure("an encoder begins with its word table") }
    (self.parameters, self.group, self.pool, self.table, self.marks) = (parameters, group, pool, table, marks)
    rest = Array(parameters.dropFirst())
    values = rest[0].value
    self.sets = sets.map { [values] places in
      let (first, last) = (parameters[places.lowerBound], parameters[places.upperBound - 1])
      return first.value - values..<last.value - values + last.count
    }
    (gradients, tableGradients) = (shards.map { $0[1].gradient }, shards.map { $0[0].gradient })
    let chunks = rest.map { GradientChunks.ranges($0.count) }
    let borders = RankShares.borders(sizes: chunks.flatMap { $0.map(\.count) }, ranks: group.size)
    let ends = chunks.joined().reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }
    chunkStarts = borders.map(Int64.init)
    starts = borders.map { Int64(ends[$0]) }
    var own: [(parameter: Parameter, part: Range<Int>)] = []
    var offset = 0
    for parameter in rest {
      precondition(parameter.value == values + offset, "\(parameter.name) does not follow the one before")
      let range = (offset..<offset + parameter.count).clamped(to: Int(starts[group.rank])..<Int(starts[group.rank + 1]))
      if !range.isEmpty { own.append((parameter, range.lowerBound - offset..<range.upperBound - offset)) }
      offset += parameter.count
    }
    self.own = own
    let count = Int(starts[group.rank + 1] - starts[group.rank])
    (first, second) = (FloatBuffer(count: count), FloatBuffer(count: count))
    tableFirst = FloatBuffer(count: table.count, sparse: table.count)
    tableSecond = FloatBuffer(count: table.count, sparse: table.count)
    isListed = Array(repeating: false, count: marks.rows)
  }

  var ownStart: Int { Int(starts[group.rank]) }
  var ownCount: Int { Int(starts[group.rank + 1]) - ownStart }
  var total: Int { Int(starts[group.size]) }

  // MARK: Weights

  /// AdamW, then the new values to all.
  func step(_ step: DeviceStep) {
    let (rate, decay) = (Float(step.learningRate), Float(step.weightDecay))
    let scale = Float(step.gradientScale)
    pool.profile.measure("optimizer/AdamW") {
      for (parameter, part) in own {
        let place = parameter.value + part.lowerBound - values - ownStart
        adamwStep(
          pool, parameter, part: part, m: first.pointer + place, v: second.pointer + place, learningRate: rate,
          weightDecay: decay, step: step.number, gradientScale: scale)
      }
      adamwStep(
        pool, table, m: tableFirst.pointer, v: tableSecond.pointer, learningRate: rate, weightDecay: decay,
        step: step.number, gradientScale: scale)
    }
    pool.profile.measure("ranks/weights") { group.collect(values, starts) }
    pool.profile.measure("optimizer/zero gradients") { clear() }
  }

  /// Of all but the table: a part of it that is spread over the ranks to rank 0. Gradients come to where they belong.
  /// - Returns: on rank 0 what came together; nil elsewhere, and where all ranks have all of it.
  func gather(_ part: DevicePart) -> FloatBuffer? {
    switch part {
    case .value: return nil
    case .gradient:
      group.gather(gradients[0] + ownStart, into: gradients[0], starts)
      return nil
    case .firstMoment, .secondMoment:
      let mine = part == .firstMoment ? first : second
      guard group.rank == 0 else {
        group.gather(mine.pointer, into: nil, starts)
        return nil
      }
      let all = FloatBuffer(count: total)
      all.pointer.update(from: mine.pointer, count: ownCount)
      group.gather(mine.pointer, into: all.pointer, starts)
      return all
    }
  }

  /// What rank 0 has of a tensor after `gather`.
  func copy(_ part: DevicePart, of index: Int, gathered: FloatBuffer?, into target: UnsafeMutablePointer<Float>) {
    let parameter = parameters[index]
    let source =
      switch part {
      case .value: parameter.value
      case .gradient: parameter.gradient
      case .firstMoment where index == 0: tableFirst.pointer
      case .secondMoment where index == 0: tableSecond.pointer
      case .firstMoment, .secondMoment: (gathered ?? first).pointer + (parameter.value - values)
      }
    if source != target { target.update(from: source, count: parameter.count) }
  }

  /// Takes a part of a tensor over: `source` holds all of it.
  func set(_ part: DevicePart, of index: Int, from source: UnsafePointer<Float>) {
    let parameter = parameters[index]
    switch part {
    case .value: parameter.value.update(from: source, count: parameter.count)
    case .gradient: parameter.gradient.update(from: source, count: parameter.count)
    case .firstMoment, .secondMoment:
      guard index > 0 else { return setTable(part == .firstMoment ? tableFirst : tableSecond, from: source) }
      let offset = parameter.value - values
      let mine = (offset..<offset + parameter.count).clamped(to: ownStart..<ownStart + ownCount)
      let target = part == .firstMoment ? first : second
      (target.pointer + mine.lowerBound - ownStart).update(from: source + mine.lowerBound - offset, count: mine.count)
    }
  }

  /// Rows of zeros take up no memory, and have never had a gradient.
  private func setTable(_ target: FloatBuffer, from source: UnsafePointer<Float>) {
    let width = marks.width
    for row in 0..<marks.rows where marks[row] || (0..<width).contains(where: { source[row * width + $0] != 0 }) {
      (target.pointer + row * width).update(from: source + row * width, count: width)
      marks.mark(row)
    }
  }
}
