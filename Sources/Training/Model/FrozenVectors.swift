// The pooled vectors of the rows a frozen run visits, and whether there is memory for them. Filled by TrainingPlan,
// read by FrozenModel.

import Foundation
package import Kernels

/// Pooled vectors by row of the training file.
package final class FrozenVectors {
  /// 2, or 3 with hard negatives.
  package let views: Int
  /// Numbers of a vector.
  package let width: Int
  private let capacity: Int
  /// [views, capacity, width]
  private let buffer: FloatBuffer
  /// For each row of the file its number among those held; -1 where it is not.
  private var places: [Int]
  private var filled = 0

  /// Room for `capacity` of a file's `rows` rows.
  package init(rows: Int, capacity: Int, views: Int, width: Int) {
    (self.views, self.width, self.capacity) = (views, width, capacity)
    buffer = FloatBuffer(count: views * capacity * width)
    places = [Int](repeating: -1, count: rows)
  }

  /// Keeps `pooled` [views * rows, width], view by view; rows that come a second time take the place of the first.
  package func store(_ rows: [Int], _ pooled: Matrix) {
    precondition(pooled.rows == views * rows.count && pooled.columns == width, "a vector for each view of each row")
    for (index, row) in rows.enumerated() {
      if places[row] < 0 {
        precondition(filled < capacity, "more rows than there is room for")
        places[row] = filled
        filled += 1
      }
      for view in 0..<views {
        vector(view, row).update(from: pooled.row(view * rows.count + index), count: width)
      }
    }
  }

  /// Copies the vectors of rows that are held, `into` [views * rows, width], view by view.
  package func gather(_ rows: [Int64], into target: Matrix) {
    for view in 0..<views {
      for (index, row) in rows.enumerated() {
        target.row(view * rows.count + index).update(from: vector(view, Int(row)), count: width)
      }
    }
  }

  private func vector(_ view: Int, _ row: Int) -> UnsafeMutablePointer<Float> {
    precondition(places[row] >= 0, "row \(row) was never embedded")
    return buffer.pointer + (view * capacity + places[row]) * width
  }

  // MARK: Room

  /// The memory `rows` rows take, and a refusal where `available` (nil: unknown) is less than a tenth above that.
  /// - Throws: `TrainingError.usage`.
  package static func bytes(rows: Int, views: Int, width: Int, available: Int?) throws -> Int {
    let bytes = rows * (views * width * MemoryLayout<Float>.stride + MemoryLayout<Int>.stride)
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
