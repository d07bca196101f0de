// What `mixcse plugins new` writes: a folder with one source file, a Makefile and a README, for each kind and language.
// The texts are in the files beside this one; all of them are built and checked by the tests.

/// A kind of component that can be started from a template.
package enum TemplateKind: String, CaseIterable, Sendable {
  case sampler, loss, pooler, augmenter

  /// The languages it can be written in: no bare function edits tokens.
  package var languages: [TemplateLanguage] {
    TemplateLanguage.allCases.filter { self != .augmenter || $0.needsHeader }
  }
}

/// A language a template is written in.
package enum TemplateLanguage: String, CaseIterable, Sendable {
  case swift, c
  case cxx = "c++"
  case rust, bare, python

  /// Whether there is nothing to build: the source is the plugin.
  package var isInterpreted: Bool { self == .python }

  /// The compiler that `make` needs, or what runs the source.
  package var compiler: String {
    switch self {
    case .swift: "swiftc"
    case .c, .bare: "cc"
    case .cxx: "g++"
    case .rust: "rustc"
    case .python: "python3"
    }
  }

  /// What the library needs from this project: nothing, the header, or the header and the Swift kit.
  package var needsHeader: Bool { self == .swift || self == .c || self == .cxx }
  /// Whether the Swift kit is copied into the folder.
  package var needsKit: Bool { self == .swift }

  var sourceExtension: String {
    switch self {
    case .swift: "swift"
    case .c, .bare: "c"
    case .cxx: "cpp"
    case .rust: "rs"
    case .python: "py"
    }
  }
}

/// One folder to be written.
package struct PluginTemplate: Sendable {
  /// What the plugin offers.
  package let kind: TemplateKind
  /// [a-z][a-z0-9_]*: the component, the library and the folder.
  package let name: String
  /// What it is written in.
  package let language: TemplateLanguage

  /// A folder that nothing is written of yet; `name` must be a name (`isName`).
  package init(kind: TemplateKind, name: String, language: TemplateLanguage) {
    self.kind = kind
    self.name = name
    self.language = language
  }

  /// Whether a name can be a component's, a C function's and a file's at once.
  package static func isName(_ name: String) -> Bool {
    guard let first = name.utf8.first, (97...122).contains(first), name.utf8.count <= 40 else { return false }
    return name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }
  }

  /// The file that is the plugin: `lib<name>.so`, or the source.
  package var library: String { language.isInterpreted ? source : "lib\(name).so" }
  /// The source file's name: `my_idea.c`.
  package var source: String { "\(name).\(language.sourceExtension)" }

  /// Every file but those copied from the project: path below the folder, and text.
  package var files: [(path: String, text: String)] {
    if language.isInterpreted { return [(source, filled(sourceText)), ("README.md", filled(readme))] }
    return [
      (source, filled(sourceText)), ("Makefile", filled(makefile)), ("README.md", filled(readme)),
      (".gitignore", "*.so\n*.o\n.build/\n"),
    ]
  }

  private var sourceText: String {
    switch (language, kind) {
    case (.swift, .sampler): SwiftTemplates.sampler
    case (.swift, .loss): SwiftTemplates.loss
    case (.swift, .pooler): SwiftTemplates.pooler
    case (.swift, .augmenter): SwiftTemplates.augmenter
    case (.c, _): CTemplates.head + CTemplates.functions(kind) + CTemplates.descriptorInC(kind)
    case (.cxx, _): CTemplates.head + CTemplates.functions(kind) + CTemplates.descriptorInCxx(kind)
    case (.bare, _): BareTemplates.c(kind)
    case (.rust, _): BareTemplates.rust(kind)
    case (.python, _): PythonTemplates.source(kind)
    }
  }

  private var makefile: String {
    let command =
      switch language {
      case .swift:
        "\tswiftc -O -wmo -swift-version 6 -parse-as-library -emit-library -module-name TYPE -I include -Xlinker -s"
          + " -o $@ NAME.swift Kit/*.swift"
      case .c: "\t$(CC) -std=c11 -O2 -Wall -Wextra -shared -fPIC -I include -o $@ $< -lm"
      case .cxx: "\tg++ -std=c++20 -O2 -Wall -Wextra -shared -fPIC -I include -o $@ $< -lm"
      case .rust: "\trustc --edition 2021 -O -C panic=abort --crate-type cdylib -o $@ $<"
      case .bare: "\t$(CC) -std=c11 -O2 -Wall -Wextra -shared -fPIC -o $@ $< -lm"
      case .python: ""
      }
    return """
      # make         builds libNAME.so
      # make check   runs the conformance suite on it
      MIXCSE ?= mixcse

      libNAME.so: SOURCE
      \(command)

      .PHONY: check clean
      check: libNAME.so
      \t$(MIXCSE) plugins check ./libNAME.so
      clean:
      \trm -f libNAME.so

      """
  }

  private var readme: String {
    let flag =
      switch kind {
      case .sampler: "--sampler ./THEFILE --loss infonce"
      case .loss: "--loss ./THEFILE"
      case .pooler: "--pooler ./THEFILE --method simcse"
      case .augmenter: "--augment ./THEFILE --method simcse"
      }
    let build = language.isInterpreted ? "" : "make                                  # builds THEFILE\n"
    return """
      # NAME

      A \(kind.rawValue) for mixcse. `SOURCE` holds all of it; change it, then:

      ```sh
      \(build)mixcse plugins check ./THEFILE     # gradients, purity, memory, odd shapes, hostile numbers
      mixcse plugins info ./THEFILE      # its parameters, as users see them
      mixcse train --model MODEL --train-file FILE.txt --output-dir out \(flag)
      ```

      """
  }

  private func filled(_ text: String) -> String {
    let type = name.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    return replaced(
      replaced(replaced(replaced(text, "SOURCE", source), "THEFILE", library), "NAME", name), "TYPE", type)
  }

  private func replaced(_ text: String, _ word: String, _ value: String) -> String {
    var result = ""
    var rest = text[...]
    while let first = rest.first {
      if rest.hasPrefix(word) {
        result += value
        rest = rest.dropFirst(word.count)
      } else {
        result.append(first)
        rest.removeFirst()
      }
    }
    return result
  }
}
