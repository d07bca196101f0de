// What is done for one run, as commands that need nothing of this process: no pipe, no lock, no descriptor. What a task
// of a cluster runs, and what `--launcher script` prints.

/// The commands of one run.
package struct TaskCommands: Equatable {
  /// In words: `simcse seed 42`.
  var name: String
  /// What the record of arrays knows it by: its folder, of a model before training its file of scores.
  var key: String
  /// The folder of the run, relative to where the command was started, or absolute.
  var folder: String
  /// Arguments of the program that train; none where it is trained.
  package var train: [String]?
  /// Arguments of the program that score the model; none where nothing is scored.
  var score: [String]?
  /// The step at which it waits for the others; nil: its end.
  var rung: Int?

  /// Commands by their parts.
  package init(name: String, key: String, folder: String, train: [String]?, score: [String]?, rung: Int? = nil) {
    (self.name, self.key, self.folder) = (name, key, folder)
    (self.train, self.score, self.rung) = (train, score, rung)
  }

  /// One line of a shell. It ends with the code of the command that ended it: 75 and 130 mean that the same line goes
  /// on where it was.
  package func line(program: String, in directory: String) -> String {
    let commands = [train, score].compactMap(\.self).map { ShellWords.join([program] + $0) }
    return ([ShellWords.join(["cd", directory])] + commands).joined(separator: " && ")
  }
}
