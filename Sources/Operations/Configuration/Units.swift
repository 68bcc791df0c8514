package import Replication

/// `host:port`, `[v6]:port` or a bare `host:port` name; the host is not resolved here.
package struct HostPort: Hashable, Sendable, CustomStringConvertible {
  /// 253 is the longest DNS name.
  package static let maximumHostByteCount = 253
  package let host: String
  package let port: UInt16

  /// - Returns: nil unless `text` is a name, an IPv4 address or a bracketed IPv6 address, a colon
  ///   and a port from 1 to 65535.
  package init?(_ text: String) {
    let bytes = Array(text.utf8)
    guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")),
      let port = UInt16(decimal: bytes[(colon + 1)...]), port > 0
    else { return nil }
    var host = bytes[..<colon]
    if host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]") {
      host = host.dropFirst().dropLast()
      guard host.contains(UInt8(ascii: ":")), host.allSatisfy(Self.isAddressByte) else {
        return nil
      }
    } else {
      guard host.allSatisfy(Self.isNameByte) else { return nil }
    }
    guard (1...Self.maximumHostByteCount).contains(host.count) else { return nil }
    self.host = String(decoding: host, as: UTF8.self)
    self.port = port
  }

  /// The text that reads back to the same; an IPv6 address in brackets.
  package var description: String {
    host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
  }

  /// Whether `byte` may stand in a host name or an IPv4 address.
  static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
      UInt8(ascii: "_"):
      true
    default: false
    }
  }

  private static func isAddressByte(_ byte: UInt8) -> Bool {
    isNameByte(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "%")
  }
}

/// SHA-256 of a link key's public half: `sha256:` and 64 lower-case hex digits.
package struct KeyPin: Hashable, Sendable, CustomStringConvertible {
  /// Names the hash, so that another one can follow.
  package static let prefix = "sha256:"
  package let digest: Digest

  package init(_ digest: Digest) { self.digest = digest }

  /// - Returns: nil unless `text` is `sha256:` and 64 lower-case hex digits.
  package init?(_ text: String) {
    guard text.hasPrefix(Self.prefix), text.utf8.count == Self.prefix.utf8.count + 64,
      let bytes = hexBytes(text.dropFirst(Self.prefix.count)), let raw = Bytes32(bytes)
    else { return nil }
    digest = Digest(raw)
  }

  package var description: String { Self.prefix + digest.description }
}

extension FixedWidthInteger {
  /// - Returns: nil unless `bytes` are decimal digits and nothing else, and the number fits.
  init?(decimal bytes: some Collection<UInt8>) {
    guard !bytes.isEmpty, bytes.allSatisfy(isDigit) else { return nil }
    self.init(String(decoding: bytes, as: UTF8.self))
  }
}

/// Whether `byte` is an ASCII decimal digit.
func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

/// Sizes and times as systemd writes them.
package enum Units {
  /// Units multiply by 1024 as in systemd: `512`, `8K`, `4M`, `1G`, `2T`.
  ///
  /// - Returns: nil for anything else, and above 2^64 - 1.
  package static func byteCount(_ text: String) -> UInt64? {
    var digits = Array(text.utf8)
    var factor: UInt64 = 1
    if let last = digits.last, let shift = sizeShifts.first(where: { $0.letter == last })?.shift {
      factor = 1 << shift
      digits.removeLast()
    }
    guard let count = UInt64(decimal: digits) else { return nil }
    let (product, overflow) = count.multipliedReportingOverflow(by: factor)
    return overflow ? nil : product
  }

  /// The shortest text that `byteCount` reads back to the same number.
  package static func text(byteCount: UInt64) -> String {
    for (letter, shift) in sizeShifts.reversed()
    where byteCount > 0 && byteCount % (1 << shift) == 0 {
      return "\(byteCount >> shift)\(String(decoding: [letter], as: UTF8.self))"
    }
    return "\(byteCount)"
  }

  private static let sizeShifts: [(letter: UInt8, shift: UInt64)] = [
    (UInt8(ascii: "K"), 10), (UInt8(ascii: "M"), 20), (UInt8(ascii: "G"), 30),
    (UInt8(ascii: "T"), 40),
  ]

  /// A sum of parts as `1h 30m` or `1h30m`, units ms, s, m (min), h, d; a bare number is seconds.
  ///
  /// - Returns: nil for anything else, and above `maximumDuration`.
  package static func duration(_ text: String) -> Duration? {
    var rest = Array(text.utf8)[...]
    var milliseconds: Int64 = 0
    while true {
      rest = rest.drop { $0 == UInt8(ascii: " ") }
      let digits = rest.prefix(while: isDigit)
      rest = rest.dropFirst(digits.count)
      let letters = rest.prefix { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
      rest = rest.dropFirst(letters.count)
      let unit = String(decoding: letters, as: UTF8.self)
      guard let count = Int64(decimal: digits),
        let factor = timeUnits.first(where: { $0.name == (unit.isEmpty ? "s" : unit) })?.factor
      else { return nil }
      let (product, overflow) = count.multipliedReportingOverflow(by: factor)
      let (sum, carry) = milliseconds.addingReportingOverflow(product)
      guard !overflow, !carry, sum <= maximumMilliseconds else { return nil }
      milliseconds = sum
      if rest.isEmpty { return .milliseconds(milliseconds) }
    }
  }

  /// The text of a duration in its largest exact unit; below a millisecond is cut off.
  package static func text(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
    for (name, factor) in timeUnits.reversed()
    where name != "min" && milliseconds > 0 && milliseconds % factor == 0 {
      return "\(milliseconds / factor)\(name)"
    }
    return milliseconds == 0 ? "0s" : "\(milliseconds)ms"
  }

  /// A hundred years: no limit of ours is longer, and nanoseconds of it still fit 63 bits.
  private static let maximumMilliseconds: Int64 = 100 * 365 * 86_400_000

  private static let timeUnits: [(name: String, factor: Int64)] = [
    ("ms", 1), ("s", 1000), ("m", 60_000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000),
  ]
}

/// Lexical path arithmetic; symbolic links are not followed.
package enum Paths {
  /// `path` made absolute against `directory`, without `.`, `..` and double slashes.
  package static func resolve(_ path: String, against directory: String) -> String {
    let absolute = path.hasPrefix("/") ? path : directory + "/" + path
    var parts: [Substring] = []
    for part in absolute.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// The directory part of an absolute path.
  package static func directory(of path: String) -> String { resolve("..", against: path) }

  /// Whether the absolute `path` is `directory` or lies below it.
  package static func isInside(_ path: String, _ directory: String) -> Bool {
    let inner = resolve(path, against: "/")
    let outer = resolve(directory, against: "/")
    return inner == outer || outer == "/" || inner.hasPrefix(outer + "/")
  }
}
