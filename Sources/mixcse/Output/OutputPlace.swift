// Where the single files go that commands write: into a folder that is there, and anywhere but over what the same
// command reads. Known before anything is computed.

import ArgumentParser
import Files

/// Refuses an output that would take the place of a file that is read, or whose folder is not there.
/// - Parameters:
///   - output: the file to be written, as the flag names it.
///   - inputs: the files that are read, and the folders.
/// - Throws: `ValidationError`.
func refuseOutput(_ output: String, of flag: String, over inputs: [String]) throws {
  let folder = Path.folder(of: output)
  guard Path.isFolder(folder) else {
    throw ValidationError("\(flag) \(output): expected a file in a folder that is there, found no folder \(folder)")
  }
  // Standard output may be a terminal or a pipe that is read from, too.
  guard Path.isRegularFile(output), let input = inputs.first(where: { Path.isWithin(output, $0) }) else { return }
  let place = Path.isFolder(input) ? "one of the files of \(input)" : "the input \(input)"
  throw ValidationError("\(flag) \(output): expected another file than those that are read, found \(place)")
}
