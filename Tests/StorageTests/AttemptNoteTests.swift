import Glibc
import Replication
import Testing

@testable import Storage

/// The note that names what the daemon was applying when it ended (reliability.md T23).
@Suite struct AttemptNoteTests {
  private let first = attempt(1)
  private let second = attempt(2)

  /// Attempts of different records with one body, as all receipts of a code have.
  private static func attempt(_ number: UInt64, _ revision: UInt64 = 1) -> Attempt {
    let id = RecordID(UniqueID(Bytes16(high: 0, low: number)))
    return Attempt(
      record: RecordKey(kind: .document, id: id), subject: .revision(Revision(revision)),
      body: Digest(Bytes32(1, 2, 3, 4)))
  }

  private func makeDirectory() throws -> String {
    var template = Array("/tmp/dongbo-attempt-XXXXXX".utf8CString)
    return String(cString: try #require(mkdtemp(&template)))
  }

  /// What a new process reads after the last one ended.
  private func start(_ directory: DataDirectory) throws -> AttemptNote {
    try AttemptNote(directory)
  }

  /// What a crash leaves beside what a kill leaves; CrashTests has real ones.
  private func crash(_ directory: DataDirectory) throws {
    let file = open("\(directory.path)/attempt", O_WRONLY)
    defer { close(file) }
    var mark: UInt8 = 1
    try #require(pwrite(file, &mark, 1, 4 + 4 + off_t(Attempt.byteCount)) == 1)
  }

  @Test func theSecondCrashInTheMiddleOfAnEntryBarsIt() throws {
    let directory = try DataDirectory(makeDirectory())
    #expect(try start(directory).begin(first), "the first try; the process crashes in it")
    try crash(directory)
    #expect(try start(directory).begin(first), "the second; it crashes again")
    try crash(directory)
    let third = try start(directory)
    #expect(!third.begin(first))
    #expect(third.begin(second), "others are applied, though their body is the same")
    #expect(third.begin(Self.attempt(1, 2)), "so is what else the record gets")
  }

  /// Two kills at random may hit one entry; what the kernel kills us for does so every time.
  @Test func aKillBarsNothingBeforeTheFifth() throws {
    let directory = try DataDirectory(makeDirectory())
    for _ in 0..<AttemptLimits.endCount { #expect(try start(directory).begin(first)) }
    #expect(try !start(directory).begin(first))
  }

  @Test func killsBetweenTwoCrashesDoNotHideThem() throws {
    let directory = try DataDirectory(makeDirectory())
    #expect(try start(directory).begin(first))
    try crash(directory)
    #expect(try start(directory).begin(first), "killed")
    #expect(try start(directory).begin(first))
    try crash(directory)
    #expect(try !start(directory).begin(first))
  }

  @Test func whatWasAppliedIsNoSuspect() throws {
    let directory = try DataDirectory(makeDirectory())
    for _ in 0..<3 {
      let note = try start(directory)
      #expect(note.begin(first))
      note.end()
    }
    #expect(try start(directory).begin(first))
  }

  /// Two ends in two entries are no proof against either.
  @Test func ofTwoSuspectsNoneIsBarred() throws {
    let directory = try DataDirectory(makeDirectory())
    for body in [first, second, first, second] { #expect(try start(directory).begin(body)) }
  }

  @Test(arguments: [[], [1], [UInt8](repeating: 0xFF, count: 20)])
  func aDamagedNoteBarsNothing(_ bytes: [UInt8]) throws {
    let directory = try DataDirectory(makeDirectory())
    let file = try #require(fopen("\(directory.path)/attempt", "w"))
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
    #expect(try start(directory).begin(first))
  }
}
