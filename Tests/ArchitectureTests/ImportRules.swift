/// Arrows point down only (design.md section 5).
enum ImportRules {
  /// What the Swift files of each target may import. What is not here may not exist.
  static let allowed: [String: Set<String>] = [
    "Replication": [],
    // Synchronization: links, applications and the scrub share one store of files.
    "Storage": ["Replication", "CSQLite", "Glibc", "Synchronization"],
    // Glibc: one digest context a thread (pthread keys), and timegm(3) for certificate dates.
    "Cryptography": ["Replication", "COpenSSL", "Glibc"],
    "Transport": ["Replication", "CZstd", "Glibc", "Synchronization"],
    "Operations": ["Replication", "Glibc", "Synchronization"],
    "Daemon": [
      "Replication", "Storage", "Cryptography", "Transport", "Operations", "Glibc",
      "Synchronization",
    ],
    "Console": [
      "Replication", "Cryptography", "Transport", "Operations", "Glibc", "Synchronization",
    ],
    "Simulation": ["Replication", "Storage", "Cryptography"],
    "dongbod": ["Daemon", "Operations", "Glibc"],
    "dongbo": ["Console", "Glibc"],
    "dongbo-sim": ["Simulation", "Glibc"],
    "dongbo-bench": [
      "Simulation", "Console", "Transport", "Replication", "Cryptography", "Storage", "Glibc",
      "Synchronization",
    ],
  ]

  /// C targets: module maps with inline wrappers, no Swift.
  static let shims: Set<String> = ["COpenSSL", "CSQLite", "CZstd"]

  /// Modules that a file imports, each with the index of its line.
  static func imports(of file: SourceFile) -> [(index: Int, module: String)] {
    file.code.enumerated().compactMap { index, line in
      guard line.contains("import ") else { return nil }
      let pattern =
        /^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+(?:(?:struct|class|enum|protocol|typealias|func|var|let)\s+)?(\w+)/
      return line.firstMatch(of: pattern).map { (index, String($0.1)) }
    }
  }

  static func check(_ file: SourceFile) -> [Violation] {
    guard let allowed = allowed[file.target] else {
      return [Violation(file, nil, "target \(file.target) is not in ImportRules.allowed")]
    }
    return imports(of: file).filter { !allowed.contains($0.module) }
      .map { Violation(file, $0.index, "\(file.target) may not import \($0.module)") }
  }

  /// Each shim has exactly one importing target, and that target imports it `internal`.
  static func checkShims(_ files: [SourceFile]) -> [Violation] {
    shims.sorted().compactMap { shim in
      let importers = Set(
        files.filter { file in imports(of: file).contains { $0.module == shim } }.map(\.target))
      guard importers.count != 1 else { return nil }
      let list = importers.sorted().joined(separator: ", ")
      return Violation(path: "Sources/\(shim)", message: "imported by [\(list)], not by one target")
    }
  }
}
