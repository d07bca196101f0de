// One quantity over the steps of all runs, thinned out so that a long run makes no long page. Made for the charts of
// the curves' section.

/// A strategy's runs and their mean.
struct CurveSeries {
  struct Point: Equatable {
    var x: Double
    var y: Double
  }

  /// The strategy's index.
  var strategy: Int
  var runs: [[Point]]
  /// Over the finished runs, or all where none finished, at the steps where each of them has a value; empty for one
  /// run.
  var mean: [Point]

  /// The mean, or the only run where there is one.
  var main: [Point] { mean.isEmpty && runs.count == 1 ? runs[0] : mean }

  /// `main` with each point averaged over its neighbours where there are many: a noisy line hides the others.
  var smoothed: [Point] {
    let points = main
    let reach = points.count / 40
    return points.indices.map { index in
      // As many neighbours on both sides, so that ends are not bent.
      let own = min(reach, index, points.count - 1 - index)
      let window = points[index - own...index + own]
      return Point(x: points[index].x, y: window.reduce(0) { $0 + $1.y } / Double(window.count))
    }
  }

  /// Points a line keeps: more cannot be told apart at the size of a chart.
  static let most = 300

  /// The quantity `name` of evaluations or of training steps, for the strategies that have it.
  static func collect(_ name: String, isEvaluation: Bool, in results: ComparisonResults) -> [CurveSeries] {
    let last = results.runs.lazy.flatMap(\.curve).map(\.step).max() ?? 0
    let bucket = isEvaluation ? 1 : max(1, (last + most - 1) / most)
    return results.strategies.indices.compactMap { strategy in
      let runs = results.runs.filter { $0.strategy == strategy }.map { run in
        (isFinished: run.outcome == .finished, points: points(run, name, isEvaluation, bucket))
      }.filter { !$0.points.isEmpty }
      guard !runs.isEmpty else { return nil }
      let finished = runs.filter(\.isFinished)
      let averaged = (finished.isEmpty ? runs : finished).map(\.points)
      return CurveSeries(
        strategy: strategy, runs: runs.map(\.points), mean: averaged.count > 1 ? mean(averaged) : [])
    }
  }

  /// The mean value of each bucket of steps, at the mean of its steps.
  private static func points(_ run: ComparedRun, _ name: String, _ isEvaluation: Bool, _ bucket: Int) -> [Point] {
    var result: [Point] = []
    var (current, count) = (-1, 0.0)
    for point in run.curve where point.isEvaluation == isEvaluation {
      guard let y = point.values[name], y.isFinite else { continue }
      let x = Double(point.step)
      if point.step / bucket == current, let old = result.last {
        count += 1
        result[result.count - 1] = Point(x: old.x + (x - old.x) / count, y: old.y + (y - old.y) / count)
      } else {
        (current, count) = (point.step / bucket, 1)
        result.append(Point(x: x, y: y))
      }
    }
    return result
  }

  private static func mean(_ runs: [[Point]]) -> [Point] {
    var sums: [Double: (sum: Double, count: Int)] = [:]
    for point in runs.joined() {
      sums[point.x, default: (0, 0)].sum += point.y
      sums[point.x, default: (0, 0)].count += 1
    }
    return sums.filter { $0.value.count == runs.count }.sorted { $0.key < $1.key }.map {
      Point(x: $0.key, y: $0.value.sum / Double($0.value.count))
    }
  }
}
