import Foundation

/// Seeds as they lie in the repository: `.hex` is bytes in hexadecimal with comments behind `#`,
/// everything else is taken as it is.
enum SeedFiles {
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// The files right below the folder at `path`, in the order of their names; hidden ones aside.
  static func folder(_ path: String) throws -> [Seed] {
    let folder = root.appending(path: path)
    return try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { !$0.hasPrefix(".") }.sorted()
      .map { Seed(name: $0, bytes: try bytes(folder.appending(path: $0))) }
  }

  /// The corpus of the target of this name.
  static func corpus(_ target: String) throws -> [Seed] { try folder("Tests/Corpora/\(target)") }

  /// One file.
  static func bytes(_ path: String) throws -> [UInt8] { try bytes(root.appending(path: path)) }

  /// The lines of a file, each without its end.
  static func lines(_ path: String) throws -> [[UInt8]] {
    try bytes(path).split(separator: 0x0A).map(Array.init)
  }

  private static func bytes(_ file: URL) throws -> [UInt8] {
    let data = Array(try Data(contentsOf: file))
    return file.pathExtension == "hex" ? try hex(data, file) : data
  }

  private static func hex(_ text: [UInt8], _ file: URL) throws -> [UInt8] {
    var digits: [UInt8] = []
    for line in text.split(separator: 0x0A) {
      for byte in line.prefix(while: { $0 != UInt8(ascii: "#") }) where byte != 0x20 {
        guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
          throw BrokenProperty(description: "\(file.path) is not hexadecimal")
        }
        digits.append(UInt8(digit))
      }
    }
    guard digits.count.isMultiple(of: 2) else {
      throw BrokenProperty(description: "\(file.path) has half a byte")
    }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }
}
