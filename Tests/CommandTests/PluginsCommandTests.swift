// `mixcse plugins` as a user meets it: tables, JSON, messages, exit codes.

import Foundation
import TestSupport
import Testing

@Suite struct PluginsCommandTests {
  private func mixcse(_ arguments: String..., environment: [String: String] = [:]) throws -> ShellResult {
    try shell([Resources.command] + arguments, environment: environment)
  }

  private func json(_ text: String) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test func listShowsComponentsAndMethods() throws {
    let result = try mixcse("plugins", "list")
    #expect(result.code == 0 && result.errors.isEmpty)
    let lines = result.output.split(separator: "\n").map { $0.split(separator: " ").prefix(3).map(String.init) }
    #expect(lines.contains(["sampler", "mixcse", "org.mixcse.mixcse"]))
    #expect(lines.contains(["loss", "infonce", "org.mixcse.simcse"]))
    #expect(lines.contains(["pooler", "avg_top2", "org.mixcse.poolers"]))
    #expect(lines.contains(["mixcse", "sampler:mixcse", "loss:infonce"]))
    #expect(result.output.contains("plugins were looked for in:"))
  }

  @Test func listAsJSONIsOneDocument() throws {
    let result = try mixcse("plugins", "list", "--json", environment: ["CSE_PLUGIN_PATH": "relative:/absent"])
    let report = try json(result.output)
    let names = try #require(report["components"] as? [[String: Any]]).compactMap { $0["name"] as? String }
    #expect(Set(["mixcse", "infonce", "cls", "weighted"]).isSubset(of: names))
    #expect((report["refused"] as? [Any])?.isEmpty == true)
    // What was wrong with the environment is in the document, and on standard error for people.
    #expect((report["warnings"] as? [String])?.count == 2)
    #expect(result.errors.contains("warning: CSE_PLUGIN_PATH: 'relative' is not searched"))
    #expect(result.errors.contains("warning: CSE_PLUGIN_PATH: /absent: no such folder"))
  }

  @Test func infoTellsParametersAndOrigin() throws {
    let result = try mixcse("plugins", "info", "mixcse")
    #expect(result.code == 0)
    #expect(
      result.output.hasPrefix(
        "method mixcse = sampler:mixcse loss:infonce\n\nsampler mixcse (org.mixcse.mixcse.mixcse)"))
    #expect(result.output.contains("float = 0.2 in [0, 1]"))
    let path = Resources.pluginDirectory + "/libMixCSELoss.so"
    let hash = try shell(["sha256sum", path]).output.prefix(64)
    #expect(result.output.contains(hash) && result.output.contains("libMixCSELoss.so"))
    let report = try json(mixcse("plugins", "info", path, "--json").output)
    let component = try #require((report["components"] as? [[String: Any]])?.first)
    #expect(component["kind"] as? String == "sampler")
    let parameters = try #require(component["parameters"] as? [[String: Any]])
    #expect(parameters.first { $0["name"] as? String == "mask" }?["choices"] as? [String] == ["zero", "exclude"])
    #expect((component["library"] as? [String: Any])?["sha256"] as? String == String(hash))
  }

  @Test func unknownPluginsEndWith69() throws {
    let result = try mixcse("plugins", "info", "mixces")
    #expect(result.code == 69 && result.output.isEmpty)
    #expect(
      result.errors.hasPrefix(
        "error: no plugin is called 'mixces'; did you mean 'mixcse'?\nplugins were looked for in:\n"))
    #expect(try mixcse("plugins", "info", "/absent/lib.so").code == 69)
  }

  @Test func wrongUsageEndsWith64() throws {
    #expect(try mixcse("plugins", "list", "--plugin-path", "/absent").code == 64)
    #expect(try mixcse("plugins", "list", "--plugin-as", "x").code == 64)
    #expect(try mixcse("plugins", "info").code == 64)
    #expect(try mixcse("plugins", "nothing").code == 64)
  }

  @Test func theWorkingDirectoryIsNotSearched() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/cwd-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    _ = try shell(["cp", Resources.pluginDirectory + "/libPoolers.so", folder + "/libHere.so"])
    let result = try shell([Resources.command, "plugins", "list"], in: folder)
    #expect(!result.output.contains(folder))
    let asked = try shell([Resources.command, "plugins", "info", "./libHere.so:max"], in: folder)
    #expect(asked.code == 0 && asked.output.hasPrefix("pooler max (org.mixcse.poolers.max)"))
  }

  /// Software that an administrator has installed for all, under an account of its own and with its umask 002.
  @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
  func pluginsOfTheProgramsOwnerAreTaken() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/installed-" + UUID().uuidString
    let (program, plugin) = (folder + "/bin/mixcse", folder + "/lib/cse/plugins/libPoolers.so")
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for (file, source) in [(program, Resources.command), (plugin, Resources.pluginDirectory + "/libPoolers.so")] {
      #expect(try shell(["install", "-D", source, file]).code == 0)
    }
    for change in [["chown", "-R", "12345:12345"], ["chmod", "-R", "g+w"]] {
      #expect(try shell(change + [folder]).code == 0)
    }
    let taken = try shell([program, "plugins", "info", "max"])
    #expect(taken.code == 0, "\(taken.errors)")
    // Anybody else's are not, nor what another group may write.
    _ = try shell(["chown", "12346", plugin])
    let stranger = try shell([program, "plugins", "info", "max"])
    #expect(stranger.code == 69 && stranger.errors.contains("\(plugin) belongs to user 12346"))
    _ = try shell(["chown", "12345:12346", plugin])
    let group = try shell([program, "plugins", "info", "max"])
    #expect(group.code == 69 && group.errors.contains("\(plugin) can be written by others"))
  }

  @Test func theProgramLinksNoPlugin() throws {
    let linked = try shell(["ldd", Resources.command]).output
    for name in ["MixCSELoss", "SimCSELoss", "Poolers"] { #expect(!linked.contains(name)) }
  }
}
