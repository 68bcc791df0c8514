/// Bounds of one HTTP message. Those of the head are fixed; the body's comes from the caller.
package enum HTTPLimits {
  /// The request or status line, without its line end.
  package static let requestLineByteCount = 4 * 1024
  /// Request line and fields with their line ends; trailers get the same again.
  package static let headByteCount = 16 * 1024
  package static let fieldCount = 64
  package static let queryItemCount = 64
  package static let pathSegmentCount = 32
  /// Body of a request where a route says nothing else.
  package static let bodyByteCount = 1024 * 1024
  /// Hexadecimal digits of a chunk's size: more than any limit of ours needs, and no overflow.
  static let chunkSizeDigitCount = 8
}
