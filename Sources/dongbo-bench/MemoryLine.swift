import Cryptography
import Replication
import Transport

/// Certificates of two sites that trust each other, made for one measurement.
struct LineEnds: Sendable {
  private let client: TLSContext
  private let server: TLSContext

  init() throws(BenchFailure) {
    do throws(CryptographyError) {
      let now = Int64(WallClock.now().microseconds / 1_000_000)
      let validity = Validity(notBefore: now - 60, notAfter: now + 3_600)
      let authorityKey = try SigningKey.generate(.p384)
      let authority = try CertificateAuthority(
        name: "dongbo limits", key: authorityKey, validity: validity)
      func context(_ site: SiteID) throws(CryptographyError) -> TLSContext {
        let key = try SigningKey.generate()
        return try TLSContext(
          chainPEM: authority.issue(
            for: site, publicKeyInfo: key.publicKeyInfo, validity: validity),
          key: key, authorityPEM: authority.certificatePEM)
      }
      client = try context(Workload.owner)
      server = try context(Workload.centre)
    } catch {
      throw BenchFailure("TLS: \(error)")
    }
  }

  func connection(_ role: TLSConnection.Role) throws(BenchFailure) -> TLSConnection {
    do throws(CryptographyError) {
      return try TLSConnection(context: role == .client ? client : server, role: role)
    } catch {
      throw BenchFailure("TLS: \(error)")
    }
  }
}

/// Both ends of a link's TLS session in one thread, joined in memory: what encryption costs without
/// a socket.
struct MemoryLine {
  private let client: TLSConnection
  private let server: TLSConnection

  init() throws(BenchFailure) {
    let ends = try LineEnds()
    client = try ends.connection(.client)
    server = try ends.connection(.server)
    for _ in 0..<8 {
      Self.carry(client, server)
      Self.carry(server, client)
    }
    guard case .established = client.state, case .established = server.state else {
      throw BenchFailure("TLS: \(client.state), \(server.state)")
    }
  }

  func rate(of pieces: [[UInt8]]) -> Double {
    let byteCount = pieces.reduce(0) { $0 + $1.count }
    return LimitsRun.rate(byteCount) {
      var arrived: [UInt8] = []
      for piece in pieces {
        let taken = client.write(piece.span)
        Self.carry(client, server)
        arrived.removeAll(keepingCapacity: true)
        let count = server.readPlaintext(appendingTo: &arrived, limit: piece.count)
        precondition(taken == piece.count && count == piece.count, "\(count) of \(piece.count)")
      }
    }
  }

  private static func carry(_ from: TLSConnection, _ to: TLSConnection) {
    to.receive(from.takeCiphertext()[...])
  }
}
