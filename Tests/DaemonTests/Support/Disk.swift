import Glibc
import Testing

@testable import Console

/// Files of a test, by path.
enum Disk {
  /// A new directory with a path short enough for sockets in it.
  static func makeTemporary() throws -> String {
    var template = Array("/tmp/dongbo-d.XXXXXX".utf8CString)
    let made = mkdtemp(&template) != nil
    try #require(made)
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  static func read(_ path: String) throws -> [UInt8] { try Files.read(path, limit: 64 << 20) }

  static func text(_ path: String) throws -> String {
    String(decoding: try read(path), as: UTF8.self)
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Writes a whole file, in place of one that is there.
  static func write(_ path: String, _ bytes: [UInt8]) throws {
    let mode = try exists(path) ? self.mode(path) : 0o644
    _ = unlink(path)
    try Files.create(path, bytes, mode: mode)
  }

  static func write(_ path: String, _ text: String) throws { try write(path, Array(text.utf8)) }

  private static func mode(_ path: String) throws -> mode_t {
    var status = stat()
    try #require(stat(path, &status) == 0, "\(path)")
    return status.st_mode & 0o777
  }

  /// Sorted; without `.` and `..`.
  static func names(in directory: String) throws -> [String] {
    let stream = try #require(opendir(directory), "\(directory)")
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Every plain file below a directory.
  static func files(below directory: String) throws -> [String] {
    try names(in: directory).map { "\(directory)/\($0)" }
      .flatMap { try isDirectory($0) ? files(below: $0) : [$0] }
  }

  /// A directory of files and directories; what is at `target` goes.
  static func copy(_ source: String, to target: String) throws {
    if exists(target) { try remove(target) }
    try #require(mkdir(target, 0o700) == 0, "\(target)")
    for name in try names(in: source) {
      let (from, to) = ("\(source)/\(name)", "\(target)/\(name)")
      if isDirectory(from) {
        try copy(from, to: to)
      } else {
        try Files.create(to, try read(from), mode: 0o600)
      }
    }
  }

  static func remove(_ directory: String) throws {
    for name in try names(in: directory) where unlink("\(directory)/\(name)") != 0 {
      try remove("\(directory)/\(name)")
    }
    rmdir(directory)
  }
}
