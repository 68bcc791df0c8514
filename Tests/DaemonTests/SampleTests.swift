import Replication
import Testing

extension DaemonTests {
  /// The sample records, written where they belong, as their authors write them.
  @Suite struct SampleTests {
    private static let sites = [
      Lab.centre, "lang-son", "nghe-an", "tuyen-quang-2025", "ha-giang",
    ]

    /// Which provinces hold a record beside the centre, by the routing of design.md section 3.
    private static let provinces: [(kind: String, id: String, at: [String])] = [
      (
        "document", "bbfe7371-4ffe-50d0-901f-40380bb2f8c8",
        ["lang-son", "nghe-an", "tuyen-quang-2025"]
      ),
      ("document", "569ec6fc-a81d-574a-9ecd-8e1a5ec71c35", ["lang-son", "nghe-an"]),
      ("document", "dd13b658-cf2b-52fd-8c61-69ada2eed28d", ["lang-son"]),
      ("document", "27d27560-b1a8-5bfb-9009-a75da2aaff20", ["lang-son", "nghe-an"]),
      ("document", "b5daf09b-824d-595f-b6b0-86d6ad0213b1", ["lang-son", "nghe-an"]),
      ("document", "a7d1affe-ad89-5130-bdf7-6c3c7e7fbfad", ["ha-giang"]),
      ("document", "cf059b1a-85a0-5bb3-8ad1-a566af3eda14", ["ha-giang"]),
      // Replaces a document of ha-giang, so it goes there too.
      ("document", "9ed4300f-d25b-518e-be0c-b664415a08a1", ["tuyen-quang-2025", "ha-giang"]),
      ("directive", "248becac-9fb9-589f-9d53-6b91b12b26dd", ["lang-son"]),
      ("directive", "e512f1a2-76f3-588e-85d8-ec3191f818f3", ["nghe-an"]),
      ("directive", "c56a65b1-45da-50f7-854e-25466ef55423", ["lang-son", "tuyen-quang-2025"]),
      ("directive", "a8688d0b-7e73-550a-85f8-34f91377ee2e", ["nghe-an"]),
      ("directive", "4931d7b5-c101-53e1-831c-bc791644f1ae", ["ha-giang", "tuyen-quang-2025"]),
      ("finance", "c1aa2b2e-20aa-5a58-b1e8-bc0d776f4c05", ["lang-son"]),
      ("finance", "c3c11668-7a0e-5b53-bac3-7158271a950e", ["lang-son"]),
      ("finance", "51e4e3ac-6526-5118-8651-922f49ea2a67", ["lang-son"]),
      ("finance", "025c3a13-8fd1-5ee0-bafe-1b5fe7eba63f", ["lang-son"]),
      ("finance", "de7b360a-8a60-5af4-97e8-7b7348bc846d", ["ha-giang"]),
    ]

    @Test func eachIsAtExactlyTheEntitledSitesAndDerivesWhatItExpects() throws {
      let lab = try Lab("lang-son", "nghe-an", "tuyen-quang-2025", "ha-giang")
      try lab.startAll()
      try write("base", in: lab)
      try write("merger", in: lab)

      for (kind, id, entitled) in Self.provinces {
        for site in Self.sites {
          let isEntitled = site == Lab.centre || entitled.contains(site)
          let status = try lab.api(site).get("records/\(kind)/\(id)").status
          #expect(status == (isEntitled ? 200 : 404), "\(kind) \(id) at \(site)")
        }
      }
      for sample in try Samples.lines("Tests/ReplicationTests/Samples/directives.jsonl") {
        try checkDerived(of: sample, in: lab)
      }
      for site in Self.sites {
        #expect(try lab.api(site).get("conflicts").objects("conflicts").isEmpty, "\(site)")
        #expect(try lab.api(site).get("quarantine").objects("entries").isEmpty, "\(site)")
      }
    }

    private func checkDerived(of sample: JSONObject, in lab: Lab) throws {
      let expected = try #require(sample["derived"]?.object)
      let (id, day) = (sample.text("recordId") ?? "", expected.text("asOf") ?? "")
      let holders = Self.provinces.first { $0.id == id }?.at ?? []
      try #require(!holders.isEmpty, "\(id)")
      for site in holders + [Lab.centre] {
        let record = try lab.api(site).get("records/directive/\(id)", "asOf", day)
        let derived = record.object("derived")
        for name: Text in ["state", "timeliness", "effectiveDueDate", "percentComplete"] {
          #expect(derived?[name] == expected[name], "\(name) of \(id) at \(site)")
        }
      }
    }

    // MARK: Deploy/samples: <set>/<round>/<site>/{put.KIND,append.KIND.RECORD}.jsonl

    private func write(_ set: String, in lab: Lab) throws {
      let folder = Samples.repository + "/Deploy/samples/" + set
      for round in try Disk.names(in: folder) {
        for site in try Disk.names(in: "\(folder)/\(round)") {
          try write("Deploy/samples/\(set)/\(round)/\(site)", at: lab.api(site))
        }
        // The next round answers what this one says: it must have arrived, with its files.
        try lab.awaitEqual()
        try awaitFiles(in: lab)
      }
    }

    private func awaitFiles(in lab: Lab) throws {
      for (kind, id, _) in Self.provinces where kind == "document" {
        for site in Self.sites {
          try eventually("the files of \(id) at \(site)") {
            try lab.api(site).get("records/document/\(id)").objects("files")
              .allSatisfy { $0.text("bodyState") == "here" }
          }
        }
      }
    }

    /// The files that the records of a folder name; theirs are in Deploy/samples/files.
    private func bringFiles(of record: JSONObject, to api: SiteAPI) throws {
      for attachment in record["attachments"]?.array ?? [] {
        let name = try #require(attachment.object?.text("attachmentName"))
        let bytes = try Disk.read("\(Samples.repository)/Deploy/samples/files/\(name)")
        let upload = try #require(try api.post("files", JSONObject()).text("upload"))
        try #require(
          try api.post("files/\(upload)/bytes", bytes: bytes, "offset", "0").status == 200)
        let end = try api.post("files/\(upload)/end", JSONObject())
        try #require(end.text("digest") == attachment.object?.text("digest"), "\(name)")
      }
    }

    private func write(_ folder: String, at api: SiteAPI) throws {
      let names = try Disk.names(in: Samples.repository + "/" + folder)
      for kind in ["document", "directive", "finance"] where names.contains("put.\(kind).jsonl") {
        for record in try Samples.lines("\(folder)/put.\(kind).jsonl") {
          try bringFiles(of: record, to: api)
          try api.put(kind, record)
        }
      }
      for name in names where name.hasPrefix("append.") {
        let parts = name.split(separator: ".")
        for event in try Samples.lines("\(folder)/\(name)") {
          let answer = try api.post("records/\(parts[1])/\(parts[2])/events", event)
          try #require(answer.status == 200, "\(name): \(answer)")
        }
      }
    }
  }
}
