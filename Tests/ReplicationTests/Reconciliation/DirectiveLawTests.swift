import Storage
import Testing

@testable import Replication

/// What holds for any history of a directive.
@Suite struct DirectiveLawTests {
  private static let sites = ["trung-uong", "nghe-an", "lang-son", "ha-giang", "ca-mau"]
  private static let assigners: [Text] = [
    "assigned", "reassigned", "extensionDecided", "reminded", "completionConfirmed",
    "completionRejected", "suspended", "resumed", "cancelled",
  ]
  private static let assignees: [Text] = [
    "accepted", "returned", "started", "extensionRequested", "completionReported",
    "progressReported",
  ]

  /// Tells anything by anyone who has seen up to `seen` of the events before.
  private static func tellSomething(
    _ task: inout TestTask, _ random: inout SeededRandom, types: [Text], seen: Int? = nil
  ) {
    let type = types[random.below(types.count)]
    let isAssigners = assigners.contains(type) && !random.chance(5)
    let author = isAssigners ? sites[0] : sites[1 + random.below(sites.count - 1)]
    let request = task.events.filter { $0.type == "extensionRequested" }.randomElement(
      using: &random)
    let fields = JSONObject()
      .with("leadSite", random.chance(80) ? .string(Text(sites[1 + random.below(3)])) : nil)
      .with("requestEventId", .string(Text(request?.id.description ?? "x")))
      .with("approved", .bool(random.chance(80)))
      .with("newDueDate", .string(Text("2026-\(6 + random.below(4))-15".withMonth)))
      .with("percentComplete", .integer(Int64(random.below(101))))
    let known =
      seen ?? (random.chance(60) ? task.events.count : random.below(task.events.count + 1))
    task.tell(
      author, type, on: "2026-05-\(10 + random.below(19))", fields,
      seen: isAssigners ? nil : known)
  }

  private static func history(_ random: inout SeededRandom, count: Int = 24) -> TestTask {
    var task = TestTask()
    for _ in 0..<count {
      let types = random.chance(40) ? assigners : assignees
      tellSomething(&task, &random, types: types)
    }
    return task
  }

  /// What the assigner settled: all but the words of the others.
  private static func settled(_ task: TestTask) -> [String?] {
    let state = task.state()
    return [
      state.state.rawValue, state.timeliness?.rawValue, state.effectiveDueDate?.description,
      "\(state.percentComplete)", state.leadSite?.description,
    ]
  }

  /// T1: after cancelled and completionConfirmed no event of anyone else changes anything, whether
  /// its author knew or not.
  @Test(arguments: 0..<200) func t1ClosedStaysClosed(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var task = Self.history(&random)
    task.tell("trung-uong", random.chance(50) ? "cancelled" : "completionConfirmed")
    let before = Self.settled(task)
    #expect(before[0] == "cancelled" || before[0] == "completed")
    for _ in 0..<12 {
      Self.tellSomething(
        &task, &random, types: Self.assignees, seen: random.below(task.events.count + 1))
      #expect(Self.settled(task) == before)
      #expect(task.state().effects.last??.flag != nil)
    }
  }

  /// T1, T3: what was written without knowing of a replacement leaves the new lead's state alone,
  /// wherever the clocks put it.
  @Test(arguments: 0..<200) func t3AReplacementAbsorbsWhatDidNotKnowIt(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var task = Self.history(&random)
    let seen = task.events.count
    task.reassign(to: random.chance(50) ? "ha-giang" : "nghe-an")
    let before = Self.settled(task)
    for _ in 0..<12 {
      Self.tellSomething(&task, &random, types: Self.assignees, seen: random.below(seen + 1))
      #expect(Self.settled(task) == before)
    }
    // As if it had come first.
    let late = Array(task.events[(seen + 1)...])
    task.events.removeLast(late.count)
    task.events.insert(contentsOf: late, at: seen)
    #expect(Self.settled(task) == before)
  }

  /// T4, T6: the date only moves forward, percent stays in its bounds, and every event is kept.
  @Test(arguments: 0..<200) func t4TheDateOnlyMovesForward(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let whole = Self.history(&random, count: 40)
    var task = whole
    task.events.removeAll()
    var due = task.state().effectiveDueDate
    for event in whole.events {
      task.events.append(event)
      let state = task.state()
      #expect((0...100).contains(state.percentComplete))
      #expect(state.effects.count == task.events.count)
      if let last = due, let now = state.effectiveDueDate { #expect(last <= now) }
      due = state.effectiveDueDate
    }
  }

  /// Sites that hold the same entries show the same, whatever order and repeats they came in.
  @Test(arguments: 0..<12) func arrivalOrderChangesNothing(seed: UInt64) throws {
    var network = try TestNetwork(seed: seed)
    let (centre, lead, other) = (
      TestNetwork.centre, TestNetwork.provinces[0], TestNetwork.provinces[1]
    )
    let put = network.directive(from: centre, lead: lead, others: [other])
    try network.put(centre, .directive, put)
    try network.settle()
    for _ in 0..<24 {
      let isAssigners = network.random.chance(40)
      let types = isAssigners ? Self.assigners : Self.assignees
      let author = isAssigners ? centre : network.random.chance(70) ? lead : other
      let next: JSONValue = .string(Text((network.random.chance(50) ? lead : other).description))
      var fields = JSONObject()
      let type = types[network.random.below(types.count)]
      switch type {
      case "reassigned": fields["leadSite"] = next
      case "progressReported": fields["percentComplete"] = 40
      case "completionReported": fields["summary"] = "xong"
      case "returned", "completionRejected": fields["reason"] = "lý do"
      case "extensionRequested", "extensionDecided": continue
      default: break
      }
      // What its site knows better is refused; the rest crosses on the line.
      let json = TestNetwork.event(type, by: author, fields).with("eventId", network.newID())
      _ = try network[author].attempt(
        try Submission.read(
          kind: .directive, operation: .append, id: put.record.id, json: json.bytes))
      if network.random.chance(40) { try network.settle() }
    }
    try network.settle()
    let day = try #require(CalendarDate("2026-07-15"))
    let expected = try network.centre.content(put.record, asOf: day)?.json
    #expect(expected?["events"]?.array?.isEmpty == false)
    for site in [lead, other] {
      var shown = try network[site].content(put.record, asOf: day)?.json
      let derived = shown?["derived"]?.object?.with("sourceNotAvailableHere", nil)
      shown?["derived"] = derived.map { .object($0) }
      #expect(shown == expected)
    }
    let entries = try network.centre.store.entries(of: put.record)
    for _ in 0..<4 {
      let some = (entries + entries.prefix(3)).shuffled(using: &network.random)
      let again = try RecordContent(
        HeldRecord(put.record, entries: some), asOf: day, site: centre, centre: centre,
        in: network.centre.store)
      #expect(again?.json == expected)
    }
  }
}

extension String {
  /// `2026-6-15` as a date is spelled.
  fileprivate var withMonth: String {
    let parts = split(separator: "-")
    return parts.map { $0.count == 1 ? "0\($0)" : "\($0)" }.joined(separator: "-")
  }
}
