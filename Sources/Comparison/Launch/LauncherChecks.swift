// What `--launcher` can be combined with. Asked before anything is read.

import Training

extension ComparisonRequest {
  /// What cannot stand beside the launcher.
  /// - Throws: `ComparisonError.usage`
  package func checkLauncher() throws {
    func refusal(_ flag: String, _ advice: String) -> ComparisonError {
      .usage(
        place: "--launcher \(launcher.rawValue) \(flag)", expected: "one of the two", found: "both", advice: advice)
    }
    if launcher != .slurm, !sbatch.isEmpty {
      throw ComparisonError.usage(
        place: "--sbatch", expected: "--launcher slurm beside it", found: "--launcher \(launcher.rawValue)",
        advice: "Options of sbatch are for Slurm alone")
    }
    guard launcher != .local else { return }
    if maximumHours != nil {
      let limit =
        launcher == .slurm ? "--sbatch '--time=4:00:00' limits each task" : "whoever runs the lines limits them"
      throw refusal("--max-hours", "This command does not wait for the runs; \(limit), and they go on from checkpoints")
    }
    if launcher == .script, jobs != nil {
      throw refusal("--jobs", "Whoever runs the lines decides how many at a time: parallel --jobs \(jobs ?? 1)")
    }
    if launcher == .script, printsJSON {
      throw refusal("--json", "Standard output has the commands; results.json is written with the report")
    }
    if launcher == .slurm { _ = try SlurmOptions(parsing: sbatch, threads: run.threads) }
  }
}
