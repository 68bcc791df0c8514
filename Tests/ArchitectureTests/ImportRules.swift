/// Arrows point down only (design.md section 5).
enum ImportRules {
  /// What the Swift files of each target may import. What is not here may not exist.
  static let allowed: [String: Set<String>] = [
    "Replication": [],
    // Synchronization: links, applications and the scrub share one store of files.
    "Storage": ["Replication", "CSQLite", "Glibc", "Synchronization"],
    // Glibc: one digest context a thread (pthread keys), and timegm(3) for certificate dates.
    // Synchronization: the threads that verify share what was found about signers.
    "Cryptography": ["Replication", "COpenSSL", "Glibc", "Synchronization"],
    "Transport": ["Replication", "CZstd", "Glibc", "Synchronization"],
    "Operations": ["Replication", "Glibc", "Synchronization"],
    "Daemon": [
      "Replication", "Storage", "Cryptography", "Transport", "Operations", "Glibc",
      "Synchronization",
    ],
    // Storage: restore puts a store in place while no daemon runs.
    "Console": [
      "Replication", "Storage", "Cryptography", "Transport", "Operations", "Glibc",
      "Synchronization",
    ],
    "SimulatedDisk": ["CFaultyDisk"],
    "Simulation": ["Replication", "Storage", "Cryptography", "SimulatedDisk"],
    "dongbod": ["Daemon", "Operations", "Glibc"],
    "dongbo": ["Console", "Glibc"],
    "dongbo-sim": ["Simulation", "Glibc"],
    "dongbo-bench": [
      "Simulation", "Console", "Transport", "Replication", "Cryptography", "Storage", "Glibc",
      "Synchronization", "CLimits",
    ],
  ]

  /// C targets, no Swift: module maps with inline wrappers, and the disk that fails on purpose.
  static let shims: Set<String> = ["CFaultyDisk", "CLimits", "COpenSSL", "CSQLite", "CZstd"]

  /// What tests and the simulation alone may be made of, and the programs that run at a site.
  static let testOnly: Set<String> = ["CFaultyDisk", "SimulatedDisk", "Simulation"]
  static let sitePrograms = ["dongbod", "dongbo"]

  /// Targets that `target` is made of, itself too, by the dependencies in the text of
  /// `Package.swift`.
  static func parts(of target: String, package: String) -> Set<String> {
    var found: Set<String> = []
    var open = [target]
    while let name = open.popLast() {
      guard found.insert(name).inserted else { continue }
      let pattern = try? Regex(#"arget\(\s*name: "\#(name)",\s*dependencies: \[([^\]]*)\]"#)
      let list = pattern.flatMap { package.firstMatch(of: $0) }?.output[1].substring ?? ""
      open += list.matches(of: /"(\w+)"/).map { String($0.output.1) }
    }
    return found
  }

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
