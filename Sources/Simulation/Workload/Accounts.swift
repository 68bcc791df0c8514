import Replication
import Storage

/// Finance: vouchers, what adjusts and reverses them, and assets that move.
extension Workload {
  struct Voucher {
    let key: RecordKey
    let owner: SiteID
    let amount: Int64
    let adjusts: RecordKey?
  }

  struct Asset {
    let key: RecordKey
    let owner: SiteID
    let body: JSONObject
    var transfers: [(id: UniqueID, to: SiteID, amount: Int64)] = []
  }

  static let assetCost: Int64 = 20_000_000

  mutating func voucher(at site: SimulatedSite, in world: SimulatedWorld) {
    let record = id(world)
    let unit = world.sites.firstIndex { $0 === site } ?? 0
    // Now and then a number that is in use already: a conflict the owner must decide.
    let isNew = !world.random.chance(10)
    if isNew { voucherCounts[site.id, default: 0] += 1 }
    let mine = vouchers.filter { $0.owner == site.id && $0.adjusts == nil }
    let adjusted = world.random.chance(35) ? world.random.pick(mine) : nil
    let sum = vouchers.filter { $0.key == adjusted?.key || $0.adjusts == adjusted?.key }
      .reduce(0) { $0 + $1.amount }
    let isReversal = adjusted != nil && sum != 0 && world.random.chance(40)
    let amount = isReversal ? -sum : Int64(1_000 * (1 + world.random.below(100)))
    let body = Bodies.voucher(
      record, number: voucherCounts[site.id] ?? 0, unit: unit, of: site.id, amount: amount,
      adjusts: adjusted?.key, isReversal: isReversal)
    vouchers.append(
      Voucher(
        key: RecordKey(kind: .finance, id: RecordID(record)), owner: site.id, amount: amount,
        adjusts: adjusted?.key))
    write(.finance, .put, body, at: site.id, in: world)
  }

  mutating func asset(at site: SimulatedSite, in world: SimulatedWorld) {
    let unit = world.sites.firstIndex { $0 === site } ?? 0
    // The card's text is corrected now and then; its cost moves by movements only.
    if let old = world.random.chance(30) ? world.random.pick(assets) : nil {
      var body = old.body
      body["revision"] = .integer(
        Int64(clamping: nextRevision(of: old.key, at: old.owner, in: world)))
      body["assetName"] = Bodies.text("Máy chủ \(world.random.below(9))")
      return write(.finance, .put, body, at: old.owner, in: world)
    }
    let record = id(world)
    let body = Bodies.assetCard(
      record, number: assets.count + 1, unit: unit, of: site.id, cost: Self.assetCost)
    assets.append(
      Asset(key: RecordKey(kind: .finance, id: RecordID(record)), owner: site.id, body: body))
    write(.finance, .put, body, at: site.id, in: world)
  }

  /// Wear, a part or the whole that leaves, or the other half of that.
  mutating func movement(in world: SimulatedWorld) {
    guard !assets.isEmpty else { return }
    let index = world.random.below(assets.count)
    let asset = assets[index]
    let event = id(world)
    guard let other = world.random.pick(others(than: asset.owner, in: world)) else { return }
    switch world.random.below(10) {
    case 0..<2:
      let body = Bodies.movement(event, asset.key, type: "wear", amount: 1_000)
      write(.finance, .append, body, at: asset.owner, in: world)
    case 2..<6:
      let amounts = [Self.assetCost, 4_000_000, 3_000_000]
      let amount = world.random.pick(amounts) ?? Self.assetCost
      var body = Bodies.movement(event, asset.key, type: "transferredOut", amount: amount)
      body["toSite"] = Bodies.text(other)
      assets[index].transfers.append((event, other, amount))
      write(.finance, .append, body, at: asset.owner, in: world)
    default:
      guard let half = world.random.pick(asset.transfers) else { return }
      var body = Bodies.movement(event, asset.key, type: "received", amount: half.amount)
      body["fromSite"] = Bodies.text(asset.owner)
      body["toSite"] = Bodies.text(half.to)
      body["transferMovementId"] = Bodies.text(half.id)
      write(.finance, .append, body, at: half.to, in: world)
    }
  }
}
