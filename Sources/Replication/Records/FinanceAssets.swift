/// What an asset card's movements make of it: F9 and F10. Derived alike from the same entries.
package struct AssetValue: Sendable {
  /// What left the card's site and is not yet confirmed by the other one.
  package struct Transfer: Hashable, Sendable {
    package let movement: EventID
    package let amount: Int64
    package let toSite: SiteID?
    package let date: Text?
  }

  /// In đồng, after increases, decreases and revaluations.
  package private(set) var cost: Int64
  /// 0 ... cost.
  package private(set) var accumulatedWear: Int64 = 0
  package private(set) var inTransit: [Transfer] = []
  /// Movements that break a rule, in the order of the events: kept, and counted only as far as the
  /// rule goes.
  package private(set) var flagged: [(id: EventID, fault: FieldFault)] = []
  /// Cost by site, as far as the movements held here say; the rest is in transit. Of the card's own
  /// site nothing is said where something that came before a movement is not here.
  package private(set) var holders: [SiteID: Int64] = [:]

  private let inServiceDate: CalendarDate?
  /// Cost that left the card's site, whether it has arrived or not.
  private var departed: Int64 = 0
  /// Departures that count, by id.
  private var departures: [Text: FoldedEvent] = [:]
  private var received: Set<Text> = []

  package var remainingValue: Int64 { cost - accumulatedWear }

  /// - Parameters:
  ///   - events: in the one order, each id once.
  ///   - unseen: digests of events before which something is not here. A site that only takes part
  ///     in a transfer is not sent the other movements, and cannot say what remained.
  package init(card: JSONObject, events: [FoldedEvent], unseen: Set<Digest> = []) {
    cost = card[.originalCost]?.integer ?? 0
    inServiceDate = card.date(.inServiceDate)
    let movements = events.filter { $0.operation == .append }
    for event in movements where event.type != "received" {
      apply(event, isWhole: !unseen.contains(event.digest))
    }
    // The halves of a transfer pair up by id, whichever is first in the one order.
    for event in movements where event.type == "received" { pair(event) }
    for event in movements {
      let id = Text(event.id.description)
      guard departures[id]?.digest == event.digest, !received.contains(id) else { continue }
      inTransit.append(
        Transfer(
          movement: event.id, amount: event.body[.amount]?.integer ?? 0,
          toSite: event.body.site(.toSite), date: event.body.text(.date)))
    }
    if unseen.isEmpty, cost > departed, let owner = card.organSite(.accountingUnit) {
      holders[owner] = cost - departed
    }
  }

  /// - Parameter newest: an event that has no row yet.
  init(of record: HeldRecord, card: JSONObject, events: [FoldedEvent], newest: FoldedEvent? = nil) {
    var whole: Set<Digest> = []
    for entry in record.entries.sorted(by: { $0.foldPosition < $1.foldPosition })
    where entry.header.parents.allSatisfy({ whole.contains($0) }) {
      whole.insert(entry.digest)
    }
    if let newest, newest.parents.allSatisfy({ whole.contains($0) }) {
      whole.insert(newest.digest)
    }
    let all = events + [newest].compactMap { $0 }
    self.init(card: card, events: all, unseen: Set(all.map(\.digest)).subtracting(whole))
  }

  private static let withinCost = Rule(
    "F9", vi: "làm hao mòn hoặc nguyên giá ra ngoài 0 đến nguyên giá; hãy sửa số tiền",
    en: "takes wear or cost out of 0 to cost; change the amount")
  private static let pairs = Rule(
    "F10", vi: "phải khớp với bên giao: số tiền, đơn vị, một lần; hãy đối chiếu biên bản",
    en: "must match the other half: amount, sites, once; compare the minutes")
  private static let isThere = Rule(
    "F10", vi: "vượt phần nguyên giá còn tại đơn vị giao; hãy xem lại các lần điều chuyển trước",
    en: "is more than the site still holds of the cost; look at the transfers before it")

  /// The increase by which the asset came into the books is its original cost; later ones add.
  private mutating func apply(_ event: FoldedEvent, isWhole: Bool) {
    let amount = event.body[.amount]?.integer ?? 0
    switch event.type {
    case "transferredOut": depart(event, amount, isWhole: isWhole)
    case "wear":
      let wear = accumulatedWear + amount
      if wear < 0 || wear > cost { flag(event, "\(cost - accumulatedWear)") }
      accumulatedWear = max(0, min(cost, wear))
    case "increase":
      let isAcquisition = event.body.date(.date).flatMap { date in
        inServiceDate.map { date <= $0 }
      }
      if isAcquisition != true { change(by: amount, event) }
    case "decrease": change(by: -amount, event)
    case "revaluation": change(by: amount, event)
    default: break
    }
  }

  /// What leaves takes its wear along.
  private mutating func change(by amount: Int64, _ event: FoldedEvent) {
    let next = cost + amount
    if next < 0 || next > JSONValue.maximumInteger { flag(event, "\(cost)") }
    cost = max(0, min(JSONValue.maximumInteger, next))
    accumulatedWear = min(accumulatedWear, cost)
  }

  private mutating func flag(_ event: FoldedEvent, _ detail: String) {
    flagged.append(
      (
        event.id,
        FieldFault(
          "amount", .broken(Self.withinCost, detail: detail), found: event.body[.amount])
      ))
  }

  /// F10: what has left is not there to leave once more. A departure that does not count is not
  /// summed, and has no other half.
  private mutating func depart(_ event: FoldedEvent, _ amount: Int64, isWhole: Bool) {
    let rest = max(0, cost - departed)
    guard amount <= rest || !isWhole else {
      let fault = FieldFault(
        "amount", .broken(Self.isThere, detail: "\(rest)"), found: event.body[.amount])
      return flagged.append((event.id, fault))
    }
    departed = min(JSONValue.maximumInteger, departed + max(0, amount))
    departures[Text(event.id.description)] = event
  }

  /// F10: a half that matches ends the transit; any other is shown and counts nothing.
  private mutating func pair(_ event: FoldedEvent) {
    guard let id = event.body.text(.transferMovementId), let departure = departures[id] else {
      return
    }
    let isMatch =
      departure.body[.amount] == event.body[.amount]
      && departure.body.site(.toSite) == event.author && !received.contains(id)
    guard isMatch else {
      let detail = departure.body[.amount]?.integer.map { "\($0)" }
      flagged.append(
        (
          event.id,
          FieldFault("amount", .broken(Self.pairs, detail: detail), found: event.body[.amount])
        ))
      return
    }
    received.insert(id)
    let amount = event.body[.amount]?.integer ?? 0
    holders[event.author, default: 0] += amount
  }

  /// As the API shows it.
  package var json: JSONValue {
    var object: JSONObject = [
      "cost": .integer(cost), "accumulatedWear": .integer(accumulatedWear),
      "remainingValue": .integer(remainingValue),
    ]
    object["holders"] = .array(
      holders.sorted { $0.key < $1.key }.map { site, cost in
        .object(["siteId": .string(Text(site.description)), "cost": .integer(cost)])
      })
    // Who has the whole of it; nobody while it is on its way, or divided.
    if let only = holders.first, holders.count == 1, inTransit.isEmpty {
      object["holder"] = .string(Text(only.key.description))
    }
    if !inTransit.isEmpty { object["inTransit"] = .array(inTransit.map(Self.json(of:))) }
    if !flagged.isEmpty {
      object["flaggedEventIds"] = .array(flagged.map { .string(Text($0.id.description)) })
    }
    return .object(object)
  }

  private static func json(of transfer: Transfer) -> JSONValue {
    var object: JSONObject = [
      "movementId": .string(Text(transfer.movement.description)),
      "amount": .integer(transfer.amount),
    ]
    object[.toSite] = transfer.toSite.map { .string(Text($0.description)) }
    object[.date] = transfer.date.map { .string($0) }
    return .object(object)
  }
}
