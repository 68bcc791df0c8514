import Replication

/// Vouchers are summed and never edited; an asset is where its movements say.
extension ReferenceModel {
  func addFinance(
    _ put: ModelEntry, _ events: [ModelEntry], to said: inout [String: JSONValue]
  ) {
    said["events[].eventId"] = events.isEmpty ? .null : .texts(events.map(\.event))
    if put.body.string("entryKind") == "assetCard" { return addAsset(put, events, to: &said) }
    let adjusting = shownRecords.filter { adjusted(by: $0) == put.record }
    let reversing = adjusting.filter {
      $0.body["correction"]?.object?["fullReversal"]?.bool == true
    }
    func ids(_ puts: [ModelEntry]) -> JSONValue {
      puts.isEmpty ? .null : .texts(puts.map(\.record.id.description))
    }
    said["derived.adjustedBy"] = ids(adjusting)
    said["derived.reversedBy"] = ids(reversing)
  }

  /// F10, for who sees the whole of it.
  private func addAsset(
    _ card: ModelEntry, _ events: [ModelEntry], to said: inout [String: JSONValue]
  ) {
    guard site == centre || site == card.site else { return }
    let cost = card.body["originalCost"]?.integer ?? 0
    var (wear, left, holders) = (Int64(0), cost, [String: Int64]())
    var transit: [String: (to: String?, amount: Int64)] = [:]
    let held = Set((entries[card.record] ?? []).map(\.digest))
    let whole = events.filter { ancestors(of: $0).isSubset(of: held) }.map(\.digest)
    for event in events {
      let amount = event.body["amount"]?.integer ?? 0
      switch event.type {
      case "wear": wear += amount
      case "transferredOut" where amount <= left || !whole.contains(event.digest):
        left = max(0, left - amount)
        transit[event.event] = (event.body.string("toSite"), amount)
      default: break
      }
    }
    for event in events where event.type == "received" {
      guard let id = event.body.string("transferMovementId"), let half = transit[id],
        half.to == event.site, half.amount == event.body["amount"]?.integer
      else { continue }
      transit[id] = nil
      holders[event.site, default: 0] += half.amount
    }
    // A movement that a restore took from everybody may have been a departure.
    if left > 0, whole.count == events.count { holders[card.site] = left }
    let sites = holders.keys.sorted()
    said["derived.cost"] = .integer(cost)
    said["derived.accumulatedWear"] = .integer(wear)
    said["derived.holders[].siteId"] = .texts(sites)
    said["derived.holders[].cost"] = .array(sites.map { .integer(holders[$0] ?? 0) })
    said["derived.holder"] =
      sites.count == 1 && transit.isEmpty ? .texts(sites).array?.first ?? .null : .null
    said["derived.inTransit[].amount"] = .null
    guard !transit.isEmpty else { return }
    let amounts = events.compactMap { transit[$0.event]?.amount }
    said["derived.inTransit[].amount"] = .array(amounts.map { .integer($0) })
  }

  /// Sums by unit, period, account and side over vouchers and adjustments.
  var totals: [String: Int64] {
    var sums: [String: Int64] = [:]
    for put in shownRecords { Self.add(put.body, to: &sums) }
    return sums
  }

  static func add(_ voucher: JSONObject, to sums: inout [String: Int64]) {
    let unit = voucher["accountingUnit"]?.object?.string("budgetUnitCode") ?? ""
    let period = voucher.string("accountingPeriod") ?? ""
    for line in voucher.list("lines") {
      let account = "\(line.string("account") ?? "") \(line.string("side") ?? "")"
      sums["\(unit) \(period) \(account)", default: 0] += line["amount"]?.integer ?? 0
    }
  }
}
