import Replication
import Testing

extension DaemonTests {
  /// Situations 1, 3, 5 and 8 of the records' daily work, which Tests/Scenarios shows one by one,
  /// here through real daemons, applications' API and TLS, with the line cut and healed.
  @Suite struct SituationTests {
    private let centre = Lab.centre

    // MARK: 1

    @Test("1: numbers given again after a restore: all stand, in conflict at both tiers")
    func numbersGivenAgain() throws {
      let lab = try Lab("lang-son", relayed: ["lang-son"])
      try lab.startAll()
      #expect(try lab.stop("lang-son") == 0)
      let place = "\(lab.path)/lang-son"
      let witness = try Disk.read("\(place)/witness")
      try Disk.copy("\(place)/data", to: "\(lab.path)/copy")
      try lab.start("lang-son")
      try lab.api("lang-son").put("document", report(1, "Báo cáo quý"))
      try lab.api("lang-son").put("finance", payment(2, "Chi sửa máy in"))
      try lab.awaitEqual()
      #expect(try lab.stop("lang-son") == 0)

      // The whole machine goes back, and nothing tells it so.
      try lab.cut("lang-son")
      try Disk.copy("\(lab.path)/copy", to: "\(place)/data")
      try Disk.write("\(place)/witness", witness)
      try lab.start("lang-son")
      try lab.api("lang-son").put("document", report(3, "Báo cáo khác"))
      try lab.api("lang-son").put("finance", payment(4, "Chi việc khác"))

      try lab.heal("lang-son")
      try eventually("lang-son takes back what was its own") {
        lab.logs("lang-son", "event=site.unlocked")
      }
      try lab.awaitEqual()
      #expect(lab.logs("lang-son", "event=site.locked", "reason=peer-holds-more"))
      let all = [(1, "document"), (2, "finance"), (3, "document"), (4, "finance")]
      for site in lab.sites {
        #expect(lab.logs(site, "event=site.rollback-seen", "site=lang-son"), "\(site)")
        #expect(try conflicts(at: site, in: lab) == all.map { Samples.id($0.0) }, "\(site)")
        // The status page counts at times of its own.
        try eventually("the operator of \(site) sees it") {
          try findings(at: site, in: lab).contains("DB-CONF-001")
        }
        for (number, kind) in all {
          let record = try lab.api(site).get("records/\(kind)/\(Samples.id(number))")
          #expect(record.json["conflicts"] == .array([.string("duplicate-key")]), "\(record)")
        }
        #expect(try text("subject", of: 1, at: site, in: lab) == "Báo cáo quý")
        #expect(try text("subject", of: 3, at: site, in: lab) == "Báo cáo khác")
      }

      try decide("document", 1, keep: 1, in: lab)
      try decide("finance", 2, keep: 4, in: lab)
      try lab.awaitEqual()
      for site in lab.sites {
        #expect(try conflicts(at: site, in: lab).isEmpty, "\(site)")
        #expect(try text("subject", of: 3, at: site, in: lab) == "Báo cáo khác")
      }
    }

    /// 88-BC/VPTU of lang-son.
    private func report(_ number: Int, _ subject: String) throws -> JSONObject {
      var body = try Samples.document(number, subject: subject)
      body["documentId"] = .string("A99.P20,2026/06/15,88-BC/VPTU")
      body["codeNumber"] = .string("88")
      body["codeNotation"] = .string("BC/VPTU")
      return body
    }

    private func payment(_ number: Int, _ description: String) throws -> JSONObject {
      var body = try Samples.voucher(number, description: description)
      body["voucherNumber"] = .string("PC00123")
      return body
    }

    private func decide(_ kind: String, _ number: Int, keep: Int, in lab: Lab) throws {
      let answer = try lab.api("lang-son").post(
        "conflicts/\(kind)/\(Samples.id(number))/decision",
        ["keep": .string(Text(Samples.id(keep)))])
      try #require(answer.status == 200, "\(answer)")
    }

    // MARK: 3

    @Test("3: completion reported offline; the centre extends one task and cancels another")
    func completionOffline() throws {
      let lab = try Lab("lang-son", relayed: ["lang-son"])
      try lab.startAll()
      try lab.api(centre).put("document", Samples.centreDocument(1))
      for task in [11, 12] { try lab.api(centre).put("directive", directive(task)) }
      try lab.awaitEqual()
      for task in [11, 12] { try tell("started", of: task, at: "lang-son", in: lab) }
      let request = try tell(
        "extensionRequested", of: 11, at: "lang-son", in: lab,
        ["requestedDueDate": .string("2026-08-31"), "reason": .string("Mưa lũ")])
      try lab.awaitEqual()

      try lab.cut("lang-son")
      for task in [11, 12] {
        try tell(
          "completionReported", of: task, at: "lang-son", in: lab, ["summary": .string("Đã xong")])
      }
      try tell(
        "extensionDecided", of: 11, at: centre, in: lab,
        [
          "requestEventId": .string(Text(request)), "approved": .bool(true),
          "newDueDate": .string("2026-08-31"),
        ])
      try tell("cancelled", of: 12, at: centre, in: lab)
      #expect(try derived(12, at: "lang-son", in: lab)?.text("state") == "awaitingConfirmation")
      #expect(try derived(12, at: centre, in: lab)?.text("state") == "cancelled")

      try lab.heal("lang-son")
      try lab.awaitEqual()
      for site in lab.sites {
        let extended = try derived(11, at: site, in: lab)
        #expect(extended?.text("state") == "awaitingConfirmation", "\(site)")
        #expect(extended?.text("effectiveDueDate") == "2026-08-31", "\(site)")
        #expect(try derived(12, at: site, in: lab)?.text("state") == "cancelled", "\(site)")
        for task in [11, 12] {
          #expect(try types(of: task, at: site, in: lab).contains("completionReported"))
        }
        #expect(try conflicts(at: site, in: lab).isEmpty)
      }
      // The province has seen it: more of it is refused, under the rule that says so.
      let late = try post(
        "progressReported", of: 12, at: "lang-son", in: lab, ["percentComplete": .integer(100)])
      #expect(late.status == 422 && "\(late)".contains("[T1]"), "\(late)")
    }

    /// A task of lang-son, due at the end of June, under the centre's first document.
    private func directive(_ number: Int) throws -> JSONObject {
      var body = try #require(
        try Samples.lines("Deploy/samples/base/01/trung-uong/put.directive.jsonl").first)
      body["recordId"] = .string(Text(Samples.id(number)))
      body["taskNumber"] = .string(Text("\(number)"))
      body["sourceDocumentId"] = try Samples.centreDocument(1)["documentId"]
      body["sourceDocumentType"] = .string("CV")
      return body
    }

    /// Each is written once a task: its place here makes its id.
    private static let eventTypes: [Text] = [
      "started", "extensionRequested", "completionReported", "extensionDecided", "cancelled",
      "progressReported",
    ]

    private func post(
      _ type: Text, of task: Int, at site: String, in lab: Lab, _ fields: JSONObject = [:]
    ) throws -> Answer {
      var body = fields
      let place = try #require(Self.eventTypes.firstIndex(of: type))
      body["eventId"] = .string(Text(Samples.id(task * 100 + place)))
      body["type"] = .string(type)
      body["bySite"] = .string(Text(site))
      body["byOrgan"] = .string(site == centre ? "A99.00" : "A99.P20")
      body["at"] = .string("2026-06-20T02:00:00Z")
      return try lab.api(site).post("records/directive/\(Samples.id(task))/events", body)
    }

    /// - Returns: the event's id.
    @discardableResult private func tell(
      _ type: Text, of task: Int, at site: String, in lab: Lab, _ fields: JSONObject = [:]
    ) throws -> String {
      let answer = try post(type, of: task, at: site, in: lab, fields)
      try #require(answer.status == 200, "\(answer)")
      return try #require(answer.text("eventId"))
    }

    private func derived(_ task: Int, at site: String, in lab: Lab) throws -> JSONObject? {
      try lab.api(site).get("records/directive/\(Samples.id(task))").object("derived")
    }

    private func types(of task: Int, at site: String, in lab: Lab) throws -> [String] {
      try lab.api(site).get("records/directive/\(Samples.id(task))").objects("events")
        .compactMap { $0.text("type") }
    }

    // MARK: 5

    @Test("5: an adjustment before its voucher is held at both, and applied when the voucher comes")
    func adjustmentBeforeItsVoucher() throws {
      let lab = try Lab("lang-son", relayed: ["lang-son"])
      try lab.startAll()
      let adjustment = try adjustment(2, of: 1)
      let path = "records/finance/\(Samples.id(2))"
      func waits(at site: String) throws -> Bool {
        try lab.api(site).get(path).json["waitsFor"] == .array([.string("reference-missing")])
      }
      try lab.cut("lang-son")
      let early = try lab.api("lang-son").put("finance", adjustment)
      #expect(early.text("state") == "held" && early.text("code") == "reference-missing")
      try lab.heal("lang-son")
      try lab.awaitEqual()
      for site in lab.sites { #expect(try waits(at: site), "\(site)") }
      try eventually("its author hears that it waits at the centre") {
        try lab.api("lang-son").get("\(path)/why").objects("changes")
          .flatMap { ($0["sites"]?.array ?? []).compactMap(\.object) }
          .contains { $0.text("site") == centre && $0.text("state") == "held" }
      }

      try lab.cut("lang-son")
      try lab.api("lang-son").put("finance", Samples.voucher(1))
      #expect(try !waits(at: "lang-son"))
      #expect(try waits(at: centre))
      try lab.heal("lang-son")
      try lab.awaitEqual()
      for site in lab.sites {
        #expect(try !waits(at: site), "\(site)")
        let voucher = try lab.api(site).get("records/finance/\(Samples.id(1))")
        let adjusting = voucher.object("derived")?["adjustedBy"]
        #expect(adjusting == .array([.string(Text(Samples.id(2)))]), "\(site)")
        #expect(try conflicts(at: site, in: lab).isEmpty)
      }
    }

    /// A voucher of lang-son that takes 200,000 đồng back from another.
    private func adjustment(_ number: Int, of voucher: Int) throws -> JSONObject {
      var body = try Samples.voucher(number)
      let lines = (body["lines"]?.array ?? []).compactMap(\.object).map { line -> JSONValue in
        var line = line
        line["amount"] = .integer(-200_000)
        return .object(line)
      }
      body["lines"] = .array(lines)
      body["totalAmount"] = .integer(-200_000)
      body["totalAmountInWords"] = .string("Âm hai trăm nghìn đồng")
      body["correction"] = .object([
        "method": .string("adjustment"),
        "adjustsRecordId": .string(Text(Samples.id(voucher))), "fullReversal": .bool(false),
        "reason": .string("Ghi thừa"),
      ])
      return body
    }

    /// Letters that wait before the one that is recalled.
    private static let queueLength = 60

    @Test("5: an urgent recall overtakes its letter in the queue, and hides it when it comes")
    func recallBeforeItsLetter() throws {
      let lab = try Lab("lang-son", relayed: ["lang-son"])
      try lab.startAll()
      try lab.cut("lang-son")
      for number in 100...100 + Self.queueLength {
        try lab.api(centre).put("document", Samples.centreDocument(number))
      }
      let letter = Samples.id(100 + Self.queueLength)
      var recall = try Samples.centreDocument(1)
      recall["priority"] = .integer(1)
      recall["businessDocType"] = .integer(1)
      recall["businessDocReason"] = .string("Thu hồi")
      let recalled = try Samples.centreDocument(100 + Self.queueLength)["documentId"] ?? .null
      recall["replacementInfo"] = .array([.object(["documentId": recalled])])
      #expect(try lab.api(centre).put("document", recall).text("lane") == "urgent")

      try lab.heal("lang-son")
      try lab.awaitEqual()
      let came = try lab.api("lang-son").get("changes", "limit", "1000").objects("changes")
        .compactMap { $0.text("recordId") }
      let places = try [Samples.id(1), letter].map { try #require(came.firstIndex(of: $0)) }
      #expect(places[0] < places[1], "the recall came first")
      let hidden = try lab.api("lang-son").get("records/document/\(letter)")
      #expect(hidden.text("effectStatus") == "revoked")
      #expect(hidden.json["contentHidden"] == .bool(true) && hidden.text("subject") == nil)
      for site in lab.sites {
        let answers = try lab.api(site).get("records/document/\(Samples.id(1))")
          .objects("receipts").map { $0.text("statusCode") }
        #expect(answers.contains("13"), "\(site)")
      }
    }

    // MARK: 8

    @Test("8: two predecessors and the new site wrote 02-TB/TU and PC00001: nothing is in conflict")
    func twoPredecessors() throws {
      let (new, old) = ("tuyen-quang-2025", ["ha-giang", "tuyen-quang"])
      let lab = try Lab("ha-giang", "tuyen-quang", "tuyen-quang-2025", relayed: [new])
      try lab.startAll()
      try lab.cut(new)
      let organs = ["ha-giang": "A99.P02", "tuyen-quang": "A99.P08", new: "A99.N08"]
      for (number, site) in (old + [new]).enumerated() {
        let organ = try #require(organs[site])
        try lab.api(site).put("document", notice(1 + number, of: site, organ))
        try lab.api(site).put("finance", firstVoucher(11 + number, of: site, organ))
      }
      // What the predecessors wrote goes to who comes after them.
      for (number, site) in old.enumerated() {
        let answer = try lab.api(site).post(
          "records/document/\(Samples.id(1 + number))/events",
          [
            "eventId": .string(Text(Samples.id(21 + number))), "type": .string("addressed"),
            "to": .array([organ(of: new, "A99.N08")]),
          ])
        try #require(answer.status == 200, "\(answer)")
      }
      try lab.awaitEqual(old)
      #expect(try lab.api(new).get("records/document/\(Samples.id(1))").status == 404)

      try lab.heal(new)
      try lab.awaitEqual()
      for site in lab.sites { #expect(try conflicts(at: site, in: lab).isEmpty, "\(site)") }
      for site in [centre, new] {
        let owners = try (1...3).map {
          try lab.api(site).get("records/document/\(Samples.id($0))").text("ownerSite")
        }
        #expect(owners == old + [new], "\(site)")
      }
      // Books are for their own site and the centre.
      for number in 11...13 {
        let path = "records/finance/\(Samples.id(number))"
        #expect(try lab.api(centre).get(path).text("voucherNumber") == "PC00001")
        #expect(try lab.api(new).get(path).status == (number == 13 ? 200 : 404))
      }
    }

    private func organ(of site: String, _ code: String) -> JSONValue {
      .object([
        "siteId": .string(Text(site)), "organId": .string(Text(code)),
        "organName": .string(Text("Văn phòng \(site)")),
      ])
    }

    /// 02-TB/TU of the site, to the centre, in the term that all three share.
    private func notice(_ number: Int, of site: String, _ code: String) throws -> JSONObject {
      var body = try Samples.document(number)
      body["ownerSite"] = .string(Text(site))
      body["from"] = organ(of: site, code)
      body["documentId"] = .string(Text("\(code),2026/06/15,02-TB/TU"))
      body["codeNumber"] = .string("02")
      body["codeNotation"] = .string("TB/TU")
      body["documentType"] = .object(["code": .string("TB"), "name": .string("Thông báo")])
      body["committeeTerm"] = .string("2020-2025")
      return body
    }

    private func firstVoucher(_ number: Int, of site: String, _ code: String) throws -> JSONObject {
      var body = try Samples.voucher(number)
      body["ownerSite"] = .string(Text(site))
      var unit = body["accountingUnit"]?.object ?? JSONObject()
      unit["siteId"] = .string(Text(site))
      unit["organId"] = .string(Text(code))
      body["accountingUnit"] = .object(unit)
      body["voucherNumber"] = .string("PC00001")
      return body
    }

    // MARK: What sites say

    /// Ids of the records in conflict, ascending.
    private func conflicts(at site: String, in lab: Lab) throws -> [String] {
      try lab.api(site).get("conflicts").objects("conflicts").compactMap { $0.text("recordId") }
        .sorted()
    }

    private func findings(at site: String, in lab: Lab) throws -> [String] {
      try lab.api(site).get("status", "format", "json").objects("findings")
        .compactMap { $0.text("id") }
    }

    private func text(
      _ field: Text, of document: Int, at site: String, in lab: Lab
    ) throws -> String? {
      try lab.api(site).get("records/document/\(Samples.id(document))").text(field)
    }
  }
}
