/// What an asset card's movements make of it: F9 and F10. Derived alike at every site.
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
  /// Movements that break a rule: kept, and counted only as far as the rule goes.
  package private(set) var flagged: [(id: EventID, fault: FieldFault)] = []

  private let inServiceDate: CalendarDate?
  private var received: Set<Text> = []

  package var remainingValue: Int64 { cost - accumulatedWear }

  /// - Parameter events: in the one order, each id once.
  package init(card: JSONObject, events: [FoldedEvent]) {
    cost = card[.originalCost]?.integer ?? 0
    inServiceDate = card.date(.inServiceDate)
    let movements = events.filter { $0.operation == .append }
    // The halves of a transfer pair up by id, whichever is first in the one order.
    let departures = movements.filter { $0.type == "transferredOut" }
    for event in movements {
      if event.type == "received" {
        pair(event, with: departures)
      } else {
        apply(event)
      }
    }
    for departure in departures where !received.contains(Text(departure.id.description)) {
      inTransit.append(
        Transfer(
          movement: departure.id, amount: departure.body[.amount]?.integer ?? 0,
          toSite: departure.body.site(.toSite), date: departure.body.text(.date)))
    }
  }

  private static let withinCost = Rule(
    "F9", vi: "làm hao mòn hoặc nguyên giá ra ngoài 0 đến nguyên giá; hãy sửa số tiền",
    en: "takes wear or cost out of 0 to cost; change the amount")
  private static let pairs = Rule(
    "F10", vi: "phải khớp với bên giao: số tiền, đơn vị, một lần; hãy đối chiếu biên bản",
    en: "must match the other half: amount, sites, once; compare the minutes")

  /// The increase by which the asset came into the books is its original cost; later ones add.
  private mutating func apply(_ event: FoldedEvent) {
    let amount = event.body[.amount]?.integer ?? 0
    switch event.type {
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

  /// F10: a half that matches ends the transit; any other is shown and counts nothing.
  private mutating func pair(_ event: FoldedEvent, with departures: [FoldedEvent]) {
    guard let id = event.body.text(.transferMovementId),
      let departure = departures.first(where: { Text($0.id.description) == id })
    else { return }
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
  }

  /// As the API shows it.
  package var json: JSONValue {
    var object: JSONObject = [
      "cost": .integer(cost), "accumulatedWear": .integer(accumulatedWear),
      "remainingValue": .integer(remainingValue),
    ]
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
