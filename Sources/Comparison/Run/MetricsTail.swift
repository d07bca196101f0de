// How far a run is, from the lines its process has appended to metrics.jsonl. Asked a few times a second while runs go
// on, and at the end for the whole curve.

import Files
import Glibc
import Training

/// A reader of a growing metrics.jsonl: each poll reads only what is new.
package struct MetricsTail {
  let path: String
  private(set) var step = 0
  private(set) var loss: Double?
  /// Dev Spearman x 100 by step.
  private(set) var scores: [Int: Double] = [:]
  private(set) var curve: [CurvePoint] = []
  private var offset = 0
  private var pending: [UInt8] = []

  /// Reads nothing yet.
  package init(path: String) { self.path = path }

  /// The best dev score after a step, the earliest of equals, as a run chooses its model.
  package var best: DevelopmentBest? {
    let trained = scores.filter { $0.key > 0 }.sorted { $0.key < $1.key }
    return trained.reduce(nil) { best, next in
      best.map { next.value <= $0.score } ?? false ? best : DevelopmentBest(score: next.value, step: next.key)
    }
  }

  /// Reads what was appended; starts again where the file became shorter, as a resumed run cuts it.
  package mutating func poll() {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    let size = Int(lseek(descriptor, 0, SEEK_END))
    if size < offset { self = MetricsTail(path: path) }
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while offset < size {
      let count = pread(descriptor, &block, min(block.count, size - offset), off_t(offset))
      guard count > 0 else { return }
      offset += count
      pending += block[..<count]
      var start = 0
      while let end = pending[start...].firstIndex(of: 10) {
        take(Array(pending[start..<end]))
        start = end + 1
      }
      pending.removeFirst(start)
    }
  }

  /// One line; a line that is no JSON object is passed over.
  private mutating func take(_ line: [UInt8]) {
    guard let object = try? JSONValue.parse(line).object, let line = LoggedLine(object) else { return }
    curve.append(CurvePoint(line))
    step = line.step
    if line.isEvaluation {
      scores[step] = line.values["spearman"]
    } else {
      loss = line.values["loss"] ?? loss
    }
  }
}
