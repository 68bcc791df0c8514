/// A two-way stream of bytes on the reactor: a ``Connection``, or what the daemon puts around one
/// (TLS). Confined to the thread of its loop.
package protocol ByteChannel: AnyObject {
  /// Told of everything that happens, in order. Nothing follows `.closed`.
  var onEvent: ((ChannelEvent) -> Void)? { get set }
  /// Queues bytes for sending, or refuses them as a whole.
  func send(_ bytes: [UInt8]) -> SendResult
  /// Number of bytes that wait. When some wait after a `send`, `.drained` follows.
  var queuedByteCount: Int { get }
  /// Takes no more input, sends what is queued, then closes.
  func finish()
  /// Closes at once; what is queued is lost. Reports nothing.
  func close()
  /// While true nothing is read, so the kernel holds the sender back.
  var isReadingPaused: Bool { get set }
}

/// What happened to a channel.
package enum ChannelEvent: Hashable, Sendable {
  /// A connection begun by this end is up. Comes first, and only on such a connection.
  case connected
  case received([UInt8])
  /// Output had to wait, and the kernel has now taken it, or all but little.
  case drained
  /// The end, whoever caused it, except by `close()`.
  case closed(ChannelEnd)
}

/// Why a channel ended.
package enum ChannelEnd: Hashable, Sendable {
  /// The peer ended the stream or reset it.
  case byPeer
  /// `finish()` has done its work.
  case finished
  case failed(TransportError)
}

/// What became of a call of `send`.
package enum SendResult: Hashable, Sendable {
  case queued
  /// The bytes do not fit under the bound: a slow peer. Nothing was taken; the caller decides.
  case overLimit
  /// The channel is finishing or closed; nothing was taken.
  case closed
}
