// How gradients come together: a rank's shards, then the ranks, two and two. Those of a layer may leave while backward
// goes on below it; the sums are the same ones.

import CKernels
import Kernels

extension RankedWeights {
  /// The batch whose gradients were added on all ranks together.
  func occurred(_ tokens: [Int32]) {
    for token in tokens where !isListed[Int(token)] {
      isListed[Int(token)] = true
      rows.append(token)
    }
  }

  /// Adds up the gradients of all ranks.
  /// - Returns: on rank 0 the sum of squares of all of them, added in the order of one process.
  func sum(wholeTable: Bool) -> Double {
    if wholeTable { occurred((0..<Int32(marks.rows)).map { $0 }) }
    pool.profile.measure("ranks/gradients") {
      sumTableShards()
      sumRows()
      if sent.isEmpty {
        sumShards(0..<total)
        group.exchange(gradients[0], starts, into: receivedPart(0))
        group.addUp(receivedPart(0), count: ownCount, into: gradients[0] + ownStart, pool: pool)
      } else {
        precondition(unsent.isEmpty, "gradients leave whole")
        finishSending { part in
          group.addUp(
            receivedPart(part.lowerBound), count: part.count, into: gradients[0] + ownStart + part.lowerBound,
            pool: pool)
        }
      }
    }
    return pool.profile.measure("ranks/gradient norm") { norm() }
  }

  /// Adds up the gradients of this rank's shards, two and two: some numbers of the rest. With those of the ranks that
  /// is one tree, which does not depend on how many shards each rank has.
  private func sumShards(_ part: Range<Int>) {
    forEachPairOfShards { source, target in
      pool.parallelFor(part.count, grain: 1 << 14) { range, _ in
        let at = part.lowerBound + range.lowerBound
        ck_add(Int64(range.count), gradients[source] + at, gradients[target] + at)
      }
    }
  }

  /// The same for the table's rows that occurred.
  private func sumTableShards() {
    let width = marks.width
    forEachPairOfShards { source, target in
      copyRows { row, _ in ck_add(Int64(width), tableGradients[source] + row, tableGradients[target] + row) }
    }
  }

  private func forEachPairOfShards(_ body: (_ source: Int, _ target: Int) -> Void) {
    var step = 1
    while step < gradients.count {
      for shard in stride(from: 0, to: gradients.count - step, by: 2 * step) { body(shard + step, shard) }
      step *= 2
    }
  }

  private func sumRows() {
    let (width, count) = (marks.width, rows.count)
    let lines = packed.reserve(count * width)
    copyRows { row, place in (lines + place).update(from: tableGradients[0] + row, count: width) }
    group.sum(lines, group.borders(lines: count, width: width), received: receivedRows, pool: pool)
    copyRows { row, place in (tableGradients[0] + row).update(from: lines + place, count: width) }
    for row in rows { marks.mark(Int(row)) }
  }

  private func copyRows(_ body: (_ row: Int, _ place: Int) -> Void) {
    pool.parallelFor(rows.count, grain: 64) { range, _ in
      for index in range { body(Int(rows[index]) * marks.width, index * marks.width) }
    }
  }

  private func norm() -> Double {
    let count = Int(chunkStarts[group.size])
    let all = UnsafeMutablePointer<Double>.allocate(capacity: max(count, 1))
    defer { all.deallocate() }
    let mine = all + Int(chunkStarts[group.rank])
    var done = 0
    for (parameter, part) in own {
      done += squaredNorms(pool, parameter.gradient + part.lowerBound, part.count, into: mine + done)
    }
    group.gather(mine, into: all, chunkStarts)
    guard group.rank == 0 else { return 0 }
    var (sum, at) = (squaredGradientNorm(pool, table), 0)
    for parameter in rest {
      var part = 0.0
      for _ in GradientChunks.ranges(parameter.count) {
        part += all[at]
        at += 1
      }
      sum += part
    }
    return sum
  }

  // MARK: Gradients that leave while backward goes on

  /// The numbers of the rest that have not left.
  private var unsent: Range<Int> { 0..<(sent.last?.lowerBound ?? total) }

  /// Sends the gradients of this set of layers' weights, and of those behind it, to the ranks that add them up.
  func send(from set: Int) {
    for set in sets[set...].reversed() where set.upperBound <= unsent.upperBound { send(set) }
  }

  /// Sends all that have not left, set by set: every rank has to begin the same exchanges.
  func sendRest() {
    send(from: 0)
    if !unsent.isEmpty { send(unsent) }
  }

  private func send(_ part: Range<Int>) {
    pool.profile.measure("ranks/gradients") {
      sumShards(part)
      let borders = starts.map { min(max($0, Int64(part.lowerBound)), Int64(part.upperBound)) }
      group.startExchange(gradients[0], borders, into: receivedPart(ownPart(of: part).lowerBound))
      sent.append(part)
    }
  }

  /// Waits for what was sent; `body` gets each part of this rank's own numbers that came, from all ranks.
  private func finishSending(_ body: (_ part: Range<Int>) -> Void) {
    guard !sent.isEmpty else { return }
    group.finishExchanges()
    for part in sent { body(ownPart(of: part)) }
    sent.removeAll(keepingCapacity: true)
  }

  /// What this rank adds up of some numbers of the rest, counted from its own first.
  private func ownPart(of part: Range<Int>) -> Range<Int> {
    let own = part.clamped(to: ownStart..<ownStart + ownCount)
    return own.lowerBound - ownStart..<own.upperBound - ownStart
  }

  /// Where the parts of all ranks come that begin with this of the rank's own numbers: [size, as many as it is].
  private func receivedPart(_ first: Int) -> UnsafeMutablePointer<Float> {
    received.reserve(group.size * ownCount) + group.size * first
  }

  // MARK: Zero

  /// Sets the gradients to zero, those of this rank's own batches and sums alike.
  func clear() {
    finishSending { _ in }
    for shard in gradients.indices {
      pool.parallelFor(total, grain: 1 << 14) { range, _ in
        (gradients[shard] + range.lowerBound).update(repeating: 0, count: range.count)
      }
      copyRows { row, _ in (tableGradients[shard] + row).update(repeating: 0, count: marks.width) }
    }
    for row in rows { isListed[Int(row)] = false }
    rows.removeAll(keepingCapacity: true)
  }
}
