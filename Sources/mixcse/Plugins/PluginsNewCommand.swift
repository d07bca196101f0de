// `mixcse plugins new`: a folder to start a plugin from, which builds with `make` and passes `plugins check` as it is.

import ArgumentParser
import Files
import FoundationEssentials
import PluginTemplates

extension TemplateKind: ExpressibleByArgument {}
extension TemplateLanguage: ExpressibleByArgument {}

struct PluginsNewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new", abstract: "Starts a plugin: a folder that builds with `make` and trains at once.",
    discussion: """
      python is one function in a file that needs no compiler, only a Python with NumPy. bare and rust are bare functions: one function and a line of text, without any header. c, c++ and swift are \
      plugins with a descriptor; the header (and the kit for Swift) is copied into the folder.
      """)

  @Argument(help: ArgumentHelp("What to start from.", valueName: "kind")) var kind: TemplateKind
  @Argument(help: ArgumentHelp("Lower-case letters, digits and '_'.", valueName: "name")) var name: String
  @Option(help: ArgumentHelp("The language.", valueName: "language")) var language: TemplateLanguage
  @Option(
    help: ArgumentHelp("Where the folder NAME is made. (default: the working directory)", valueName: "dir"),
    completion: .directory)
  var directory = "."
  @Option(
    help: ArgumentHelp(
      "Where cse_plugin.h and the Swift kit are copied from. (default: CSE_SDK, share/cse beside the program's folder,"
        + " or"
        + " the sources the program was built from)", valueName: "dir"), completion: .directory)
  var sdk: String?

  func run() throws {
    guard PluginTemplate.isName(name) else {
      throw ValidationError("'\(name)': expected a name such as my_idea: [a-z][a-z0-9_]*, at most 40 letters")
    }
    guard kind.languages.contains(language) else {
      let possible = kind.languages.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("--language \(language.rawValue): expected one of \(possible) for an augmenter")
    }
    let template = PluginTemplate(kind: kind, name: name, language: language)
    let folder = directory + "/" + name
    guard !FileManager.default.fileExists(atPath: folder) else {
      throw ValidationError("\(folder) exists already; choose another name or remove it")
    }
    // All that can fail for another reason comes first, so that no half of a folder is left.
    let copies = try language.needsHeader ? PluginSDK(sdk).files(kit: language.needsKit) : []
    for (path, text) in template.files { try write(Data(text.utf8), to: folder + "/" + path) }
    for (path, data) in copies { try write(data, to: folder + "/" + path) }
    try printText("\(folder): \(template.source), \(language.isInterpreted ? "" : "Makefile, ")README.md")
    let make = language.isInterpreted ? "" : "make && "
    try printText("cd \(folder) && \(make)mixcse plugins check ./\(template.library)")
  }

  private func write(_ data: Data, to path: String) throws {
    // Whatever the umask: a plugin that others can write to is refused later.
    try Folder.create(Path.folder(of: path), mode: 0o755)
    try AtomicFile.write(to: path) { try $0.write([UInt8](data)) }
  }
}
