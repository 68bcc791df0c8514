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
    resources: [.embedInCode("schema.sql"), .embedInCode("schema-2.sql")],
    swiftSettings: strict),
  .target(name: "Cryptography", dependencies: ["Replication", "COpenSSL"], swiftSettings: strict),
  .target(name: "Transport", dependencies: ["Replication", "CZstd"], swiftSettings: strict),
  .target(name: "Operations", dependencies: ["Replication"], swiftSettings: strict),
  .target(
    name: "Daemon",
    dependencies: ["Replication", "Storage", "Cryptography", "Transport", "Operations"],
    swiftSettings: strict),
  .target(
    name: "Console", dependencies: ["Replication", "Cryptography", "Transport", "Operations"],
    swiftSettings: strict),
  .target(
    name: "Simulation", dependencies: ["Replication", "Storage", "Cryptography"],
    swiftSettings: strict),
]

let programs: [Target] = [
  .executableTarget(
    name: "dongbod", dependencies: ["Daemon", "Operations"], swiftSettings: strict),
  .executableTarget(name: "dongbo", dependencies: ["Console"], swiftSettings: strict),
  .executableTarget(name: "dongbo-sim", dependencies: ["Simulation"], swiftSettings: strict),
  .executableTarget(
    name: "dongbo-bench",
    dependencies: ["Transport", "Replication", "Cryptography", "Storage"],
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
    name: "StoreContract", dependencies: ["Storage", "Replication", "Cryptography"],
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
    dependencies: ["Console", "Transport", "Operations", "Replication", "Cryptography"],
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

let package = Package(
  name: "Dongbo",
  targets: shims + libraries + programs + tests,
  swiftLanguageModes: [.v6]
)
