// Vectors that are computed once for a row and kept: pooled ones of a run whose encoder does not move, a guide's. And
// whether there is memory for them. Filled and read by FrozenModel's plan and by Guide.

import FoundationEssentials
package import Kernels

/// Vectors by row of the training file.
package final class RowVectors {
  /// Vectors of a row.
  package let views: Int
  /// Numbers of a vector.
  package let width: Int
  private let capacity: Int
  /// [views, capacity, width]
  private let buffer: FloatBuffer
  /// For each row of the file its number among those held; -1 where it is not.
  private var places: [Int]
  private var filled = 0
  /// By view and place: whether there is a vector.
  private var isHeld: [Bool]

  /// Room for `capacity` of a file's `rows` rows.
  package init(rows: Int, capacity: Int, views: Int, width: Int) {
    (self.views, self.width, self.capacity) = (views, width, capacity)
    buffer = FloatBuffer(count: views * capacity * width)
    places = [Int](repeating: -1, count: rows)
    isHeld = [Bool](repeating: false, count: views * capacity)
  }

  /// Keeps `vectors` [views * rows, width], view by view; rows that come a second time take the place of the first.
  package func store(_ rows: [Int], _ vectors: Matrix) {
    precondition(vectors.rows == views * rows.count, "a vector for each view of each row")
    for view in 0..<views {
      let part = Matrix(
        vectors.row(view * rows.count), rows: rows.count, columns: vectors.columns, rowStride: vectors.rowStride)
      store(rows, part, view: view)
    }
  }

  /// Keeps `vectors` [rows, width] of one view.
  package func store(_ rows: [Int], _ vectors: Matrix, view: Int) {
    precondition(vectors.rows == rows.count && vectors.columns == width, "a vector for each row")
    for (index, row) in rows.enumerated() {
      if places[row] < 0 {
        precondition(filled < capacity, "more rows than there is room for")
        places[row] = filled
        filled += 1
      }
      isHeld[view * capacity + places[row]] = true
      vector(view, row).update(from: vectors.row(index), count: width)
    }
  }

  /// Whether the vector of a row's view is there.
  package func holds(_ row: Int, view: Int) -> Bool { places[row] >= 0 && isHeld[view * capacity + places[row]] }

  /// Copies the vectors of rows that are held, `into` [views * rows, width], view by view.
  package func gather(_ rows: [Int64], into target: Matrix) {
    for view in 0..<views {
      let part = Matrix(
        target.row(view * rows.count), rows: rows.count, columns: width, rowStride: target.rowStride)
      gather(rows.map(Int.init), view: view, into: part)
    }
  }

  /// Copies the vectors of one view, `into` [rows, width].
  package func gather(_ rows: [Int], view: Int, into target: Matrix) {
    for (index, row) in rows.enumerated() { target.row(index).update(from: vector(view, row), count: width) }
  }

  private func vector(_ view: Int, _ row: Int) -> UnsafeMutablePointer<Float> {
    precondition(places[row] >= 0, "row \(row) was never embedded")
    return buffer.pointer + (view * capacity + places[row]) * width
  }

  // MARK: Room

  /// The memory `rows` rows take.
  package static func bytes(rows: Int, views: Int, width: Int) -> Int {
    rows * (views * width * MemoryLayout<Float>.stride + MemoryLayout<Int>.stride)
  }

  /// The same, and a refusal where `available` (nil: unknown) is less than a tenth above that.
  /// - Throws: `TrainingError.usage`.
  package static func bytes(rows: Int, views: Int, width: Int, available: Int?) throws -> Int {
    let bytes = bytes(rows: rows, views: views, width: width)
    guard let available, bytes + bytes / 10 > available else { return bytes }
    throw TrainingError.usage(
      place: "--frozen", expected: "memory for the vectors of \(rows) rows in \(views) views: \(bytes >> 20) MiB",
      found: "\(available >> 20) MiB free",
      advice: "Give --max-steps, so that fewer rows are visited, or train without --frozen")
  }

  /// Bytes the system would give this process: free and reclaimable memory, or what is left of its group's limit.
  static func availableBytes() -> Int? {
    let system = field("MemAvailable:", in: "/proc/meminfo").map { $0 * 1024 }
    guard let limit = number("/sys/fs/cgroup/memory.max") else { return system }
    let left = max(0, limit - (field("anon", in: "/sys/fs/cgroup/memory.stat") ?? 0))
    return min(left, system ?? left)
  }

  private static func field(_ name: String, in path: String) -> Int? {
    let line = lines(path).first { $0.hasPrefix(name + " ") }
    return line.flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int($0) }
  }

  private static func number(_ path: String) -> Int? { lines(path).first.flatMap { Int($0) } }

  /// The lines of a file of the kernel's; none where there is no such file.
  private static func lines(_ path: String) -> [Substring] {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }
    return text.split(separator: "\n")
  }
}
