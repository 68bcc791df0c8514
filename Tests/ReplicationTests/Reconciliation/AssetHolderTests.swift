import Storage
import Testing

@testable import Replication

/// F10: who has an asset, as far as the movements say.
@Suite struct AssetHolderTests {
  private static let owner = TestNetwork.provinces[0]
  private static let first = TestNetwork.provinces[1]
  private static let second = TestNetwork.provinces[2]
  private static let cost: Int64 = 621_500_000

  /// A movement by number: its id, its digest, and what it says.
  private func event(
    _ number: UInt64, _ type: Text, to site: SiteID? = nil, _ amount: Int64,
    answers: UInt64? = nil, seen: [UInt64] = []
  ) -> FoldedEvent {
    var body = TestNetwork.movement(type, to: site).with("amount", .integer(amount))
    body["transferMovementId"] = answers.map { .string(Text(id($0).description)) }
    return FoldedEvent(
      id: id(number), operation: .append,
      author: type == "received" ? site ?? Self.owner : Self.owner, digest: digest(number),
      parents: seen.map(digest), body: body)
  }

  private func id(_ number: UInt64) -> EventID {
    EventID(UniqueID(Bytes16(high: 1, low: number)))
  }
  private func digest(_ number: UInt64) -> Digest { Digest(Bytes32(0, 0, 0, number)) }

  /// Events, `site=cost` of each holder, what is in transit, numbers of the flagged ones.
  private struct Case {
    let events: [FoldedEvent]
    let holders: [SiteID: Int64]
    var inTransit: [Int64] = []
    var flagged: [UInt64] = []
  }

  private var cases: [Case] {
    let (owner, first, second, cost) = (Self.owner, Self.first, Self.second, Self.cost)
    let away = event(1, "transferredOut", to: first, cost)
    let part = event(1, "transferredOut", to: first, 500)
    let arrived = event(2, "received", to: first, cost, answers: 1)
    return [
      Case(events: [], holders: [owner: cost]),
      Case(events: [away], holders: [:], inTransit: [cost]),
      Case(events: [away, arrived], holders: [first: cost]),
      Case(events: [arrived, away], holders: [first: cost]),
      Case(events: [part], holders: [owner: cost - 500], inTransit: [500]),
      Case(
        events: [part, event(2, "received", to: first, 500, answers: 1)],
        holders: [owner: cost - 500, first: 500]),
      // Twice the same thing: the later one in the one order counts nothing.
      Case(
        events: [away, event(3, "transferredOut", to: second, cost)], holders: [:],
        inTransit: [cost], flagged: [3]),
      Case(
        events: [away, arrived, event(3, "transferredOut", to: second, 1)], holders: [first: cost],
        flagged: [3]),
      Case(
        events: [
          away, event(3, "transferredOut", to: second, cost),
          event(4, "received", to: second, cost, answers: 3),
        ], holders: [:], inTransit: [cost], flagged: [3]),
      Case(
        events: [part, event(3, "transferredOut", to: second, cost - 499)],
        holders: [owner: cost - 500], inTransit: [500], flagged: [3]),
      // What was added may leave too.
      Case(
        events: [
          event(5, "increase", 100), event(1, "transferredOut", to: first, cost + 100),
        ], holders: [:], inTransit: [cost + 100]),
    ]
  }

  @Test(arguments: 0..<11) func whoHasIt(index: Int) throws {
    let some = cases[index]
    let card = try card().with("inServiceDate", "2026-01-05")
    let value = AssetValue(card: card, events: some.events)
    #expect(value.holders == some.holders)
    #expect(value.inTransit.map(\.amount) == some.inTransit)
    #expect(value.flagged.map(\.id) == some.flagged.map { id($0) })
    let only = some.inTransit.isEmpty && some.holders.count == 1 ? some.holders.first?.key : nil
    #expect(
      value.json.object?["holder"] == only.map { .string(Text($0.description)) })
  }

  private func card() throws -> JSONObject {
    var network = try TestNetwork(seed: 50)
    return network.assetCard(of: Self.owner)
  }

  /// The receiver is not sent the increase before the transfer: it finds no fault, and says nothing
  /// of what remains at the owner.
  @Test func whoSeesAPartDoesNotJudge() throws {
    var network = try TestNetwork(seed: 51)
    let card = network.assetCard(of: Self.owner).with("inServiceDate", "2026-01-05")
    try network.put(Self.owner, .finance, card)
    try network.append(
      Self.owner, to: card.record, TestNetwork.movement("increase").with("amount", 100))
    let whole: JSONValue = .integer(Self.cost + 100)
    let movement = network.newID()
    try network.append(
      Self.owner, to: card.record,
      TestNetwork.movement("transferredOut", to: Self.first).with("amount", whole)
        .with("eventId", movement))
    try network.settle()
    let half = TestNetwork.movement("received", to: Self.first).with("amount", whole)
      .with("transferMovementId", movement)
      .with("fromSite", .string(Text(Self.owner.description)))
    try network.append(Self.first, to: card.record, half)
    try network.settle()
    for site in [TestNetwork.centre, Self.owner, Self.first] {
      let derived = try network[site].content(card.record)?.json["derived"]?.object
      #expect(derived?["holder"] == .string(Text(Self.first.description)))
      #expect(derived?["flaggedEventIds"] == nil && derived?["inTransit"] == nil)
    }
  }
}
