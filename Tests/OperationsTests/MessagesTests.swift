import Operations
import Replication
import Testing

/// Every text that exists in both languages.
private let allTexts: [(String, LocalText)] =
  ConfigurationProblem.allCases.flatMap { [("\($0)", $0.cause), ("\($0)", $0.fix)] }
  + StatusPhrase.allCases.map { ("\($0)", $0.local) }
  + CheckID.allCases.flatMap {
    [($0.rawValue, $0.title), ($0.rawValue, $0.why), ($0.rawValue, $0.action)]
  }
  + ConfigurationSchema.definitions.map { ($0.fullName, $0.doc) }

@Test func everyTextExistsInBothLanguages() {
  for (name, text) in allTexts {
    #expect(!text.vi.isEmpty && !text.en.isEmpty, "\(name)")
    #expect(
      LocalText.placeholders(of: text.vi) == LocalText.placeholders(of: text.en), "\(name)")
    #expect(text.en.utf8.allSatisfy { $0 < 0x80 }, "\(name): English is ASCII")
    // Vietnamese in NFC has no combining marks left.
    let marks = text.vi.unicodeScalars.filter { (0x300...0x36F).contains($0.value) }
    #expect(marks.isEmpty, "\(name): not NFC")
  }
}

@Test func placeholdersAreFilledOnce() {
  let text = LocalText(vi: "{1} của {0}", en: "{0} has {1}, {2}")
  #expect(text.text(in: .en, ["{1}", "b"]) == "{1} has b, {2}")
  #expect(text.text(in: .vi, ["a", "b"]) == "b của a")
}

@Test(
  arguments: [
    ("en", [:], Language.vi, Language.en),
    (nil, ["LC_ALL": "en_US.UTF-8", "LANG": "vi_VN"], .vi, .en),
    (nil, ["LC_ALL": "C", "LC_MESSAGES": "vi_VN.UTF-8"], .en, .vi), (nil, ["LANG": "vi"], nil, .vi),
    (nil, ["LANG": "fr_FR"], .en, .en), (nil, [:], nil, .vi), ("xx", ["LANG": "en"], .vi, .en),
    (nil, ["LANG": "vietnam"], .en, .en),
  ] as [(String?, [String: String], Language?, Language)])
func languageIsChosen(
  flag: String?, environment: [String: String], configured: Language?, expected: Language
) {
  let chosen = Language.choose(
    flag: flag, environment: { environment[$0] }, configured: configured)
  #expect(chosen == expected)
}

@Test func civilDatesRoundTrip() {
  #expect(CivilTime.civil(days: 0) == (1970, 1, 1))
  #expect(CivilTime.civil(days: 19_782) == (2024, 2, 29))
  #expect(CivilTime.days(year: 2000, month: 3, day: 1) == 11_017)
  var expected = CivilTime.civil(days: -150_001)
  for days in -150_000...100_000 {
    let found = CivilTime.civil(days: days)
    #expect(CivilTime.days(year: found.year, month: found.month, day: found.day) == days)
    let follows =
      found == (expected.year, expected.month, expected.day + 1)
      || found == (expected.year, expected.month + 1, 1) || found == (expected.year + 1, 1, 1)
    if !follows { Issue.record("\(expected) then \(found)") }
    expected = found
  }
}

@Test func timesReadAndWrite() {
  let time = WallTime(microseconds: 1_795_444_258_123_456)
  #expect(time.rfc3339 == "2026-11-23T14:30:58.123456Z")
  #expect(time.localText == "23/11/2026 21:30")
  #expect(WallTime(microseconds: 1_795_460_400_000_000).localDate == "24/11/2026")
  #expect(WallTime(rfc3339: time.rfc3339) == time)
  #expect(WallTime(rfc3339: "2026-11-23T21:30:58.123456+07:00") == time)
  #expect(WallTime(rfc3339: "1970-01-01T00:00:00.5Z")?.microseconds == 500_000)
  #expect(WallTime(microseconds: .max).rfc3339 == "9999-12-31T23:59:59.999999Z")
  for text in [
    "", "2026-11-23", "2026-02-30T00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23t00:00:00Z",
    "2026-11-23T00:00:00", "2026-11-23T00:00:00.Z", "2026-11-23T00:00:00.1234567Z",
    "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+07:00", "2026-13-01T00:00:00Z",
    "+026-11-23T00:00:00Z", "2026-11-23T00:00:00+7:00",
  ] { #expect(WallTime(rfc3339: text) == nil, "\(text)") }
}

@Test(arguments: [
  (0, "0s"), (59, "59s"), (61, "1m"), (3599, "59m"), (3600, "1h"), (11_520, "3h12m"),
  (90_000, "1d"), (-5, "0s"),
])
func agesAreShort(seconds: Int, text: String) { #expect(ageText(.seconds(seconds)) == text) }

@Test func problemsAreRFC9457() {
  let problem = ProblemDetails(
    status: 507, code: "disk-full", title: LocalText(vi: "hết chỗ", en: "disk full"),
    detail: "\"x\"", actions: [LocalText(vi: "dọn đĩa", en: "free disk")])
  #expect(
    problem.json(in: .en).rendered
      == #"{"type":"urn:dongbo:problem:disk-full","title":"disk full","status":507,"#
      + #""code":"disk-full","detail":"\"x\"","do":["free disk"]}"#)
}

@Test func jsonEscapesWhatActsOnAScreen() {
  #expect(quotedJSON("a\u{0}\u{202E}\u{E0001}ế\"\\") == #""a\u0000\u202e\udb40\udc01ế\"\\""#)
}

@Test func pathsAreLexical() {
  #expect(Paths.resolve("../x/./y//z", against: "/a/b") == "/a/x/y/z")
  #expect(Paths.resolve("/../..", against: "/") == "/")
  #expect(Paths.isInside("/var/lib/dongbo/w", "/var/lib/dongbo/"))
  #expect(!Paths.isInside("/var/lib/dongbo-witness/w", "/var/lib/dongbo"))
}
