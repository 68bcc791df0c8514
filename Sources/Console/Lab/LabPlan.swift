package import Operations
package import Replication
import Transport

/// A topology on loopback, decided but not yet written: who takes part, and on which ports.
package struct LabPlan: Sendable {
  /// One site as the lab will have it.
  package struct Site: Sendable {
    package let id: SiteID
    package let tier: SiteTier
    package let name: String
    /// The code of the one organ it serves.
    package let organ: String
    /// Organs that were merged into it.
    package let predecessors: [String]
    package let generation: Int64
    package let monitoringPort: UInt16
    /// Where a province dials when a relay stands before it; nil: at the centre itself.
    package let relayPort: UInt16?
  }

  package let centre: Site
  package let provinces: [Site]
  package let linkPort: UInt16

  /// The centre first.
  package var sites: [Site] { [centre] + provinces }

  /// More sites than this are no lab.
  package static let maximumProvinceCount = 200

  /// Picks the ports: free now, and each only once.
  /// - Parameter relayed: provinces that get a relay.
  package init(
    centre: SiteID, provinces: [SiteID], relayed: [SiteID]
  ) throws(CommandFailure) {
    let all = [centre] + provinces
    guard (1...Self.maximumProvinceCount).contains(provinces.count) else {
      throw usageFailure(
        vi: "--provinces: cần 1 đến \(Self.maximumProvinceCount) tỉnh",
        en: "--provinces: 1 to \(Self.maximumProvinceCount) are needed")
    }
    for (index, site) in all.enumerated() where all[..<index].contains(site) {
      throw usageFailure(vi: "\(site) đứng hai lần", en: "\(site) stands twice")
    }
    for site in relayed where !provinces.contains(site) {
      throw usageFailure(
        vi: "--relay \(site): không có trong --provinces",
        en: "--relay \(site): not one of --provinces")
    }
    var ports = try freePorts(1 + all.count + relayed.count)[...]
    linkPort = ports.removeFirst()
    var planned: [Site] = []
    for (index, site) in all.enumerated() {
      let known = Self.known[site.description]
      planned.append(
        Site(
          id: site, tier: index == 0 ? .centre : .province,
          name: known?.name ?? site.description,
          organ: known?.organ ?? (index == 0 ? "A99.00" : "A99.X\(index < 10 ? "0" : "")\(index)"),
          predecessors: known?.predecessors ?? [], generation: known?.generation ?? 1,
          monitoringPort: ports.removeFirst(),
          relayPort: relayed.contains(site) ? ports.removeFirst() : nil))
    }
    self.centre = planned[0]
    self.provinces = Array(planned.dropFirst())
  }

  /// The sites of the sample records, whose organs the records name.
  private static let known: [String: Known] = [
    "trung-uong": Known(name: "Trung ương", organ: "A99.00"),
    "lang-son": Known(name: "Lạng Sơn", organ: "A99.P20"),
    "nghe-an": Known(name: "Nghệ An", organ: "A99.P40"),
    "ha-giang": Known(name: "Hà Giang", organ: "A99.P02"),
    "tuyen-quang-2025": Known(
      name: "Tuyên Quang", organ: "A99.N08", generation: 2, predecessors: ["A99.P02"]),
  ]

  private struct Known {
    let name: String
    let organ: String
    var generation: Int64 = 1
    /// Organs that were merged into this one.
    var predecessors: [String] = []
  }
}

/// Holds a port while others are chosen.
private final class HeldPort {
  let socket: FileDescriptor
  let port: UInt16

  init() throws(TransportError) {
    let socket = try Socket.listen(on: .ipv4(host: 0x7F00_0001, port: 0))
    port = try Socket.localAddress(of: socket.number).port ?? 0
    self.socket = socket
  }
}

/// `count` different ports on loopback that nobody uses at this moment.
private func freePorts(_ count: Int) throws(CommandFailure) -> [UInt16] {
  var held: [HeldPort] = []
  do throws(TransportError) {
    for _ in 0..<count { held.append(try HeldPort()) }
  } catch {
    throw CommandFailure(.failed, "127.0.0.1: \(error)", hint: error.hint)
  }
  return held.map(\.port)
}
