import Operations
import Replication
import Testing

@testable import Console

extension DaemonTests {
  /// Files by the command line, against a real site: signed, brought, fetched.
  @Suite struct CommandFileTests {
    /// Runs a command at lang-son.
    private func dongbo(
      _ lab: Lab, _ arguments: [String]
    ) -> (exitCode: ExitCode, output: String, error: String) {
      var (output, error): ([UInt8], [UInt8]) = ([], [])
      let exitCode = Program.run(
        ["--config", "\(lab.path)/lang-son/dongbo.conf"] + arguments, environment: { _ in nil },
        makeTerminal: { language in
          Terminal(language: language, output: { output += $0 }, error: { error += $0 })
        })
      return (
        exitCode, String(decoding: output, as: UTF8.self), String(decoding: error, as: UTF8.self)
      )
    }

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
      let signed = dongbo(
        lab,
        ["sign", "document", record, "--role", "person", "--key", place + ".key"]
          + ["--certificate", place + ".crt"] + files)
      try #require(signed.exitCode == .done, "\(signed)")
      try Disk.write("\(lab.path)/signature", signed.output)
      let put = ["put", "document", record, "--signature", "\(lab.path)/signature"] + files
      let written = dongbo(lab, put)
      try #require(written.exitCode == .done, "\(written)")
      // Run again it is the same OK, and no file is sent twice.
      #expect(dongbo(lab, put).exitCode == .done)
      let uploads = "dongbo_file_uploads_total{result=\"stored\"}"
      #expect(try lab.metric("lang-son", uploads) == 3)
      #expect(try UploadTests.states(1, at: lab.api("lang-son")) == ["here", "here", "here"])
      try eventually("the signature covers body and files") {
        try lab.api("lang-son").get("records/document/\(Samples.id(1))")
          .objects("signatureVerdicts").first?["verdict"]?.object?.text("state") == "valid"
      }

      let target = "\(lab.path)/out"
      let got = dongbo(lab, ["get", "document", Samples.id(1), "--files", target])
      try #require(got.exitCode == .done, "\(got)")
      let found = try Disk.names(in: target)
      #expect(found.count == 3 && found.contains("công văn.pdf"), "\(found)")
      let fetched = try found.map { try Disk.read("\(target)/\($0)") }
      for content in contents { #expect(fetched.contains(content)) }
    }
  }
}
