// Who carries the runs of a comparison out, and what a command leaves to others. Chosen by `--launcher`.

/// Where runs are carried out.
package enum Launcher: String, Sendable, CaseIterable {
  /// By this command, as its children.
  case local
  /// By Slurm: one array of jobs, a task a run.
  case slurm
  /// By whoever reads the commands that are printed, one a line.
  case script
}

/// What a comparison that is not at its end leaves to others.
package enum Handover: Sendable, Equatable {
  /// Commands of a shell, one a run; those of runs that go on elsewhere are left out.
  case script(commands: [String], elsewhere: Int)
  /// What the cluster has to do, in words.
  case slurm(said: String)
}

/// Where a run is that this command did not start.
package enum TaskPlace: Equatable {
  /// In a queue, and what it waits for.
  case queued(reason: String)
  /// On a machine.
  case running(host: String)
}
