import Foundation

/// The package as it lies on disk.
enum SourceTree {
  /// Two folders above this file's.
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Every Swift file below `Sources`, in the order of their paths.
  static let sources = swiftFiles(below: "Sources")
  static let tests = swiftFiles(below: "Tests")

  /// Names at the top level, dot-files aside.
  static var topLevel: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
    return names.filter { !$0.hasPrefix(".") }.sorted()
  }

  /// Folders below `Sources`: one a target.
  static var targets: [String] {
    let names = try? FileManager.default.contentsOfDirectory(
      atPath: root.appending(path: "Sources").path)
    return (names ?? []).sorted()
  }

  /// Paths of all files from the root; what git and the build keep for themselves aside.
  static var files: [String] {
    topLevel.flatMap { name in
      let found = FileManager.default.enumerator(atPath: root.appending(path: name).path)
      let below = (found?.allObjects as? [String] ?? []).map { "\(name)/\($0)" }
      return [name] + below
    }.sorted()
  }

  static func text(_ path: String) -> String {
    let data = (try? Data(contentsOf: root.appending(path: path))) ?? Data()
    return String(decoding: data, as: UTF8.self)
  }

  static func byteCount(_ path: String) -> Int {
    let values = try? root.appending(path: path).resourceValues(forKeys: [.fileSizeKey])
    return values?.fileSize ?? 0
  }

  private static func swiftFiles(below folder: String) -> [SourceFile] {
    files.filter { $0.hasPrefix(folder + "/") && $0.hasSuffix(".swift") }
      .map { SourceFile(path: $0, text: text($0)) }
  }
}
