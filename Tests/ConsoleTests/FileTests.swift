import Cryptography
import Glibc
import Operations
import Replication
import Synchronization
import Testing

@testable import Console
@testable import Transport

/// A site that keeps what is uploaded and gives it back, as the daemon does.
private final class FileKeeper: Sendable {
  struct State {
    var open: [UInt8] = []
    var stored: [String: [UInt8]] = [:]
    var record = "{}"
    var requests: [String] = []
    var madeCount = 0
  }
  let state = Mutex(State())

  func answer(_ request: HTTPRequest) -> HTTPResponse {
    state.withLock { state in
      let path = Array(request.target.segments.dropFirst(2))
      state.requests.append("\(request.method.rawValue) \(path.joined(separator: "/"))")
      switch (path.first, path.count, request.method) {
      case ("files", 1, .post):
        state.open = []
        return json(#"{"upload":"7"}"#)
      case ("files", 3, .post) where path[2] == "bytes":
        #expect(request.target.value(of: "offset") == "\(state.open.count)")
        state.open += request.body
        return json(#"{"byteCount":\#(state.open.count)}"#)
      case ("files", 3, .post):
        let digest = "\(OpenSSLHash().digest(state.open))"
        state.stored[digest] = state.open
        let declared = String(decoding: request.body, as: UTF8.self)
        #expect(
          declared == #"{"digest":"sha-256:\#(digest)","sizeBytes":\#(state.open.count)}"#)
        return json(declared)
      case ("files", 2, .get):
        guard let bytes = state.stored[path[1]] else { return problem(404, "file-unknown") }
        guard let text = request.target.value(of: "offset"), let offset = Int(text),
          let limit = request.target.value(of: "limit").flatMap({ Int($0) })
        else { return json(#"{"state":"here","named":true}"#) }
        return HTTPResponse(.ok, body: Array(bytes.dropFirst(offset).prefix(limit)))
      case ("records", 2, .post):
        state.record = String(decoding: request.body, as: UTF8.self)
        return json(#"{"state":"applied"}"#)
      case ("records", 3, .get): return json(state.record)
      default: return problem(404, "no-route")
      }
    }
  }

  var requests: [String] { state.withLock { $0.requests } }
  var record: JSONObject? {
    state.withLock { try? JSONValue.parse(Array($0.record.utf8)).object }
  }
}

@Suite struct FileCommandTests {
  private let keeper = FileKeeper()
  private let site: FakeSite
  private let directory: String

  init() throws {
    let keeper = keeper
    site = try FakeSite { keeper.answer($0) }
    directory = site.directory.path
  }

  /// A document of lang-son, its attachments as given.
  private func document(_ attachments: JSONValue?, secrecy: Text = "none") throws -> String {
    let path = repository + "/Deploy/samples/cut/lang-son/put.document.jsonl"
    let line = try Files.read(path, limit: 1 << 20).split(separator: UInt8(ascii: "\n"))[0]
    var body = try #require(try JSONValue.parse(Array(line)).object)
    body["attachments"] = attachments
    body["secrecyLevel"] = .string(secrecy)
    let number = keeper.state.withLock { state in
      state.madeCount += 1
      return state.madeCount
    }
    let name = "record-\(number).json"
    return try site.directory.file(name, String(decoding: body.bytes, as: UTF8.self))
  }

  private func digest(_ text: String) -> String { "\(OpenSSLHash().digest(Array(text.utf8)))" }

  /// Lists files as `get` of a daemon would.
  private func list(_ files: [(name: String, content: String, state: String)]) {
    let items = files.map { file in
      JSONValue.object([
        "attachmentName": .string(Text(file.name)), "bodyState": .string(Text(file.state)),
        "digest": .string(Text("sha-256:" + digest(file.content))),
        "sizeBytes": .integer(Int64(file.content.utf8.count)),
      ])
    }
    let record: JSONObject = ["files": .array(items)]
    keeper.state.withLock { state in
      state.record = String(decoding: record.bytes, as: UTF8.self)
      for file in files where state.stored[digest(file.content)] == nil {
        state.stored[digest(file.content)] = Array(file.content.utf8)
      }
    }
  }

  private let record = "569ec6fc-a81d-574a-9ecd-8e1a5ec71c35"

  private func text(_ path: String) throws -> String {
    String(decoding: try Files.read(path, limit: 8 << 20), as: UTF8.self)
  }

  @Test func theFileComesFirstAndTheRecordNamesIt() throws {
    defer { site.stop() }
    let content = String(repeating: "công văn ", count: 200_000)
    let file = try site.directory.file("a=b.pdf", content)
    let put = site.run("put", "document", try document(nil), "--file", "thư.pdf=\(file)")
    #expect(put.exitCode == .done, "\(put)")
    #expect(
      keeper.requests == [
        "GET files/\(digest(content))", "POST files", "POST files/7/bytes", "POST files/7/bytes",
        "POST files/7/bytes", "POST files/7/end", "POST records/document",
      ])
    let entry = try #require(keeper.record?.objects("attachments").first)
    #expect(entry["attachmentName"] == .string("thư.pdf"))
    #expect(entry["digest"] == .string(Text("sha-256:" + digest(content))))
    #expect(entry["sizeBytes"] == .integer(Int64(content.utf8.count)))
    #expect(entry["contentType"] == .string("application/pdf"))
    // Known there by now: it is not sent again.
    let again = site.run("put", "document", try document(nil), "--file", "thư.pdf=\(file)")
    #expect(again.exitCode == .done)
    #expect(keeper.requests.suffix(2) == ["GET files/\(digest(content))", "POST records/document"])
  }

  @Test func anEmptyFileIsAFile() throws {
    defer { site.stop() }
    let put = site.run("file", "put", try site.directory.file("empty", ""))
    #expect(put.exitCode == .done)
    #expect(put.output == #"{"digest":"sha-256:\#(digest(""))","sizeBytes":0}"# + "\n")
    #expect(site.run("file", "put", directory).exitCode == .failed)
    #expect(site.run("file", "put", directory + "/nothing").exitCode == .failed)
  }

  @Test func aNameThatStandsTwiceIsFilledInOrder() throws {
    defer { site.stop() }
    let entry: JSONObject = ["attachmentName": .string("a.pdf"), "description": .string("1")]
    var second = entry
    second["description"] = .string("2")
    let path = try document(.array([.object(entry), .object(second)]))
    let put = site.run(
      "put", "document", path, "--file", "a.pdf=\(try site.directory.file("1", "một"))",
      "--file", "a.pdf=\(try site.directory.file("2", "hai"))")
    #expect(put.exitCode == .done, "\(put)")
    let filled = try #require(keeper.record).objects("attachments")
    #expect(filled.map { $0["description"] } == [.string("1"), .string("2")])
    #expect(
      filled.map { $0["digest"] }
        == ["một", "hai"].map { .string(Text("sha-256:" + digest($0))) })
  }

  @Test func whatWouldBeRefusedSendsNoFile() throws {
    defer { site.stop() }
    let file = try site.directory.file("f", "nội dung")
    let lying: JSONObject = [
      "attachmentName": .string("a.pdf"), "digest": .string(Text("sha-256:" + digest("khác"))),
    ]
    for arguments in [
      ["put", "document", try document(nil, secrecy: "mat"), "--file", "a=\(file)"],
      ["put", "document", try document(.array([.object(lying)])), "--file", "a.pdf=\(file)"],
      ["put", "document", try document(nil), "--file", "a\u{0}b=\(file)"],
      ["put", "document", try document(nil), "--file", "a=\(file)x"],
    ] {
      let outcome = run(["--config", site.configuration] + arguments)
      #expect(outcome.exitCode == .failed, "\(arguments): \(outcome)")
    }
    for text in ["a", "=x", "a="] {
      let outcome = site.run("put", "document", try document(nil), "--file", text)
      #expect(outcome.exitCode == .usage, "\(text)")
    }
    #expect(keeper.requests.isEmpty)
  }

  /// The signature is over the very body that `put --file` writes.
  @Test func signFillsInWhatPutFillsIn() throws {
    defer { site.stop() }
    let file = try LocalFile(name: "a.pdf", path: try site.directory.file("f", "nội dung"))
    let again = try LocalFile(name: "a.pdf", path: try site.directory.file("g", "nội dung"))
    var bodies = [JSONObject(), JSONObject()]
    try bodies[0].attach([file])
    try bodies[1].attach([again])
    #expect(bodies[0] == bodies[1])
    let other = try LocalFile(name: "b.pdf", path: file.path)
    #expect(other.contentID != file.contentID)
  }

  @Test func namesFromTheWireNeverLeaveTheDirectory() throws {
    defer { site.stop() }
    let names = [
      "../x", "/etc/passwd", "a\u{0}b", String(repeating: "n", count: 4096) + ".pdf", "CON",
      "thư.pdf", "THƯ.pdf", "..", "", "-rf", "a/../../b", "\u{202E}fdp.exe",
    ]
    list(names.enumerated().map { ($1, "nội dung \($0)", "here") })
    let target = directory + "/out"
    let got = site.run("get", "document", record, "--files", target)
    #expect(got.exitCode == .done, "\(got)")
    #expect(got.lines.count == names.count)
    for (index, line) in got.lines.enumerated() {
      let object = try #require(try JSONValue.parse(Array(line.utf8)).object)
      let name = try #require(object["name"]?.text?.string)
      #expect(!name.contains("/") && name.utf8.count <= 255 && name != "..")
      #expect(try text(target + "/" + name) == "nội dung \(index)")
    }
    #expect(access(directory + "/x", F_OK) != 0)
    // Nothing is written over: a second time everything fails, and everything stays.
    let again = site.run("get", "document", record, "--files", target)
    #expect(again.exitCode == .failed)
    #expect(again.lines.allSatisfy { $0.contains(#""code":"output-failed""#) })
  }

  @Test func whatIsNotWholeIsNotThere() throws {
    defer { site.stop() }
    list([("tốt.pdf", "tốt", "here"), ("chưa.pdf", "chưa", "pending"), ("sai.pdf", "sai", "here")])
    keeper.state.withLock { $0.stored[digest("sai")] = Array("sao".utf8) }
    let target = directory + "/out"
    let got = site.run("get", "document", record, "--files", target)
    #expect(got.exitCode == .partlyDone, "\(got)")
    #expect(got.lines[1].contains("file-pending"))
    #expect(got.lines[2].contains("file-digest-mismatch"))
    #expect(got.error.contains("2 of 3"))
    #expect(try text(target + "/tốt.pdf") == "tốt")
    #expect(access(target + "/chưa.pdf", F_OK) != 0)
    #expect(access(target + "/sai.pdf", F_OK) != 0)
    // Shorter than the record says.
    list([("ngắn.pdf", "ngắn gọn", "here")])
    keeper.state.withLock { $0.stored[digest("ngắn gọn")] = Array("ngắn".utf8) }
    #expect(site.run("get", "document", record, "--files", target).exitCode == .failed)
    list([("chưa.pdf", "chưa", "pending")])
    #expect(site.run("get", "document", record, "--files", target).exitCode == .tryAgain)
    list([])
    #expect(site.run("get", "document", record, "--files", target).exitCode == .done)
  }
}
