// swift-tools-version: 6.2
import PackageDescription

/// Walls between the modules: imports are internal unless said otherwise, members are visible only
/// where their module is imported, and existential types are spelled `any`.
let walls: [SwiftSetting] = [
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("ExistentialAny"),
]

/// What our own C is built with: a warning is an error.
let strict: [CSetting] = [
  .enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error),
]

/// Hot loops: unsafe flags in SwiftPM's sense, so no product that other packages use may reach them (PluginKit does
/// not).
let fast: [CSetting] = strict + [.unsafeFlags(["-O3", "-ffp-contract=fast", "-fno-math-errno"])]

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "MixCSE",
  products: [
    .executable(name: "mixcse", targets: ["mixcse"]),
    .library(name: "MixCSELoss", type: .dynamic, targets: ["MixCSELoss"]),
    .library(name: "SimCSELoss", type: .dynamic, targets: ["SimCSELoss"]),
    .library(name: "Poolers", type: .dynamic, targets: ["Poolers"]),
    .library(name: "ContrastiveLosses", type: .dynamic, targets: ["ContrastiveLosses"]),
    .library(name: "EmbeddingLosses", type: .dynamic, targets: ["EmbeddingLosses"]),
    .library(name: "SupervisedLosses", type: .dynamic, targets: ["SupervisedLosses"]),
    .library(name: "Augmenters", type: .dynamic, targets: ["Augmenters"]),
    .library(name: "GuidedLosses", type: .dynamic, targets: ["GuidedLosses"]),
    .library(name: "Negatives", type: .dynamic, targets: ["Negatives"]),
    .library(name: "TextNegatives", type: .dynamic, targets: ["TextNegatives"]),
    .library(name: "VirtualAugmentation", type: .dynamic, targets: ["VirtualAugmentation"]),
    // The engine for other languages: libMixCSE.so, C functions as mixcse.h says. It may not have the name of the
    // program, so `make build` puts the link libmixcse.so beside it.
    .library(name: "MixCSE", type: .dynamic, targets: ["MixCSELibrary"]),
    // What a plugin in Swift is written with; a package of its own depends on it (Documentation/PluginGuide.md).
    .library(name: "PluginKit", targets: ["PluginKit", "PluginAPI"]),
    // For Benchmarks, which is a package of its own: of no use to others, since these modules show nothing publicly.
    .library(name: "Measured", targets: ["Objective", "Encoder", "Host", "Kernels", "PluginAPI", "TestSupport"]),
    // For Fuzz, another such package.
    .library(name: "FuzzTargets", targets: ["FuzzTargets"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    // Floor 0: contracts and system libraries.
    .target(name: "CProcesses", cSettings: strict),  // starting programs, names of signals
    // Memory two processes share, a doorbell, what is said of a crash.
    .target(name: "CIsolation", dependencies: ["CProcesses"], cSettings: strict),
    // The Python side of plugins in Python, as bytes.
    .target(name: "CPythonPlugins", cSettings: strict),
    .target(name: "Version", swiftSettings: walls),  // one constant
    .target(name: "CMalloc", cSettings: strict),  // one inline function over mallinfo2
    .target(name: "PluginAPI"),  // cse_plugin.h: the whole plugin ABI, header only
    .target(name: "LibraryAPI"),  // mixcse.h: the engine as a library, header only
    .target(name: "RankAPI"),  // cse_ranks.h: processes that train one model together, header only
    .target(name: "GraphAPI"),  // cse_graph.h: graphs of near neighbours, header only
    .target(name: "CDigests", cSettings: strict + [.unsafeFlags(["-O3"])]),  // the loop of SHA-256
    // The system's zlib and libffi.
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CFFI", pkgConfig: "libffi", providers: [.apt(["libffi-dev"])]),
    // Hot loops in C, one clone per vector width, chosen at run time.
    .target(name: "CKernels", cSettings: fast),
    .target(name: "CClassifier", cSettings: fast),  // logistic regressions of the transfer tasks

    // Floor 1: files, numbers and text.
    // Paths, reading and writing, JSON, digests, NumPy files, gzip and zip.
    .target(name: "Files", dependencies: ["CDigests", "CZlib"], swiftSettings: walls),
    // Children and how they end, signals by name, pipes, watching files, threads that are not the pool's.
    .target(name: "Processes", dependencies: ["Files", "CProcesses"], swiftSettings: walls),
    // Buffers, thread pool, random streams, matrix products, the optimiser's step.
    .target(name: "Kernels", dependencies: ["Files", "CKernels", "CIsolation"], swiftSettings: walls),
    // WordPiece, byte-level BPE and Unigram.
    .target(name: "Tokenizer", dependencies: ["Files", "Processes"], swiftSettings: walls),
    .target(name: "PluginTemplates", swiftSettings: walls),  // what `plugins new` writes
    // Files of sentences: what is text, lines, records, columns by name.
    .target(name: "TextData", dependencies: ["Files"], swiftSettings: walls),

    // Floor 2: models, which know no plugin.
    // Forward and backward of BERT and its kin; knows no file.
    .target(name: "Encoder", dependencies: ["Kernels", "CKernels"], swiftSettings: walls),
    // Model folders in and out: configuration, weights, export.
    .target(name: "ModelFiles", dependencies: ["Encoder", "Tokenizer", "Files", "Kernels"], swiftSettings: walls),

    // One step on several processes.
    .target(name: "Ranks", dependencies: ["Encoder", "Kernels", "CKernels", "RankAPI"], swiftSettings: walls),

    // Floor 2, the host of plugins: a ladder below Sources/Host, each module knowing only those before it.
    // What can be written: names, parameters, strategies.
    .target(name: "PluginGrammar", path: "Sources/Host/Grammar", swiftSettings: walls),
    // Files found and checked, descriptors read, the registry.
    .target(
      name: "PluginLoading",
      dependencies: ["PluginGrammar", "PluginAPI", "Processes", "Version", "Files", "CIsolation", logging],
      path: "Sources/Host/Loading", swiftSettings: walls),
    // A component with its parameters, memory and states, and every call into it.
    .target(
      name: "PluginInstances",
      dependencies: [
        "PluginGrammar", "PluginLoading", "PluginAPI", "Version", "Files", "Kernels", "CIsolation", logging,
      ],
      path: "Sources/Host/Instances", swiftSettings: walls),
    // C functions described by a line of text.
    .target(
      name: "BareFunctions",
      dependencies: [
        "PluginGrammar", "PluginLoading", "PluginInstances", "PluginAPI", "Files", "Kernels", "CFFI",
      ],
      path: "Sources/Host/Bare", swiftSettings: walls),
    // Plugins in processes of their own.
    .target(
      name: "PluginIsolation",
      dependencies: [
        "PluginGrammar", "PluginLoading", "PluginInstances", "BareFunctions", "PluginAPI", "Processes", "Files",
        "Kernels", "CIsolation", logging,
      ],
      path: "Sources/Host/Isolation", swiftSettings: walls),
    // Plugins in Python, in processes of Python's.
    .target(
      name: "PluginPython",
      dependencies: [
        "PluginGrammar", "PluginLoading", "PluginInstances", "PluginIsolation", "PluginAPI", "Processes", "Files",
        "Kernels", "CIsolation", "CPythonPlugins", logging,
      ],
      path: "Sources/Host/Python", swiftSettings: walls),
    // Private copies of libraries that are built again.
    .target(
      name: "PluginReload", dependencies: ["PluginGrammar", "PluginLoading", "Files"], path: "Sources/Host/Reload",
      swiftSettings: walls),
    // Names looked up: flags become components, values, names of instances.
    .target(
      name: "Strategies",
      dependencies: ["PluginGrammar", "PluginLoading", "PluginInstances", "BareFunctions", "Files"],
      path: "Sources/Host/Strategies", swiftSettings: walls),
    // All of it in one import, and what wires it together.
    .target(
      name: "Host",
      dependencies: [
        "PluginGrammar", "PluginLoading", "PluginInstances", "BareFunctions", "PluginIsolation", "PluginPython",
        "PluginReload", "Strategies", "PluginAPI", "Kernels", logging,
      ],
      path: "Sources/Host/Host", swiftSettings: walls),

    // Floor 3: what is compared and scored; how good the result is.
    // Pooled states, head, negatives, similarity, losses, and the gradients back.
    .target(
      name: "Objective",
      dependencies: ["Host", "Encoder", "ModelFiles", "Tokenizer", "Kernels", "CKernels", "PluginAPI"],
      swiftSettings: walls),
    // STS and transfer tasks, alignment and uniformity.
    .target(name: "Evaluation", dependencies: ["TextData", "Files", "Kernels", "CClassifier"], swiftSettings: walls),
    // The conformance suite.
    .target(
      name: "PluginCheck", dependencies: ["Host", "Processes", "Kernels", "PluginAPI", "CMalloc", logging],
      swiftSettings: walls),

    // An index of sentences, and what is nearest in it.
    .target(
      name: "Search",
      dependencies: [
        "Objective", "ModelFiles", "Host", "TextData", "Kernels", "CKernels", "GraphAPI", "Processes", "Files",
      ],
      swiftSettings: walls),

    // The engine behind C functions: libMixCSE.so.
    .target(
      name: "MixCSELibrary",
      dependencies: [
        "Search", "Objective", "Encoder", "ModelFiles", "Host", "Tokenizer", "TextData", "Kernels", "Processes",
        "Files", "Version", "LibraryAPI", logging,
      ],
      swiftSettings: walls,
      // Programs that link it look for libmixcse.so.
      linkerSettings: [.unsafeFlags(["-Xlinker", "-soname", "-Xlinker", "libmixcse.so"])]),

    // Floor 4: data, optimiser, loop, checkpoints.
    .target(
      name: "Training",
      dependencies: [
        "Objective", "Evaluation", "Ranks", "Encoder", "ModelFiles", "Host", "Tokenizer", "TextData", "Kernels",
        "Processes", "Files", logging,
      ],
      swiftSettings: walls),

    // Floor 5: strategies x seeds, statistics, report.
    .target(
      name: "Comparison",
      dependencies: [
        "Training", "Evaluation", "Encoder", "ModelFiles", "Host", "Kernels", "Processes", "Files", logging,
      ],
      swiftSettings: walls),

    // Floor 6: the command, and the commit it was built from.
    .plugin(name: "RecordCommit", capability: .buildTool(), path: "Sources/RecordCommit"),
    .target(name: "Commit", swiftSettings: walls, plugins: [.plugin(name: "RecordCommit")]),
    .executableTarget(
      name: "mixcse",
      dependencies: [
        "Comparison", "Training", "Search", "Objective", "Evaluation", "Ranks", "Encoder", "ModelFiles", "Host",
        "PluginCheck", "PluginTemplates", "Tokenizer", "TextData", "Kernels", "Processes", "Files", "PluginAPI",
        "Version", "Commit", argumentParser, logging,
      ],
      swiftSettings: walls),

    // Plugins: one folder, one shared library each; PluginKit is compiled into each of them.
    .target(name: "PluginKit", dependencies: ["PluginAPI"]),
    .target(name: "MixCSELoss", dependencies: ["PluginKit", "PluginAPI"], path: "Plugins/MixCSELoss"),
    .target(name: "SimCSELoss", dependencies: ["PluginKit", "PluginAPI"], path: "Plugins/SimCSELoss"),
    .target(name: "Poolers", dependencies: ["PluginKit", "PluginAPI"], path: "Plugins/Poolers"),
    .target(name: "ContrastiveLosses", dependencies: ["PluginKit", "PluginAPI"], path: "Plugins/ContrastiveLosses"),
    .target(name: "EmbeddingLosses", dependencies: ["PluginKit", "PluginAPI"], path: "Plugins/EmbeddingLosses"),
    .target(name: "SupervisedLosses", dependencies: ["PluginKit", "PluginAPI"], path: "Plugins/SupervisedLosses"),
    .target(name: "Augmenters", dependencies: ["PluginKit", "PluginAPI"], path: "Plugins/Augmenters"),
    .target(name: "GuidedLosses", dependencies: ["PluginKit", "PluginAPI"], path: "Plugins/GuidedLosses"),
    .target(name: "Negatives", dependencies: ["PluginKit", "PluginAPI"], path: "Plugins/Negatives"),
    .target(name: "TextNegatives", dependencies: ["PluginKit", "PluginAPI"], path: "Plugins/TextNegatives"),
    .target(
      name: "VirtualAugmentation", dependencies: ["PluginKit", "PluginAPI"], path: "Plugins/VirtualAugmentation"),

    // Tests mirror Sources.
    .target(name: "TestSupport", dependencies: ["Kernels"], path: "Tests/TestSupport"),
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter", cSettings: strict),
    // Readers of bytes from elsewhere by name, for Fuzz and for the replay of its corpus.
    .target(
      name: "FuzzTargets",
      dependencies: [
        "Comparison", "Training", "Evaluation", "TextData", "Encoder", "ModelFiles", "Host", "Tokenizer", "Kernels",
        "Files",
      ],
      path: "Tests/FuzzTargets", swiftSettings: walls),
    .testTarget(name: "FuzzTests", dependencies: ["FuzzTargets", "TestSupport"]),
    .testTarget(name: "FilesTests", dependencies: ["Files", "Kernels", "CDigests", "TestSupport"]),
    .testTarget(name: "ProcessesTests", dependencies: ["Processes", "TestSupport"]),
    .testTarget(name: "KernelsTests", dependencies: ["Kernels", "CKernels", "TestSupport"]),
    .testTarget(name: "TokenizerTests", dependencies: ["Tokenizer", "TestSupport"]),
    .testTarget(name: "EncoderTests", dependencies: ["Encoder", "ModelFiles", "Tokenizer", "Kernels", "TestSupport"]),
    .testTarget(name: "RanksTests", dependencies: ["Ranks", "Encoder", "Kernels", "TestSupport"]),
    .testTarget(
      name: "ModelFilesTests",
      dependencies: ["ModelFiles", "Encoder", "Files", "Tokenizer", "Kernels", "TestSupport"]),
    .testTarget(
      name: "HostTests", dependencies: ["Host", "PluginAPI", "Files", "Kernels", "TestSupport", logging]),
    .testTarget(
      name: "ObjectiveTests",
      dependencies: ["Objective", "Host", "Encoder", "ModelFiles", "PluginAPI", "Kernels", "TestSupport", logging]),
    .testTarget(name: "TextDataTests", dependencies: ["TextData", "Files", "TestSupport"]),
    .testTarget(name: "EvaluationTests", dependencies: ["Evaluation", "TextData", "Kernels", "TestSupport"]),
    .testTarget(
      name: "SearchTests",
      dependencies: ["Search", "Objective", "Encoder", "ModelFiles", "Host", "Kernels", "Files", "TestSupport"]),
    .testTarget(
      name: "TrainingTests",
      dependencies: [
        "Training", "Objective", "Evaluation", "Encoder", "ModelFiles", "Host", "Tokenizer", "TextData", "Kernels",
        "Files", "TestSupport", "AllocationCounter", logging,
      ]),
    .testTarget(
      name: "ComparisonTests",
      dependencies: ["Comparison", "Training", "Evaluation", "Files", "Kernels", "TestSupport"]),
    .testTarget(name: "PluginTests", dependencies: ["PluginAPI", "TestSupport"]),
    .testTarget(name: "PluginKitTests", dependencies: ["PluginKit", "PluginAPI"]),
    .testTarget(name: "PluginCheckTests", dependencies: ["PluginCheck", "Host", "PluginAPI", "TestSupport", logging]),
    .testTarget(name: "LibraryTests", dependencies: ["Kernels", "TestSupport"]),
    .testTarget(name: "CommandTests", dependencies: ["Processes", "Kernels", "TestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)
