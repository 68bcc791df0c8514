import Cryptography
import Glibc
import Replication
import Testing

extension DaemonTests {
  /// Files between an application and its site: what comes in whole is durable and comes out the
  /// same; what lies is refused and leaves nothing.
  @Suite struct UploadTests {
    static let pieceByteCount = 1 << 20

    /// Bytes that differ from place to place.
    static func content(_ byteCount: Int, seed: UInt8 = 1) -> [UInt8] {
      (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) &+ seed }
    }

    static func digest(_ bytes: [UInt8]) -> String { OpenSSLHash().digest(bytes).description }

    /// A document of lang-son with one file.
    static func document(
      _ number: Int, file bytes: [UInt8], name: String = "công văn.pdf", byteCount: Int64? = nil
    ) throws -> JSONObject {
      var body = try Samples.document(number)
      body["attachments"] = .array([
        .object([
          "contentId": .string(Text(Samples.id(number))), "attachmentName": .string(Text(name)),
          "contentType": .string("application/pdf"),
          "sizeBytes": .integer(byteCount ?? Int64(bytes.count)),
          "digest": .string(Text("sha-256:" + digest(bytes))),
        ])
      ])
      return body
    }

    /// Sends the pieces of a new upload.
    /// - Returns: its name, and the answer to its end.
    @discardableResult static func upload(
      _ bytes: [UInt8], _ declared: JSONObject = JSONObject(), to api: SiteAPI
    ) throws -> (id: String, end: Answer) {
      let id = try #require(try api.post("files", JSONObject()).text("upload"))
      var offset = 0
      while offset < bytes.count {
        let piece = Array(bytes[offset..<min(offset + pieceByteCount, bytes.count)])
        let answer = try api.post("files/\(id)/bytes", bytes: piece, "offset", "\(offset)")
        offset += piece.count
        #expect(answer.integer("byteCount") == Int64(offset), "\(answer)")
      }
      return (id, try api.post("files/\(id)/end", declared))
    }

    static func download(_ digest: String, from api: SiteAPI) throws -> [UInt8] {
      var bytes: [UInt8] = []
      while true {
        let piece = try api.bytes("files/\(digest)", "offset", "\(bytes.count)")
        if piece.isEmpty { return bytes }
        bytes += piece
      }
    }

    static func states(_ number: Int, at api: SiteAPI) throws -> [String] {
      try api.get("records/document/\(Samples.id(number))").objects("files")
        .map { $0.text("bodyState") ?? "?" }
    }

    @Test func whatComesInComesOutAgainAlsoAfterARestart() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let api = lab.api("lang-son")
      let contents = [[], [7], Self.content(3 << 20), Self.content((1 << 20) + 1)]
      for content in contents {
        let (id, end) = try Self.upload(
          content,
          [
            "digest": .string(Text("sha-256:" + Self.digest(content))),
            "sizeBytes": .integer(Int64(content.count)),
          ], to: api)
        #expect(end.status == 200, "\(end)")
        #expect(end.text("digest") == "sha-256:" + Self.digest(content))
        #expect(end.integer("sizeBytes") == Int64(content.count))
        // The answer was lost, the caller asks again.
        #expect(try api.post("files/\(id)/end", JSONObject()).json == end.json)
      }
      try lab.kill9("lang-son")
      try lab.start("lang-son")
      let again = lab.api("lang-son")
      for (number, content) in contents.enumerated() {
        let known = try again.get("files/sha-256:\(Self.digest(content))")
        #expect(known.text("state") == "here" && known.json["named"] == .bool(false), "\(known)")
        #expect(try Self.download(Self.digest(content), from: again) == content)
        let put = try again.put("document", try Self.document(number + 1, file: content))
        #expect(put.json["filesPending"] == nil)
        #expect(try Self.states(number + 1, at: again) == ["here"])
      }
      #expect(try lab.metric("lang-son", "dongbo_unnamed_file_bytes") == 0)
    }

    @Test func aRecordBeforeItsFileShowsItAsPendingUntilItComes() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let api = lab.api("lang-son")
      let content = Self.content(100_000)
      let put = try api.put("document", try Self.document(1, file: content))
      #expect(put.integer("filesPending") == 1)
      #expect(try Self.states(1, at: api) == ["pending"])
      let missing = try api.get("files/\(Self.digest(content))", "offset", "0")
      #expect(missing.status == 404 && missing.code == "file-pending", "\(missing)")
      #expect(try api.get("files/\(Self.digest(content))").text("state") == "pending")
      let unknown = try api.get("files/\(Self.digest([1]))")
      #expect(unknown.status == 404 && unknown.code == "file-unknown", "\(unknown)")

      #expect(try Self.upload(content, to: api).end.json["named"] == .bool(true))
      #expect(try Self.states(1, at: api) == ["here"])
      #expect(try Self.download(Self.digest(content), from: api) == content)
    }

    @Test func filesThatLieAreRefusedAndLeaveNothing() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let api = lab.api("lang-son")
      let content = Self.content(5_000)
      let lies: [(JSONObject, String)] = [
        (["sizeBytes": .integer(4_999)], "file-size-mismatch"),
        (["digest": .string(Text("sha-256:" + Self.digest([1])))], "file-digest-mismatch"),
      ]
      for (declared, code) in lies {
        let (id, end) = try Self.upload(content, declared, to: api)
        #expect(end.status == 422 && end.code == code, "\(end)")
        #expect(try api.post("files/\(id)/end", JSONObject()).code == "upload-unknown")
      }
      #expect(try api.get("files/\(Self.digest(content))").status == 404)
      #expect(try lab.metric("lang-son", "dongbo_file_uploads_total{result=\"refused\"}") == 2)
      try Self.upload(content, to: api)
      let lying = try Self.document(1, file: content, byteCount: 4_999)
      let refused = try api.post("records/document", lying)
      #expect(refused.status == 422 && refused.code == "file-size-mismatch", "\(refused)")
      #expect(try api.get("records/document/\(Samples.id(1))").status == 404)
      for text in ["digest", "sizeBytes"] {
        let (_, end) = try Self.upload([1], [Text(text): .string("-1")], to: api)
        #expect(end.status == 400, "\(end)")
      }
    }

    /// Written before its file came, a record with a false size got its OK: it keeps getting it.
    @Test func theSamePutGetsTheSameAnswerWhateverCameSince() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let api = lab.api("lang-son")
      let content = Self.content(5_000)
      let lying = try Self.document(1, file: content, byteCount: 4_999)
      let first = try api.put("document", lying)
      try Self.upload(content, to: api)
      let again = try api.put("document", lying)
      #expect(again.text("digest") == first.text("digest"))
      #expect(again.json["repeat"] == .bool(true))
    }

    @Test func piecesGoWhereTheyBelong() throws {
      let lab = try Lab("lang-son")
      try lab.start("lang-son")
      let api = lab.api("lang-son")
      let id = try #require(try api.post("files", JSONObject()).text("upload"))
      func piece(_ offset: String, _ bytes: [UInt8]) throws -> Answer {
        try api.post("files/\(id)/bytes", bytes: bytes, "offset", offset)
      }
      #expect(try piece("0", [1, 2, 3]).integer("byteCount") == 3)
      // Sent again, as its answer was lost.
      #expect(try piece("0", [1, 2, 3]).integer("byteCount") == 3)
      for offset in ["0", "2", "4", "9223372036854775807"] {
        let answer = try piece(offset, [9])
        #expect(answer.status == 409 && answer.code == "out-of-order", "\(offset): \(answer)")
        #expect(answer.text("detail")?.contains("go on at 3") == true)
      }
      for offset in ["-1", "x", "9223372036854775808"] {
        #expect(try piece(offset, [9]).code == "malformed-query")
      }
      #expect(try piece("3", [4]).integer("byteCount") == 4)
      #expect(try piece("4", [UInt8](repeating: 0, count: (1 << 20) + 1)).status == 413)
      #expect(
        try api.post("files/\(id)/end", JSONObject()).text("digest")
          == "sha-256:" + Self.digest([1, 2, 3, 4]))
      let unknown = try api.post("files/0/bytes", bytes: [1], "offset", "0")
      #expect(unknown.status == 404 && unknown.code == "upload-unknown", "\(unknown)")
      #expect(try api.post("files/../bytes", bytes: [1], "offset", "0").status == 400)
      for name in ["../../x", "sha-256:00", String(repeating: "g", count: 64)] {
        #expect(try api.get("files/\(name)").status >= 400)
      }
      let known = "files/\(Self.digest([1, 2, 3, 4]))"
      #expect(try api.bytes(known, "offset", "1", "limit", "2") == [2, 3])
      #expect(try api.bytes(known, "offset", "4") == [])
      #expect(try api.get(known, "offset", "5").code == "file-out-of-range")
      #expect(try api.get(known, "limit", "0").code == "malformed-query")
    }

    @Test func aFloodOfUploadsThatNobodyEndsIsBounded() throws {
      let lab = try Lab("lang-son")
      try lab.start("lang-son")
      let api = lab.api("lang-son")
      for _ in 0..<16 {
        let id = try #require(try api.post("files", JSONObject()).text("upload"))
        _ = try api.post("files/\(id)/bytes", bytes: [1], "offset", "0")
      }
      let refused = try api.post("files", JSONObject())
      #expect(refused.status == 503 && refused.code == "uploads-busy", "\(refused)")
      // Records go on, and a start leaves nothing of them.
      #expect(try api.get("version").status == 200)
      try lab.kill9("lang-son")
      let fresh = "\(lab.path)/lang-son/data/files/new"
      #expect(try Disk.names(in: fresh).count == 16)
      try lab.start("lang-son")
      #expect(try Disk.names(in: fresh).isEmpty)
    }

    @Test func whatNoRecordNamesHasAQuotaAndGoesAfterItsGrace() throws {
      let lab = try Lab("lang-son")
      try lab.edit("lang-son", "[Admin]", to: "[Files]\nUnnamedQuota=1M\nGrace=1h\n[Admin]")
      try lab.startAll()
      let api = lab.api("lang-son")
      let (named, unnamed) = (Self.content(700_000), Self.content(600_000, seed: 9))
      try Self.upload(named, to: api)
      try api.put("document", try Self.document(1, file: named))
      // What a record names does not count.
      try Self.upload(unnamed, to: api)
      #expect(try lab.metric("lang-son", "dongbo_unnamed_file_bytes") == 600_000)
      func another(_ api: SiteAPI) throws -> Answer {
        let id = try #require(try api.post("files", JSONObject()).text("upload"))
        return try api.post("files/\(id)/bytes", bytes: Self.content(500_000), "offset", "0")
      }
      let refused = try another(api)
      #expect(refused.status == 507 && refused.code == "file-quota", "\(refused)")
      // The same after a start, which counts what lies there; both files are past their grace.
      try lab.stop("lang-son")
      for content in [named, unnamed] { try age(content, by: 7_200, in: lab) }
      try lab.start("lang-son")
      let again = lab.api("lang-son")
      try eventually("the file that no record names is gone") {
        try again.get("files/\(Self.digest(unnamed))").status == 404
      }
      #expect(try again.get("files/\(Self.digest(named))").text("state") == "here")
      #expect(try Self.download(Self.digest(named), from: again) == named)
      #expect(try lab.metric("lang-son", "dongbo_collected_files_total") == 1)
      #expect(try another(again).status == 200)
    }

    /// Makes a stored file look as if it had come earlier.
    private func age(_ content: [UInt8], by seconds: Int, in lab: Lab) throws {
      let name = Self.digest(content)
      let path = "\(lab.path)/lang-son/data/files/\(name.prefix(2))/\(name)"
      var status = stat()
      try #require(stat(path, &status) == 0)
      var times = [status.st_mtim, status.st_mtim]
      for index in times.indices { times[index].tv_sec -= seconds }
      try #require(utimensat(AT_FDCWD, path, times, 0) == 0)
    }
  }
}
