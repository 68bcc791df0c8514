// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

/// One Swift importer each: COpenSSL is Cryptography's, CSQLite is Storage's, CZstd is Transport's.
let shims: [Target] = [
  .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
  .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
  .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
]

/// Arrows point down only; `Tests/ArchitectureTests` holds every import to this list.
let libraries: [Target] = [
  .target(name: "Replication", swiftSettings: strict + [.strictMemorySafety()]),
  .target(
    name: "Storage", dependencies: ["Replication", "CSQLite"],
    resources: (["schema.sql"] + (2...8).map { "schema-\($0).sql" }).map { .embedInCode($0) },
    swiftSettings: strict),
  .target(name: "Cryptography", dependencies: ["Replication", "COpenSSL"], swiftSettings: strict),
  .target(name: "Transport", dependencies: ["Replication", "CZstd"], swiftSettings: strict),
  .target(name: "Operations", dependencies: ["Replication"], swiftSettings: strict),
  .target(
    name: "Daemon",
    dependencies: ["Replication", "Storage", "Cryptography", "Transport", "Operations"],
    swiftSettings: strict),
  .target(
    name: "Console",
    dependencies: ["Replication", "Storage", "Cryptography", "Transport", "Operations"],
    swiftSettings: strict),
  .target(
    name: "Simulation", dependencies: ["Replication", "Storage", "Cryptography", "SimulatedDisk"],
    swiftSettings: strict),
  // A faulty disk under SQLite, for tests and the simulation: never in `dongbod` or `dongbo`.
  .target(name: "CFaultyDisk", dependencies: ["CSQLite"]),
  // What SQLite does alone, to hold the bench's figures against.
  .target(name: "CLimits", dependencies: ["CSQLite"]),
  .target(name: "SimulatedDisk", dependencies: ["CFaultyDisk"], swiftSettings: strict),
]

let programs: [Target] = [
  .executableTarget(
    name: "dongbod", dependencies: ["Daemon", "Operations"], swiftSettings: strict),
  .executableTarget(name: "dongbo", dependencies: ["Console"], swiftSettings: strict),
  .executableTarget(name: "dongbo-sim", dependencies: ["Simulation"], swiftSettings: strict),
  .executableTarget(
    name: "dongbo-bench",
    dependencies: ["Transport", "Replication", "Cryptography", "Storage", "CLimits"],
    swiftSettings: strict),
]

/// Everything the daemon is made of; its tests start it as a process.
let daemonParts: [Target.Dependency] = [
  "Daemon", "Console", "Storage", "Transport", "Operations", "Replication", "Cryptography",
]

let tests: [Target] = [
  .testTarget(name: "ArchitectureTests", swiftSettings: strict),
  .testTarget(
    name: "ReplicationTests", dependencies: ["Replication", "Cryptography", "Storage"],
    resources: [.copy("Samples"), .copy("Golden")], swiftSettings: strict),
  .testTarget(name: "LinkTests", dependencies: ["Replication"], swiftSettings: strict),
  .testTarget(
    name: "StoreContract",
    dependencies: ["Storage", "Replication", "Cryptography", "SimulatedDisk"],
    swiftSettings: strict),
  .testTarget(
    name: "StorageTests", dependencies: ["Storage", "Replication", "Cryptography"],
    swiftSettings: strict),
  .testTarget(
    name: "CryptographyTests", dependencies: ["Cryptography", "Replication"],
    swiftSettings: strict),
  .testTarget(
    name: "TransportTests", dependencies: ["Transport", "Replication"], swiftSettings: strict),
  .testTarget(
    name: "OperationsTests", dependencies: ["Operations", "Replication"], swiftSettings: strict),
  .testTarget(
    name: "ConsoleTests",
    dependencies: [
      "Console", "Storage", "Transport", "Operations", "Replication", "Cryptography",
    ],
    swiftSettings: strict),
  .testTarget(
    name: "SimulationTests", dependencies: ["Simulation", "Replication", "Storage"],
    swiftSettings: strict),
  .testTarget(
    name: "Scenarios", dependencies: ["Simulation", "Replication", "Storage", "Cryptography"],
    exclude: ["Scripts"], swiftSettings: strict),
  .testTarget(
    name: "BenchTests", dependencies: ["dongbo-bench", "Replication", "Cryptography"],
    swiftSettings: strict),
  .testTarget(name: "DaemonTests", dependencies: daemonParts, swiftSettings: strict),
]

/// Tests/Fuzz is one of two things: tests that run the corpora through the fuzzer's checks, or, for
/// `Deploy/fuzz` (DONGBO_FUZZ=1), a program that is linked with libFuzzer.
let fuzzedParts: [Target.Dependency] = ["Replication", "Cryptography", "Transport", "Operations"]
let fuzz: [Target] =
  Context.environment["DONGBO_FUZZ"] == nil
  ? [
    .testTarget(
      name: "FuzzTests", dependencies: fuzzedParts, path: "Tests/Fuzz",
      exclude: ["CFuzzer", "Runner"], swiftSettings: strict)
  ]
  : [
    .systemLibrary(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
    .executableTarget(
      name: "dongbo-fuzz", dependencies: fuzzedParts + ["CFuzzer"], path: "Tests/Fuzz",
      exclude: ["CFuzzer", "Tests"], swiftSettings: strict),
  ]

let package = Package(
  name: "Dongbo",
  targets: shims + libraries + programs + tests + fuzz,
  swiftLanguageModes: [.v6]
)
