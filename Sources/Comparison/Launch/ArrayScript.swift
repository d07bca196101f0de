// The script of an array of jobs: sbatch reads its #SBATCH lines, and each task runs it from the top. It holds all that
// it needs, so it can be read, and submitted by hand.

/// The script of one array.
package struct ArrayScript {
  /// Of the jobs.
  var name: String
  /// In the order of the tasks' numbers.
  var tasks: [TaskCommands]
  /// The program's file.
  var program: String
  /// Where relative paths begin.
  var directory: String
  /// Where the array's files lie.
  var folder: String
  /// Tasks that run at a time; nil: as many as the cluster lets run.
  var limit: Int?
  /// Processors of a task; nil: as the options say.
  var threads: Int?
  /// Of sbatch, behind the script's own.
  var options: SlurmOptions
  /// The command as typed.
  var commandLine: [String]

  /// A script by its parts.
  package init(
    name: String, tasks: [TaskCommands], program: String, directory: String, folder: String, limit: Int? = nil,
    threads: Int? = nil, options: SlurmOptions, commandLine: [String]
  ) {
    (self.name, self.tasks, self.program) = (name, tasks, program)
    (self.directory, self.folder, self.limit) = (directory, folder, limit)
    (self.threads, self.options, self.commandLine) = (threads, options, commandLine)
  }

  /// Seconds before the time limit at which a task stops with its checkpoint.
  static let warning = 120

  /// Exit codes that mean "go on with me": out of time or room, interrupted, and ended by SIGUSR1 or SIGTERM before it
  /// listened to them.
  static let goesOn: [Int32] = [75, 130, 138, 143]

  /// All of it.
  package var text: String {
    let own =
      [
        "--job-name=\(name)", "--array=0-\(tasks.count - 1)" + (limit.map { "%\($0)" } ?? ""), "--requeue",
        "--open-mode=append", ShellWords.join(["--output=\(folder)/slurm-%A_%a.txt"]),
        "--signal=B:USR1@\(Self.warning)",
      ] + (threads.map { ["--cpus-per-task=\($0)"] } ?? [])
    let head = [
      "#!/bin/bash",
      "# One run of a comparison a task. A task that is stopped leaves a checkpoint and goes on from it later.",
      "# Made by: " + ShellWords.join(commandLine).split(whereSeparator: \.isNewline).joined(separator: " "),
    ]
    let lines = head + (own + options.lines).map { "#SBATCH " + $0 } + ["", places, "", cases, "", Self.body]
    return lines.joined(separator: "\n")
  }

  private var places: String {
    func set(_ name: String, _ value: String) -> String { "\(name)=" + ShellWords.join([value]) }
    return [
      ShellWords.join(["cd", directory]) + " || exit 66", set("program", program), set("ends", folder + "/ends"),
    ].joined(separator: "\n")
  }

  private var cases: String {
    let entries = tasks.enumerated().map { index, task in
      let title = task.name.split(whereSeparator: \.isNewline).joined(separator: " ")
      let lines = [
        "  \(index)) # \(title)", "    folder=" + ShellWords.join([task.folder]),
        "    train=(\(ShellWords.join(task.train ?? [])))", "    score=(\(ShellWords.join(task.score ?? [])))",
        "    rung=\(task.rung.map(String.init) ?? "")", "    ;;",
      ]
      return lines.joined(separator: "\n")
    }
    return (["case \"$SLURM_ARRAY_TASK_ID\" in"] + entries + ["  *) exit 64 ;;", "esac"]).joined(separator: "\n")
  }

  /// What every task does. A signal is passed on as USR1, which may come twice without harm.
  private static let body = #"""
    threads=${SLURM_CPUS_PER_TASK:-${SLURM_CPUS_ON_NODE:-}}
    code=0 child='' stopped='' signalled=''
    pass() {
      stopped=$1 signalled=1
      # Slurm sends it to all processes; one that came after ours would end the program without its checkpoint.
      if [ "$1" = TERM ]; then sleep 1; fi
      if [ -n "$child" ]; then kill -s USR1 "$child" 2>/dev/null; fi
    }
    trap 'pass TERM' TERM
    trap 'pass USR1' USR1

    # A command of the program; its exit code is in code, all it says in the log of the run.
    run() {
      if [ -n "$stopped" ]; then
        code=130
        return
      fi
      "$program" "$@" ${threads:+--threads "$threads"} < /dev/null >> "$folder/log.txt" 2>&1 &
      child=$!
      code=127
      while true; do
        signalled=''
        wait "$child"
        status=$?
        # 127: its end was seen before, and a signal came in between.
        if [ "$status" != 127 ]; then code=$status; fi
        if [ -z "$signalled" ]; then break; fi
      done
      child=''
    }

    # The last checkpoint, or none where the run is finished.
    state() { ls "$folder/checkpoints" 2>/dev/null | grep '^step-' | tail -n 1; }

    mkdir -p "$folder" "$ends" || exit 66
    before=$(state)
    if [ ${#train[@]} -gt 0 ]; then run "${train[@]}"; fi
    after=$(state)
    if [ "$code" = 0 ] && [ ${#score[@]} -gt 0 ]; then run "${score[@]}"; fi

    moved=0
    if [ "$before" != "$after" ]; then moved=1; fi
    end=$ends/${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
    echo "$code $moved" > "$end.part" && mv "$end.part" "$end"

    case "$code" in
      75 | 130 | 138 | 143)
        if [ "$code" = 75 ] && [ -n "$rung" ]; then exit 0; fi
        # After SIGTERM it is Slurm's: it brings the task back, or somebody has cancelled it.
        if [ "$stopped" != TERM ] && [ "$moved" = 1 ]; then scontrol requeue "$SLURM_JOB_ID"; fi
        ;;
    esac
    exit "$code"
    """# + "\n"
}
