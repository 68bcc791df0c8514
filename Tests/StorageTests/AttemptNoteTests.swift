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

  @Test func theSecondEndInTheMiddleOfAnEntryBarsIt() throws {
    let directory = try DataDirectory(makeDirectory())
    #expect(try start(directory).begin(first), "the first try; the process ends in it")
    #expect(try start(directory).begin(first), "the second; it ends again")
    let third = try start(directory)
    #expect(!third.begin(first))
    #expect(third.begin(second), "others are applied, though their body is the same")
    #expect(third.begin(Self.attempt(1, 2)), "so is what else the record gets")
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
