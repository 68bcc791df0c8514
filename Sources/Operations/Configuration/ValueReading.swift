import Replication

/// Why a value was not taken.
enum ValueFault: Error {
  /// Not of the form described.
  case malformed(expected: String)
  case outOfRange(least: String, most: String)
}

extension ValueType {
  /// Longest path Linux opens, without the closing zero.
  static let maximumPathByteCount = 4095
  static let maximumNameByteCount = 64

  /// The value of `text`; a relative path is taken from `directory`.
  func read(_ text: String, directory: String) throws(ValueFault) -> ConfigurationValue {
    let value: ConfigurationValue? =
      switch self {
      case .site: SiteID(text).map { .site($0) }
      case .tier: SiteTier(rawValue: text).map { .tier($0) }
      case .language: Language(rawValue: text).map { .language($0) }
      case .path: Self.path(text, against: directory).map { .text($0) }
      case .address: HostPort(text).map { .address($0) }
      case .host: Self.isHost(text) ? .text(text) : nil
      case .pin: KeyPin(text).map { .pin($0) }
      case .name: Self.isName(text) ? .text(text) : nil
      case .logFormat: LogFormat(rawValue: text).map { .logFormat($0) }
      case .logLevel: LogLevel(name: text).map { .logLevel($0) }
      case .size(let range): try Self.bounded(Units.byteCount(text), range).map { .size($0) }
      case .duration(let range): try Self.bounded(Units.duration(text), range).map { .duration($0) }
      case .count(let range): try Self.bounded(Int(decimal: text.utf8), range).map { .count($0) }
      }
    guard let value else { throw .malformed(expected: expected) }
    return value
  }

  /// What a valid value looks like, by example: the same in both languages.
  var expected: String {
    switch self {
    case .site: "[a-z0-9-]{1,32}"
    case .tier: SiteTier.allCases.map(\.rawValue).joined(separator: " | ")
    case .language: Language.allCases.map(\.rawValue).joined(separator: " | ")
    case .path: "/path"
    case .address: "10.1.0.5:7443 | host:7443 | [2001:db8::5]:7443"
    case .host: "host.name"
    case .pin: "sha256:<64 hex 0-9 a-f>"
    case .name: "[A-Za-z0-9._-]{1,64}"
    case .logFormat: LogFormat.allCases.map(\.rawValue).joined(separator: " | ")
    case .logLevel: LogLevel.allCases.map(\.description).joined(separator: " | ")
    case .size: "512K | 4M | 1G"
    case .duration: "500ms | 15s | 5m | 12h | 1d"
    case .count: "1 2 3 ..."
    }
  }

  private static func bounded<Value: Comparable>(
    _ value: Value?, _ range: ClosedRange<Value>
  ) throws(ValueFault) -> Value? {
    guard let value else { return nil }
    guard range.contains(value) else {
      throw .outOfRange(least: text(range.lowerBound), most: text(range.upperBound))
    }
    return value
  }

  private static func text<Value>(_ bound: Value) -> String {
    switch bound {
    case let duration as Duration: Units.text(duration)
    case let size as UInt64: Units.text(byteCount: size)
    default: "\(bound)"
    }
  }

  /// As it is shown and read back: absolute, and not ending in the mark that joins two lines.
  private static func path(_ text: String, against directory: String) -> String? {
    let path = Paths.resolve(text, against: directory)
    let isReadable = path.utf8.count <= maximumPathByteCount && path.utf8.last != UInt8(ascii: "\\")
    return isReadable ? path : nil
  }

  private static func isHost(_ text: String) -> Bool {
    (1...HostPort.maximumHostByteCount).contains(text.utf8.count)
      && text.utf8.allSatisfy(HostPort.isNameByte)
  }

  private static func isName(_ text: String) -> Bool {
    (1...maximumNameByteCount).contains(text.utf8.count)
      && text.utf8.allSatisfy(HostPort.isNameByte)
  }
}
