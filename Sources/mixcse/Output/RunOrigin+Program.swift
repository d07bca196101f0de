// Which program this is, for records of what it did.

import Commit
import Training
import Version

extension RunOrigin {
  /// This program, as it was started.
  static var thisProgram: RunOrigin {
    RunOrigin(
      version: "\(ProgramVersion.text)", commit: SourceCommit.text, compiler: ProgramVersion.compiler,
      commandLine: CommandLine.arguments)
  }
}
