import Cryptography
import Replication

/// What a link's connection asks of the daemon around it. All on the reactor's thread.
protocol LinkHost: AnyObject {
  /// The peer's certificate is good: may this site link, and with this key?
  func admit(_ identity: PeerIdentity, _ link: LinkDriver) -> Refuse?
  /// Answered by ``LinkDriver/open(_:)``.
  func requestOpening(_ link: LinkDriver, peer: SiteID)
  /// Answered by ``LinkDriver/advance(_:)``.
  func perform(_ request: SessionRequest, _ link: LinkDriver, peer: SiteID)
  func perform(_ write: LinkWrite, _ link: LinkDriver, peer: SiteID)
  func noted(_ event: SessionEvent, _ link: LinkDriver)
  func counted(_ message: Message, byteCount: Int, isSent: Bool, _ link: LinkDriver)
  /// TLS failed: whose fault and why. The connection ends.
  func failed(_ failure: TLSFailure, _ link: LinkDriver)
  /// The last word; nothing follows.
  func ended(_ closure: LinkClosure, _ link: LinkDriver)
}
