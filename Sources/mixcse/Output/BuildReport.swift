// `mixcse --version`: what a bug report should say about the program.

import Commit
import Kernels
import PluginAPI
import Version

enum BuildReport {
  /// Program, plugin ABI, compiler, vector width on this processor, commit; a line each.
  static var text: String {
    """
    mixcse \(ProgramVersion.text)
    plugin ABI: \(CSE_ABI_MAJOR).\(CSE_ABI_MINOR)
    compiler: \(ProgramVersion.compiler)
    vectors: \(VectorWidth.text)
    commit: \(SourceCommit.text)
    """
  }
}
