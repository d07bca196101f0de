// swift-tools-version: 6.2
// The fuzzer, as a package of its own: all of it is built with the address sanitizer and with counters of edges, which
// nothing else wants. What it calls are the readers of Tests/FuzzTargets. See `make fuzz`.
import PackageDescription

/// The identity of the package above, which SwiftPM takes from the name of its folder.
let above = Context.packageDirectory.split(separator: "/").dropLast().last.map { $0.lowercased() } ?? "mixcse"

/// Readers are shown inside the package above only. Code that calls them counts as a part of that package.
let inside = SwiftSetting.unsafeFlags([
  "-package-name", String(above.map { $0.isLetter || $0.isNumber ? $0 : "_" }),
])

let package = Package(
  name: "Fuzz",
  dependencies: [.package(path: "..")],
  targets: [
    .executableTarget(
      name: "fuzz", dependencies: [.product(name: "FuzzTargets", package: above)], path: "Sources",
      packageAccess: false,
      swiftSettings: [
        inside,
        // libFuzzer brings the main function.
        .unsafeFlags(["-parse-as-library"]),
        .enableUpcomingFeature("InternalImportsByDefault"), .enableUpcomingFeature("ExistentialAny"),
      ],
      // gold, which is the default on some systems, cannot link what the sanitizer adds.
      linkerSettings: [.unsafeFlags(["-use-ld=lld"])])
  ],
  swiftLanguageModes: [.v6]
)
