// How ranks learn that one of them failed, where each may: all hear of it before they go on, so that none waits for one
// that will not come, and rank 0 says what it was. Used by DeviceMember.

/// A rank that could not do its part.
package struct RankFailure: Error, CustomStringConvertible, Sendable {
  /// `rank 1 on node7`.
  package let place: String
  /// What it says; empty on other ranks than the first, which says it.
  package let message: String

  /// Who, and what.
  package var description: String { "\(place): \(message)" }
  /// 69: an encoder failed, or cannot be had.
  package var exitCode: Int32 { 69 }
}

extension RankGroup {
  /// Does what only this rank does; what fails says where.
  package func placed<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch { throw RankFailure(place: name(of: rank), message: "\(error)") }
  }

  /// Returns where no rank failed.
  /// - Parameter failure: this rank's.
  /// - Throws: `RankFailure` on all ranks where one did: the first of those, with its message on rank 0. Where others
  ///   say something else, theirs stand behind it: one may have failed since another had.
  func agree(_ failure: (any Error)?) throws {
    let lengths = self.lengths(failure.map { max("\($0)".utf8.count, 1) } ?? 0)
    guard let first = lengths.firstIndex(where: { $0 > 0 }) else { return }
    let texts = gather(failure.map { "\($0)" } ?? "", lengths)
    guard !texts.isEmpty else { throw RankFailure(place: name(of: first), message: "") }
    var said: [String] = []
    for (rank, text) in texts.enumerated() where lengths[rank] > 0 && !said.contains(where: { $0.hasSuffix(text) }) {
      said.append(said.isEmpty ? text : "\(name(of: rank)): \(text)")
    }
    throw RankFailure(place: name(of: first), message: said.prefix(3).joined(separator: "; "))
  }

  /// A text of each rank, on rank 0; nothing on the others.
  func gather(_ text: String) -> [String] { gather(text, lengths(text.utf8.count)) }

  /// A number of each rank, on all.
  private func lengths(_ mine: Int) -> [Int] { shared(Double(mine)).map { Int($0) } }

  /// The same for numbers.
  func shared(_ mine: Double) -> [Double] {
    var all = [Double](repeating: 0, count: size)
    all[rank] = mine
    all.withUnsafeMutableBufferPointer { all in
      guard let first = all.baseAddress else { return }
      gather(UnsafePointer(first + rank), into: first, (0...size).map(Int64.init))
    }
    broadcast(&all)
    return all
  }

  private func gather(_ text: String, _ lengths: [Int]) -> [String] {
    let starts = lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
    // A byte a number: these are few, and rare.
    var mine = text.utf8.prefix(lengths[rank]).map { Double($0) }
    mine += Array(repeating: 32, count: lengths[rank] - mine.count)
    var all = mine + Array(repeating: 0, count: rank == 0 ? starts[size] - mine.count : 1)
    all.withUnsafeMutableBufferPointer {
      gather(rank == 0 ? nil : UnsafePointer($0.baseAddress), into: $0.baseAddress, starts.map(Int64.init))
    }
    guard rank == 0 else { return [] }
    return zip(starts, starts.dropFirst()).map { from, to in
      String(decoding: all[from..<to].map { UInt8($0) }, as: UTF8.self)
    }
  }
}

/// What a body throws.
func failure(of body: () throws -> Void) -> (any Error)? {
  do {
    try body()
    return nil
  } catch {
    return error
  }
}
