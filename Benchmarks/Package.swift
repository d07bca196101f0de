// swift-tools-version: 6.2
// Measurements and long runs that are no tests, as a package of their own: nothing here is built with the program.
import PackageDescription

/// The identity of the package above, which SwiftPM takes from the name of its folder.
let above = Context.packageDirectory.split(separator: "/").dropLast().last.map { $0.lowercased() } ?? "mixcse"

/// What is measured is shown inside the package above only. Code that measures it counts as a part of that package.
let inside = SwiftSetting.unsafeFlags([
  "-package-name", String(above.map { $0.isLetter || $0.isNumber ? $0 : "_" }),
])

let package = Package(
  name: "Benchmarks",
  dependencies: [
    .package(path: ".."),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    // make bare-bench ARGUMENTS=calls
    .executableTarget(
      name: "bare-bench",
      dependencies: [
        .product(name: "Measured", package: above), .product(name: "Logging", package: "swift-log"),
      ],
      path: "bare", packageAccess: false,
      swiftSettings: [
        inside, .enableUpcomingFeature("InternalImportsByDefault"), .enableUpcomingFeature("ExistentialAny"),
      ]),
    // make strategy-bench
    .executableTarget(
      name: "strategy-bench",
      dependencies: [
        .product(name: "Measured", package: above), .product(name: "Logging", package: "swift-log"),
      ],
      path: "strategies", packageAccess: false,
      swiftSettings: [
        inside, .enableUpcomingFeature("InternalImportsByDefault"), .enableUpcomingFeature("ExistentialAny"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
