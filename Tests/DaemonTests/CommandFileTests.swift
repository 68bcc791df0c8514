import Operations
import Replication
import Testing

@testable import Console

extension DaemonTests {
  /// Files by the command line, against a real site: signed, brought, fetched.
  @Suite struct CommandFileTests {
    @Test func aSignedDocumentKeepsItsFilesOnTheWayInAndOut() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let contents = [UploadTests.content(3 << 20), [], UploadTests.content(1, seed: 7)]
      let names = ["công văn.pdf", "../trống", "../trống"]
      var files: [String] = []
      for (index, content) in contents.enumerated() {
        let path = "\(lab.path)/content-\(index)"
        try Disk.write(path, content)
        files += ["--file", "\(names[index])=\(path)"]
      }
      var body = try Samples.document(1)
      body["attachments"] = nil
      let record = "\(lab.path)/record.json"
      try Disk.write(record, body.bytes)

      let place = "\(lab.path)/lang-son/signers/person"
      let signed = lab.dongbo(
        "lang-son",
        ["sign", "document", record, "--role", "person", "--key", place + ".key"]
          + ["--certificate", place + ".crt"] + files)
      try #require(signed.exitCode == .done, "\(signed)")
      try Disk.write("\(lab.path)/signature", signed.output)
      let put = ["put", "document", record, "--signature", "\(lab.path)/signature"] + files
      let written = lab.dongbo("lang-son", put)
      try #require(written.exitCode == .done, "\(written)")
      // Run again it is the same OK, and no file is sent twice.
      #expect(lab.dongbo("lang-son", put).exitCode == .done)
      let uploads = "dongbo_file_uploads_total{result=\"stored\"}"
      #expect(try lab.metric("lang-son", uploads) == 3)
      #expect(try UploadTests.states(1, at: lab.api("lang-son")) == ["here", "here", "here"])
      try eventually("the signature covers body and files") {
        try lab.api("lang-son").get("records/document/\(Samples.id(1))")
          .objects("signatureVerdicts").first?["verdict"]?.object?.text("state") == "valid"
      }

      let target = "\(lab.path)/out"
      let got = lab.dongbo("lang-son", ["get", "document", Samples.id(1), "--files", target])
      try #require(got.exitCode == .done, "\(got)")
      let found = try Disk.names(in: target)
      #expect(found.count == 3 && found.contains("công văn.pdf"), "\(found)")
      let fetched = try found.map { try Disk.read("\(target)/\($0)") }
      for content in contents { #expect(fetched.contains(content)) }
    }
  }
}
