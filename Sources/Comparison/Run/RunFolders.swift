// Which folder of OUTPUT/runs each run works in. A run is known by the hash of what determines it, so it is found
// again under any name; a folder of another run is never touched. Pure but for reading and writing `comparison.json`.

import Files
import FoundationEssentials
package import Training

/// A run that a comparison needs.
package struct WantedRun: Equatable {
  /// `LABEL-seedN`, in characters that are safe in file names.
  var name: String
  var identity: RunIdentity

  /// A run by name and identity.
  package init(name: String, identity: RunIdentity) {
    (self.name, self.identity) = (name, identity)
  }
}

/// What a folder of an earlier run says about itself.
package struct KnownRun: Equatable {
  var folder: String
  /// Nil where `comparison.json` is missing or cannot be read.
  var identity: RunIdentity?

  /// A folder by what it says.
  package init(folder: String, identity: RunIdentity?) {
    (self.folder, self.identity) = (folder, identity)
  }
}

/// Finds and describes the folders of runs.
package enum RunFolders {
  /// The folder for one wanted run, and a line for the user where that needs saying.
  package struct Assignment: Equatable {
    /// In OUTPUT/runs.
    package var folder: String
    /// The run is in that folder already, finished or not.
    package var isKnown: Bool
    /// Nil where nothing needs saying.
    package var note: String?
  }

  /// What a comparison writes takes the place of files of the same names, which must be a comparison's.
  /// - Throws: `ComparisonError.usage` for a folder that holds something else.
  static func check(_ folder: String) throws {
    let names = ((try? Folder.names(in: folder)) ?? []).filter { !$0.hasPrefix(".") }
    guard !names.isEmpty, !names.contains("runs") else { return }
    let shown = names.sorted().prefix(3).joined(separator: ", ")
    throw ComparisonError.usage(
      place: "--output-dir \(folder)", expected: "a new or empty folder, or one of a comparison",
      found: "\(names.count) entries (\(shown)) and no runs", advice: "Choose another folder")
  }

  /// Folders for all wanted runs, in their order; the hashes of `wanted` are distinct.
  package static func assign(_ wanted: [WantedRun], known: [KnownRun]) -> [Assignment] {
    var taken = Set(known.map(\.folder))
    return wanted.map { run in
      let same = known.filter { $0.identity == run.identity }.map(\.folder)
      if let folder = same.first(where: { $0 == run.name }) ?? same.first {
        let isRenamed = folder != run.name && !folder.hasPrefix(run.name + "-")
        return Assignment(
          folder: folder, isKnown: true, note: isRenamed ? "\(run.name): the same run is in \(folder); it is used" : nil
        )
      }
      var (folder, count) = (run.name, 1)
      while !taken.insert(folder).inserted {
        count += 1
        folder = "\(run.name)-\(count)"
      }
      let earlier = known.last { $0.folder == run.name || $0.folder.hasPrefix(run.name + "-") && $0.identity != nil }
      let changes = earlier?.identity.map { run.identity.differences(from: $0) } ?? []
      let note = earlier.map { earlier in
        "\(run.name): not the run in \(earlier.folder), which stays as it is "
          + "(\(changes.isEmpty ? "its comparison.json cannot be read" : changes.joined(separator: "; "))); "
          + "run again in \(folder)"
      }
      return Assignment(folder: folder, isKnown: false, note: note)
    }
  }

  /// Names for labels, safe in file names and distinct.
  package static func safeNames(_ labels: [String]) -> [String] {
    var used = Set<String>()
    return labels.map { label in
      let characters = label.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._=-".contains($0)) ? $0 : "_" }
      let base = String(characters.prefix(80)).replacing(/^\.+/, with: "_")
      var (name, count) = (base, 1)
      while !used.insert(name).inserted {
        count += 1
        name = "\(base)_\(count)"
      }
      return name
    }
  }

  // MARK: - Files

  /// What the folders in `path` hold; empty ones are free to be used.
  static func known(in path: String) throws -> [KnownRun] {
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    return try FileManager.default.contentsOfDirectory(atPath: path).sorted().compactMap { name in
      let folder = path + "/" + name
      let entries = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? ["unreadable"]
      return entries.isEmpty ? nil : KnownRun(folder: name, identity: identity(in: folder))
    }
  }

  private static func identity(in folder: String) -> RunIdentity? {
    guard let data = FileManager.default.contents(atPath: description(of: folder)),
      let members = try? JSONValue.parse(Array(data)).object?[RunRecord.identity]?.object
    else { return nil }
    return RunIdentity(members)
  }

  /// Where the description of a run lies.
  static func description(of folder: String) -> String { folder + "/" + RunRecord.ofComparison }

  /// Writes `comparison.json`: what the run is, and the command that repeats it elsewhere. `train --from` reads it.
  static func describe(
    _ folder: String, run: RunDescription?, of identity: RunIdentity, program: RunOrigin, command: String
  ) throws {
    let document = JSONObject([
      (RunRecord.hash, .string(identity.hash)), ("command", .string(command)),
      ("mixcse", .string(program.version)), ("commit", .string(program.commit)),
      (RunRecord.description, run?.json ?? .null), (RunRecord.identity, .object(identity.members)),
    ])
    let text = JSONValue.object(document).text() + "\n"
    try AtomicFile.write(to: description(of: folder)) { try $0.write(text) }
  }
}
