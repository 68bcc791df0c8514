import Replication
import Testing

extension DaemonTests {
  /// Files beside records, between sites.
  @Suite struct FileTests {
    private let centre = Lab.centre
    private let chunkByteCount = 256 << 10

    @Test func aFileThatARecordNamesReachesTheCentre() throws {
      let lab = try Lab("lang-son")
      let file = Content(byteCount: 3_000_001, seed: 1)
      let empty = Content(byteCount: 0, seed: 2)
      try lab.store(file, at: "lang-son")
      try lab.startAll()
      try lab.api("lang-son").put("document", try Samples.document(1, naming: file, empty))
      try lab.awaitFile(file, at: centre)
      try eventually("the empty one is there") {
        Disk.exists(lab.filePath(empty, at: Lab.centre))
      }
      #expect(try lab.fileBytes("received", at: centre, with: "lang-son") == file.bytes.count)
      try eventually("nothing is pending") {
        try lab.metric(centre, "dongbo_files_pending") == 0
      }
      #expect(try lab.metric(centre, "dongbo_files_stored") == 2)
    }

    /// The record comes first; its file later, as when an application uploads it late.
    @Test func whatThePeerDoesNotHaveYetIsAskedForAgain() throws {
      let lab = try Lab("lang-son")
      let file = Content(byteCount: 100_000, seed: 3)
      try lab.startAll()
      try lab.api("lang-son").put("document", try Samples.document(1, naming: file))
      try eventually("the centre is refused") {
        lab.logs(Lab.centre, "event=file.refused", "not-here")
      }
      try lab.stop("lang-son")
      try lab.store(file, at: "lang-son")
      try lab.start("lang-son")
      try lab.awaitFile(file, at: centre)
    }

    /// A clerk was wrong about the size, in the first record that names the file. Kills: the first
    /// size tried for ever; no look at the sizes that other records name.
    @Test(arguments: [0, 99_999, 100_001])
    func aWrongSizeKeepsAFileFromNobodyElse(wrong: Int64) throws {
      let lab = try Lab("lang-son")
      let file = Content(byteCount: 100_000, seed: 8)
      try lab.startAll()
      var first = try Samples.document(1, naming: file)
      let attachment = try #require(first["attachments"]?.array?.first?.object)
      var lie = attachment
      lie["sizeBytes"] = .integer(wrong)
      first["attachments"] = .array([.object(lie)])
      try lab.api("lang-son").put("document", first)
      try lab.api("lang-son").put("document", try Samples.document(2, naming: file))
      try lab.awaitEqual()
      try lab.stop("lang-son")
      try lab.store(file, at: "lang-son")
      try lab.start("lang-son")
      try lab.awaitFile(file, at: centre)
      try eventually("both sites know that it is here") {
        try lab.metric(centre, "dongbo_files_pending") == 0
          && lab.metric("lang-son", "dongbo_files_pending") == 0
      }
    }

    @Test func aTransferGoesOnWhereAnotherStopped() throws {
      let lab = try Lab("lang-son")
      let file = Content(byteCount: 2_000_000, seed: 4)
      try lab.store(file, at: "lang-son")
      try lab.storePart(file, byteCount: 1_200_000, at: centre)
      try lab.startAll()
      try lab.api("lang-son").put("document", try Samples.document(1, naming: file))
      try lab.awaitFile(file, at: centre)
      #expect(try lab.fileBytes("received", at: centre, with: "lang-son") == 800_000)
    }

    /// What an earlier transfer left is not the file's beginning: it begins anew, once.
    @Test func aWrongPartBeginsAnew() throws {
      let lab = try Lab("lang-son")
      let file = Content(byteCount: 600_000, seed: 5)
      let other = Content(byteCount: 600_000, seed: 6)
      try lab.store(file, at: "lang-son")
      try lab.storePart(file, byteCount: 0, at: centre)
      try Disk.write(
        lab.filePath(file, at: centre, in: "part"), Array(other.bytes.prefix(300_000)))
      try lab.startAll()
      try lab.api("lang-son").put("document", try Samples.document(1, naming: file))
      try lab.awaitFile(file, at: centre)
      #expect(try lab.fileBytes("received", at: centre, with: "lang-son") == 900_000)
    }

    @Test func aCutCostsAtMostOneChunk() throws {
      let lab = try Lab("lang-son")
      let file = Content(byteCount: 48 << 20, seed: 7)
      try lab.store(file, at: "lang-son")
      try lab.startAll()
      try lab.api("lang-son").put("document", try Samples.document(1, naming: file))
      let part = lab.filePath(file, at: centre, in: "part")
      try eventually("some of it is there") { lab.byteCount(part) > 1 << 20 }
      try lab.kill9(centre)
      let reached = lab.byteCount(part)
      #expect(reached < file.bytes.count)
      try lab.start(centre)
      try lab.awaitFile(file, at: centre)
      let sent = try lab.fileBytes("sent", at: "lang-son", with: centre)
      #expect(sent <= file.bytes.count + chunkByteCount, "\(sent), cut at \(reached)")
    }

    /// A file goes where a record goes that names it, and nowhere else.
    @Test func aSiteThatNoRecordIsForIsRefused() throws {
      let lab = try Lab("lang-son", "nghe-an")
      let file = Content(byteCount: 1_000, seed: 8)
      try lab.store(file, at: "lang-son")
      try lab.start(centre, "lang-son")
      try lab.awaitEqual(["lang-son"])
      try lab.api("lang-son").put("document", try Samples.document(1, naming: file))
      try lab.awaitFile(file, at: centre)
      let unknown = Content(byteCount: 1_000, seed: 9)
      let window = FileWindow(taken: 0, upTo: 1_000)
      let client = try LinkClient(LinkIdentity(of: "nghe-an", in: lab), as: "nghe-an", in: lab)
      try client.open(version: 2)
      for digest in [file.digest, unknown.digest] {
        try client.send(.want(WantMessage(.file(digest), .begin(window))))
        #expect(
          try client.file() == FileMessage(.file(digest), .refused(.notEntitled)),
          "here or not, the answer is the same")
      }
    }
  }
}
