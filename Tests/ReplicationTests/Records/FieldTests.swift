import Testing

@testable import Replication

@Suite struct FieldTests {
  @Test(arguments: [
    ("2026-03-02", true), ("2024-02-29", true), ("2026-02-29", false), ("1900-02-29", false),
    ("2000-02-29", true), ("2026-04-31", false), ("2026-13-01", false), ("2026-00-10", false),
    ("2026-3-02", false), ("2026/03/02", false), ("2026-03-02 ", false), ("-026-03-02", false),
    ("", false), ("2026-03-+1", false),
  ])
  func datesAreDaysThatExist(text: String, isDay: Bool) {
    let day = CalendarDate(Text(text))
    #expect((day != nil) == isDay)
    if isDay { #expect(day?.description == text) }
  }

  @Test func daysCount() throws {
    #expect(CalendarDate("1970-01-01")?.dayNumber == 0)
    #expect(CalendarDate("2026-03-02")?.dayNumber == 20_514)
    for number in stride(from: -25_000, to: 376_000, by: 97) {
      let text = Text(CalendarDate(dayNumber: number).description)
      #expect(CalendarDate(text)?.dayNumber == number)
    }
  }

  @Test(arguments: [
    ("1970-01-01T00:00:00Z", UInt64(0)), ("1970-01-02T00:00:01.5Z", 86_401_500_000),
    ("2026-03-02T02:15:07.120431Z", 1_772_417_707_120_431),
    ("2026-03-02T02:15:07.12Z", 1_772_417_707_120_000),
  ])
  func instantsAreMicroseconds(text: String, microseconds: UInt64) {
    #expect(WallTime(Text(text)) == WallTime(microseconds: microseconds))
  }

  @Test(arguments: [
    "2026-03-02T02:15:07", "2026-03-02T02:15:07+07:00", "2026-03-02T24:00:00Z",
    "2026-03-02T02:60:00Z", "2026-03-02T02:15:60Z", "2026-03-02T02:15:07.Z",
    "2026-03-02T02:15:07.1234567Z", "2026-03-02 02:15:07Z", "2026-02-30T02:15:07Z", "",
    "1969-12-31T23:59:59Z", "2026-03-02T02:15:07Z\n", "2026-03-02T02:15:0.5Z",
  ])
  func otherInstantsAreRefused(text: String) { #expect(WallTime(Text(text)) == nil) }

  /// 17:00 UTC is midnight in Viet Nam.
  @Test func localDaysAreSevenHoursAhead() throws {
    let before = try #require(WallTime("2026-06-30T16:59:59.999999Z"))
    let after = try #require(WallTime("2026-06-30T17:00:00Z"))
    #expect(CalendarDate(localDayOf: before).description == "2026-06-30")
    #expect(CalendarDate(localDayOf: after).description == "2026-07-01")
  }

  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
    ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
  ])
  func base64OfRFC4648(plain: String, text: String) {
    #expect(Base64.encode(Array(plain.utf8)) == Array(text.utf8))
    #expect(Base64.decode(Array(text.utf8)) == Array(plain.utf8))
    #expect(Base64.isEncoded(Array(text.utf8)))
  }

  @Test(arguments: [
    "Zg", "Zg=", "Zh==", "Zm9=", "Zm9v\n", "Z===", "====", "Zg==Zg==", "Zm-v", "Zm9vZ", "=m9v",
  ])
  func otherBase64IsRefused(text: String) {
    #expect(Base64.decode(Array(text.utf8)) == nil)
    #expect(!Base64.isEncoded(Array(text.utf8)))
  }

  @Test(arguments: UInt64(0)..<100) func base64RoundTrips(seed: UInt64) {
    var random = SeededRandom(state: seed)
    let bytes = (0..<Int(seed)).map { _ in UInt8.random(in: 0...255, using: &random) }
    #expect(Base64.decode(Base64.encode(bytes)) == bytes)
  }

  @Test(arguments: [
    ("248becac-9fb9-589f-9d53-6b91b12b26dd", true), ("248BECAC-9fb9-589f-9d53-6b91b12b26dd", false),
    ("248becac9fb9-589f-9d53-6b91b12b26dd0", false), ("248becac-9fb9-589f-9d53-6b91b12b26d", false),
    ("00000000-0000-0000-0000-000000000001", true), ("248becac-9fb9-589f-9d53-6b91b12b26d-", false),
  ])
  func uuidsHaveOneSpelling(text: String, isValid: Bool) {
    #expect(UniqueID(spelling: Text(text)) == UniqueID(text))
    #expect((UniqueID(spelling: Text(text)) != nil) == isValid)
  }

  @Test(arguments: [
    (FieldFormat.documentID, "A99.00,2026/03/02,112-KL/VPTW", true),
    (.documentID, "A99.00,2026/02/30,112-KL/VPTW", false), (.documentID, "A99.00,112", false),
    (.documentID, ",2026/03/02,112-KL/VPTW", false), (.documentID, "A99.00,2026-03-02,1", false),
    (.digits(7, 7), "1990020", true), (.digits(7, 7), "199002", false),
    (.digits(3, 8), "11a", false), (.decimal, "12.5", true), (.decimal, "20", true),
    (.decimal, ".5", false), (.decimal, "1e2", false), (.decimal, "12.", false),
    (.month, "2026-05", true), (.month, "2026-13", false), (.month, "2026-05-01", false),
    (.site, "lang-son", true), (.site, "Lang-Son", false),
    (.pin, "sha256:" + String(repeating: "0a", count: 32), true),
    (.pin, String(repeating: "0a", count: 32), false),
    (.digest, "sha-256:" + String(repeating: "0A", count: 32), false), (.base64, "", false),
  ])
  func formats(format: FieldFormat, text: String, isValid: Bool) {
    #expect(format.matches(Text(text)) == isValid)
  }

  private static let base = Sample.finance[0].put

  private func fault(_ put: JSONObject) -> FieldFault? {
    do throws(RecordError) {
      _ = try Submission.read(kind: .finance, operation: .put, json: put.bytes)
      return nil
    } catch {
      if case .field(let fault) = error { return fault }
      return nil
    }
  }

  @Test func errorsNameThePathAndTheFix() throws {
    var line = try #require(Self.base["lines"]?.array?.first?.object)
    line["amount"] = .integer(1_000_000_000_000_001)
    let wrong = try #require(fault(Self.base.with("lines", .array([.object(line)]))))
    #expect(
      wrong.description
        == "lines[0].amount (1000000000000001) must lie in -1000000000000000...1000000000000000")
    #expect(wrong.vietnamese.hasPrefix("lines[0].amount (1000000000000001) phải nằm trong khoảng"))
    line["amount"] = "12.5"
    line["budgetLine"] = .object(["chapter": "50"])
    let nested = fault(Self.base.with("lines", .array([.object(line)])))
    #expect(nested?.path == "lines[0].amount" && nested?.rule == .type(.integer))
    line["amount"] = 1
    let deep = fault(Self.base.with("lines", .array([.object(line)])))
    #expect(deep?.path == "lines[0].budgetLine.chapter" && deep?.found == .shown("\"50\""))
    #expect(fault(Self.base.with("descripton", "x"))?.rule == .unknown(nearest: "description"))
    #expect(fault(Self.base.with("zzzzzzzzzzzzzz", 1))?.rule == .unknown(nearest: nil))
  }

  /// A wrong value is shown only when it cannot be prose; a name of a field likewise.
  @Test func errorsCarryNoContent() {
    let prose = "Nội dung không được lộ ra nhật ký"
    for name: Text in ["voucherDate", "currency", "fiscalYear", "lines", "accountingUnit"] {
      let error = fault(Self.base.with(name, .string(Text(prose))))
      #expect(error?.found == .text(byteCount: prose.utf8.count))
      #expect(error?.description.contains(prose) == false)
    }
    #expect(fault(Self.base.with(Text(prose), 1))?.description.contains(prose) == false)
    let long = String(repeating: "a", count: 65)
    #expect(
      fault(Self.base.with("voucherDate", .string(Text(long))))?.found == .text(byteCount: 65))
    let tooLong = Text(String(repeating: "ủ", count: 20_000))
    #expect(
      fault(Self.base.with("description", .string(tooLong)))?.rule
        == .tooLong(maximumByteCount: 32_768))
    #expect(fault(Self.base.with("description", "a\u{0}"))?.rule == .controlCharacter)
    #expect(fault(Self.base.with("description", ""))?.rule == .required)
  }

  @Test func eventsAreNotPutWithTheRecord() {
    let events = JSONValue.array([.object(["type": "signature"])])
    let fault = fault(Self.base.with("signatures", events))
    #expect(fault == FieldFault("signatures", .appendInstead, found: events))
    #expect(self.fault(Self.base.with("signatures", .array([]))) == nil)
  }

  @Test func theEnvelopeIsChecked() throws {
    #expect(fault(Self.base.with("revision", 0))?.path == "revision")
    #expect(fault(Self.base.with("kind", "document"))?.rule == .mustEqual("finance"))
    #expect(fault(Self.base.with("schemaVersion", 2))?.rule == .range(1, 1))
    #expect(fault(Self.base.with("ownerSite", "X"))?.rule == .format(.site))
    #expect(fault(Self.base.with("parents", .array(["ab"])))?.path == "parents[0]")
    let digest = JSONValue.string(Text(String(repeating: "0f", count: 32)))
    #expect(fault(Self.base.with("parents", .array([digest, digest])))?.rule == .repeated)
    let put = try Submission.read(
      kind: .finance, operation: .put, json: Self.base.with("parents", .array([digest])).bytes)
    #expect(put.parents.map(\.description) == [String(repeating: "0f", count: 32)])
    let other = try #require(RecordID("248becac-9fb9-589f-9d53-6b91b12b26dd"))
    #expect(throws: RecordError.self) {
      try Submission.read(kind: .finance, operation: .put, id: other, json: Self.base.bytes)
    }
    #expect(throws: RecordError.operation(.annotate, .finance)) {
      let json = Array(#"{"eventId":"248becac-9fb9-589f-9d53-6b91b12b26dd"}"#.utf8)
      return try Submission.read(kind: .finance, operation: .annotate, id: other, json: json)
    }
  }

  /// Whatever bytes come, reading them ends in a submission or an error.
  @Test(arguments: UInt64(0)..<200) func readingNeverTraps(seed: UInt64) {
    var random = SeededRandom(state: seed)
    for sample in Sample.all {
      var bytes = sample.put.bytes
      for _ in 0..<3 {
        bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 32...126, using: &random)
      }
      let read = try? Submission.read(kind: sample.kind, operation: .put, json: bytes)
      #expect(read.map { $0.body.isEmpty } != true)
    }
  }
}
