import Replication

@testable import Simulation

/// Bodies that only scripts ask for.
extension Bodies {
  /// The same document as another type: number and symbol follow.
  static func document(_ document: JSONObject, ofType type: String) -> JSONObject {
    var body = document
    let number = document["codeNumber"]?.text?.string ?? ""
    let from = document["from"]?.object?["organId"]?.text?.string ?? ""
    body["documentType"] = .object(["code": text(type), "name": text(type)])
    body["codeNotation"] = text("\(type)/TU")
    body["documentId"] = text("\(from),2026/03/02,\(number)-\(type)/TU")
    return body
  }

  private static func books(_ id: UniqueID, _ form: String, unit: Int, of site: SiteID)
    -> JSONObject
  {
    [
      "recordId": text(id), "revision": .integer(1), "secrecyLevel": text("none"),
      "entryKind": text(form), "currency": text("VND"),
      "accountingUnit": .object([
        "siteId": text(site), "organId": text("A99.\(site)"),
        "budgetUnitCode": text(1_990_000 + unit), "unitName": text("VP \(site)"),
      ]),
    ]
  }

  /// - Parameters:
  ///   - month: as `2026-05`.
  ///   - last: number of its last voucher.
  ///   - successor: who goes on with the books, in a handover.
  static func closing(
    _ id: UniqueID, month: String, unit: Int, of site: SiteID, count: Int64, last: String,
    successor: String?
  ) -> JSONObject {
    var body = books(id, "periodClosing", unit: unit, of: site)
    body["fiscalYear"] = .integer(2026)
    body["accountingPeriod"] = text(month)
    body["closingType"] = text(successor == nil ? "period" : "handover")
    body["closingDate"] = text("2026-06-01")
    body["successorSite"] = successor.map { text($0) }
    body["voucherCount"] = .integer(count)
    body["lastVoucherNumbers"] = .object(["CTGS": text(last)])
    body["closingBalances"] = .array([])
    body["approvals"] = .array(
      ["Kế toán trưởng", "Thủ trưởng đơn vị"].map { role in
        .object(["role": text(role), "signedAt": text("2026-06-01T02:15:07Z")])
      })
    return body
  }

  static func assetCard(
    _ id: UniqueID, number: Int, unit: Int, of site: SiteID, cost: Int64
  ) -> JSONObject {
    var body = books(id, "assetCard", unit: unit, of: site)
    body["assetCardNumber"] = text("TS\(number)")
    body["assetName"] = text("Máy chủ")
    body["assetNature"] = text("tangible")
    body["assetClass"] = .integer(5)
    body["inServiceDate"] = text("2026-01-05")
    body["originalCost"] = .integer(cost)
    body["wearRatePercent"] = text("20")
    return body
  }
}
