extension FieldFormat {
  func matches(_ text: Text) -> Bool {
    let bytes = text.bytes
    return switch self {
    case .uniqueID: UniqueID(spelling: text) != nil
    case .site: SiteID(text) != nil
    case .date: CalendarDate(text) != nil
    case .month: CalendarDate.isMonth(text)
    case .instant: WallTime(text) != nil
    case .digest: Digest(tagged: text) != nil
    case .hexDigest: Digest(text, after: Self.noTag) != nil
    case .pin: Digest(text, after: Self.pinTag) != nil
    case .documentID: Self.isDocumentID(bytes)
    case .decimal: Self.isDecimal(bytes)
    case .base64: !bytes.isEmpty && Base64.isEncoded(bytes.array)
    case .digits(let low, let high): (low...high).contains(bytes.count) && Self.areDigits(bytes)
    }
  }

  private static let noTag: Text = ""
  private static let pinTag: Text = "sha256:"

  /// `organId,YYYY/MM/DD,number-and-symbol`; the organ code is opaque (domain.md section 3.1).
  /// Short enough for a ``UniqueKey``.
  private static func isDocumentID(_ bytes: Text.Bytes) -> Bool {
    bytes.withBorrowed { bytes, range in
      guard range.count <= 256 else { return false }
      var commas: (first: Int, last: Int)?
      for index in range {
        let byte = bytes[index]
        guard byte >= 0x20, byte != 0x7F else { return false }
        if byte == UInt8(ascii: ",") { commas = (commas?.first ?? index, index) }
      }
      guard let commas, commas.first > range.lowerBound, commas.last > commas.first,
        commas.last + 1 < range.upperBound
      else { return false }
      let day = commas.first + 1..<commas.last
      return CalendarDate(bytes, in: day, separator: UInt8(ascii: "/")) != nil
    }
  }

  /// A rate as text, for it must not become a float: up to 3 digits, perhaps a point and up to 4.
  private static func isDecimal(_ bytes: Text.Bytes) -> Bool {
    let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return (1...2).contains(parts.count) && (1...3).contains(parts[0].count)
      && parts.allSatisfy { (1...4).contains($0.count) && areDigits($0) }
  }

  private static func areDigits(_ bytes: some Sequence<UInt8>) -> Bool {
    bytes.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
  }
}
