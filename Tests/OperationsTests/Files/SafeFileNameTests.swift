import Glibc
import Testing

@testable import Operations

/// Names from the wire, as a hostile province may choose them.
@Suite struct SafeFileNameTests {
  static let hostile: [String] =
    [
      "", ".", "..", "...", "/", "\\", "//", "../", "../../etc/passwd", "/etc/passwd",
      "..\\..\\windows\\system32", "C:\\boot.ini", "a/../b", "./.ssh/authorized_keys", ".bashrc",
      "a\0b", "\0", "a\nb\r\tc", "\u{1B}[2Jx", "\u{7F}", "\u{202E}fdp.exe", "a\u{2066}b\u{2069}",
      "\u{200F}", "\u{FEFF}x", "\u{2028}", "a\u{200B}b", " ", "  x  ", "x.", "x. . .", "-rf",
      "--help", "~root", "con", "NUL", "nul.txt", "Com1.pdf", "LPT9", "lpt\u{B9}.x", "aux.tar.gz",
      "$(reboot)", "a;b", "*", "?", "a|b", "\"", "<x>", "\u{E000}", "\u{FFFF}", "\u{FFFD}",
      String(repeating: "a", count: 4_096), String(repeating: "ế", count: 4_096) + ".pdf",
      String(repeating: "../", count: 1_365), "e" + String(repeating: "\u{301}", count: 2_000),
      String(repeating: ".", count: 4_096), String(repeating: "\u{202E}", count: 5_000) + "x.pdf",
      "x." + String(repeating: "y", count: 4_096), ".pdf", "a.\u{202E}pdf",
      String(repeating: "a", count: 190) + ". . . . . . . . .pdf",
    ]

  static func isSafe(_ name: SafeFileName) -> Bool {
    let text = name.text
    let bytes = Array(text.utf8)
    return !bytes.isEmpty && bytes.count <= 255 && !bytes.contains(UInt8(ascii: "/"))
      && !bytes.contains(UInt8(ascii: "\\")) && !bytes.contains(UInt8(ascii: ":"))
      && !bytes.contains(0) && bytes[0] != UInt8(ascii: ".") && bytes[0] != UInt8(ascii: "-")
      && bytes[0] != UInt8(ascii: " ") && bytes.last != UInt8(ascii: ".")
      && bytes.last != UInt8(ascii: " ") && !text.unicodeScalars.contains(where: isHidden)
  }

  @Test func hostileNamesBecomeSafeDistinctAndStable() {
    for name in Self.hostile {
      let made = SafeFileName.names(for: [name])
      #expect(made.count == 1 && made.allSatisfy(Self.isSafe), "\(visibleText(name)): \(made)")
      // What is safe already stays, unless it is reserved twice over.
      #expect(SafeFileName.names(for: made.map(\.text)) == made)
    }
    let twice = SafeFileName.names(for: Self.hostile + Self.hostile)
    #expect(twice.allSatisfy(Self.isSafe))
    #expect(Set(twice.map { $0.text.lowercased() }).count == 2 * Self.hostile.count)
    #expect(SafeFileName.names(for: Self.hostile + Self.hostile) == twice)
  }

  @Test(
    arguments: [
      ("Quyết định 12-QĐ.UBND.pdf", "Quyết định 12-QĐ.UBND.pdf"), ("bảng kê.xlsx", "bảng kê.xlsx"),
      ("12/QĐ-UBND.pdf", "12_QĐ-UBND.pdf"), ("../../etc/passwd", "_.._etc_passwd"),
      ("\u{202E}fdp.exe", "fdp.exe"), (".bashrc", "bashrc"), ("nul.txt", "_nul.txt"),
      ("console.txt", "console.txt"), ("com10.txt", "com10.txt"), ("-rf", "_-rf"), ("..", "file-1"),
      ("a\0b.pdf", "ab.pdf"),
      (String(repeating: "a", count: 4_096) + ".pdf", String(repeating: "a", count: 196) + ".pdf"),
      (String(repeating: "ế", count: 100) + ".pdf", String(repeating: "ế", count: 65) + ".pdf"),
    ])
  func aNameStaysAsNearAsItCan(wireName: String, expected: String) {
    #expect(SafeFileName.names(for: [wireName]).map(\.text) == [expected])
  }

  @Test func equalNamesAreToldApartInOrder() {
    let names = ["a.pdf", "A.PDF", "a.pdf", "a-2.pdf", "u\u{1EF7}.pdf", "uy\u{309}.pdf", "", ".."]
    #expect(
      SafeFileName.names(for: ["b"] + names).map(\.text).dropFirst().prefix(4)
        == ["a.pdf", "A-2.PDF", "a-3.pdf", "a-2-2.pdf"])
    let made = SafeFileName.names(for: names + names)
    #expect(Set(made.map { $0.text.lowercased() }).count == made.count)
    #expect(made[6].text == "file-7" && made[7].text == "file-8")
    let many = SafeFileName.names(for: [String](repeating: "x.pdf", count: 5_000))
    #expect(Set(many).count == 5_000 && many.last?.text == "x-5000.pdf")
    #expect(many.allSatisfy(Self.isSafe))
  }
}

/// Files written where the user said.
@Suite final class OutputDirectoryTests {
  private let path: String

  init() throws {
    var template = Array("/tmp/dongbo-out.XXXXXX".utf8CString)
    let isMade = mkdtemp(&template) != nil
    try #require(isMade)
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    for name in names() { unlink("\(path)/\(name)") }
    rmdir(path)
  }

  private func names() -> [String] {
    guard let stream = opendir(path) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  private func write(_ wireName: String, finishes: Bool = true) throws {
    let directory = try OutputDirectory(path)
    var file = try directory.create(SafeFileName.names(for: [wireName])[0])
    try file.append([1, 2, 3].span)
    try file.append([4].span)
    if finishes { try file.finish() }
  }

  @Test func everyHostileNameIsWrittenInsideTheDirectory() throws {
    let directory = try OutputDirectory(path)
    let made = SafeFileName.names(for: SafeFileNameTests.hostile)
    for name in made {
      var file = try directory.create(name)
      try file.append([7].span)
      try file.finish()
    }
    #expect(Set(names()) == Set(made.map(\.text)))
    var status = stat()
    #expect(stat("\(path)/\(made[0])", &status) == 0)
    #expect(status.st_mode & 0o777 == 0o600 && status.st_size == 1)
  }

  @Test func nothingIsWrittenOverOrFollowed() throws {
    try write("a")
    try #require(symlink("\(path)/not-there", "\(path)/b") == 0)
    for name in ["a", "b"] {
      #expect(throws: OutputFileError(operation: "create", name: name, errno: EEXIST)) {
        try self.write(name)
      }
    }
    #expect(Set(names()) == ["a", "b"])
  }

  @Test func whatIsNotFinishedIsRemoved() throws {
    try write("a", finishes: false)
    #expect(names() == [])
  }

  /// As a kill would leave it: nothing under the name before the file is whole.
  @Test func theNameComesWhenTheFileIsWhole() throws {
    let directory = try OutputDirectory(path)
    var file = try directory.create(SafeFileName.names(for: ["a"])[0])
    var other = try directory.create(SafeFileName.names(for: ["b"])[0])
    try file.append([1].span)
    #expect(names().count == 2 && names().allSatisfy { $0.hasPrefix(".") })
    try file.finish()
    #expect(names().filter { !$0.hasPrefix(".") } == ["a"])
    // Taken meanwhile: it stays as it is.
    try #require(symlink("\(path)/not-there", "\(path)/b") == 0)
    #expect(throws: OutputFileError(operation: "create", name: "b", errno: EEXIST)) {
      try other.finish()
    }
    #expect(Set(names()).isSuperset(of: ["a", "b"]))
  }

  @Test func aLinkIsNoDirectoryToWriteTo() throws {
    try #require(symlink(path, "\(path)/self") == 0)
    for (name, code) in [("self", ENOTDIR), ("none", ENOENT)] {
      var thrown: OutputFileError?
      do throws(OutputFileError) { _ = try OutputDirectory("\(path)/\(name)") } catch {
        thrown = error
      }
      #expect(thrown == OutputFileError(operation: "open", name: "\(path)/\(name)", errno: code))
    }
  }
}
