import Cryptography
import Operations
import Replication

#if canImport(Glibc)
  import Glibc
#endif

/// What a site's key and certificate files hold, read together.
struct SiteFiles {
  static let maximumFileByteCount = 1 << 20

  let key: SigningKey
  let tls: TLSContext
  let certificate: CertificateInfo
  let formerKeys: [SigningKey]
  /// nil: this site verifies no signatures of records.
  let recordTrust: RecordTrust?

  init(_ configuration: SiteConfiguration) throws(StartError) {
    let (link, site) = (configuration.link, configuration.site.id)
    recordTrust = try Self.readTrust(configuration.records)
    let keyPEM = try Self.read(link.keyFile)
    let chainPEM = try Self.read(link.certificateFile)
    let authorityPEM = try Self.read(link.authorityFile)
    var revocationPEM: [UInt8]?
    if let path = link.revocationFile { revocationPEM = try Self.read(path) }
    var formerPEM: [[UInt8]] = []
    for path in link.formerKeyFiles { formerPEM.append(try Self.read(path)) }
    do throws(CryptographyError) {
      var former: [SigningKey] = []
      for pem in formerPEM { former.append(try SigningKey(pem: pem)) }
      formerKeys = former
      key = try SigningKey(pem: keyPEM)
      certificate = try CertificateInfo(pem: chainPEM)
      tls = try TLSContext(
        chainPEM: chainPEM, key: key, authorityPEM: authorityPEM,
        revocationListPEM: revocationPEM)
    } catch {
      throw .cryptography(error)
    }
    guard certificate.site == site else {
      throw .certificateOfAnotherSite(
        found: certificate.site?.description ?? "no site", configured: site)
    }
  }

  private static func readTrust(
    _ records: SiteConfiguration.Records
  ) throws(StartError) -> RecordTrust? {
    guard let path = records.authorityFile else { return nil }
    let anchors = try read(path)
    var lists: [UInt8]?
    if let path = records.revocationFile { lists = try read(path) }
    var timestampAnchors: [UInt8]?
    if let path = records.timestampAuthorityFile { timestampAnchors = try read(path) }
    do throws(CryptographyError) {
      return try RecordTrust(
        anchorPEM: anchors, revocationListPEM: lists, timestampAnchorPEM: timestampAnchors)
    } catch {
      throw .cryptography(error)
    }
  }

  static func read(_ path: String) throws(StartError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unreadable(path, errno: errno) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 * 1024)
    while bytes.count <= maximumFileByteCount {
      let count = Glibc.read(descriptor, &piece, piece.count)
      if count == 0 { return bytes }
      guard count > 0 else {
        if errno == EINTR { continue }
        throw .unreadable(path, errno: errno)
      }
      bytes += piece[..<count]
    }
    throw .unreadable(path, errno: EFBIG)
  }
}
