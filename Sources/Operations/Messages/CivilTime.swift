package import Replication

/// Calendar fields of a moment, proleptic Gregorian, without leap seconds. Pure arithmetic.
package struct CivilTime: Hashable, Sendable {
  package let year: Int
  package let month: Int
  package let day: Int
  package let hour: Int
  package let minute: Int
  package let second: Int
  package let microsecond: Int

  /// Seconds from UTC to Asia/Ho_Chi_Minh, the same all year.
  package static let vietnamOffset: Int64 = 7 * 3600
  /// The latest time shown: the last microsecond of the year 9999. Later ones show as this.
  package static let maximum = WallTime(microseconds: 253_402_300_799_999_999)

  /// The fields of `time` in UTC plus `offset` seconds.
  package init(_ time: WallTime, offset: Int64 = 0) {
    let clamped = min(time, Self.maximum).microseconds
    let seconds = Int64(clamped / 1_000_000) + offset
    let days = seconds.flooredDivision(by: 86_400)
    let ofDay = Int(seconds - days * 86_400)
    (year, month, day) = Self.civil(days: Int(days))
    hour = ofDay / 3600
    minute = ofDay % 3600 / 60
    second = ofDay % 60
    microsecond = Int(clamped % 1_000_000)
  }

  /// Year, month and day of a number of days since 1970-01-01. Years count from March here, so
  /// that the leap day ends them; 400 of them have 146,097 days.
  package static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468
    let era = shifted.flooredDivision(by: 146_097)
    let ofEra = shifted - era * 146_097
    let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
    let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * ofYear + 2) / 153
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, ofYear - (153 * marchMonth + 2) / 5 + 1)
  }

  /// Days since 1970-01-01; the inverse of `civil(days:)`.
  package static func days(year: Int, month: Int, day: Int) -> Int {
    let marchYear = month <= 2 ? year - 1 : year
    let era = marchYear.flooredDivision(by: 400)
    let yearOfEra = marchYear - era * 400
    let ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + ofYear - 719_468
  }
}

extension WallTime {
  /// RFC 3339 in UTC with six digits of a second: what machines read.
  package var rfc3339: String {
    let civil = CivilTime(self)
    return "\(padded(civil.year, 4))-\(padded(civil.month, 2))-\(padded(civil.day, 2))"
      + "T\(padded(civil.hour, 2)):\(padded(civil.minute, 2)):\(padded(civil.second, 2))"
      + ".\(padded(civil.microsecond, 6))Z"
  }

  /// dd/MM/yyyy in Viet Nam: what people read.
  package var localDate: String {
    let civil = CivilTime(self, offset: CivilTime.vietnamOffset)
    return "\(padded(civil.day, 2))/\(padded(civil.month, 2))/\(padded(civil.year, 4))"
  }

  /// dd/MM/yyyy HH:mm in Viet Nam.
  package var localText: String {
    let civil = CivilTime(self, offset: CivilTime.vietnamOffset)
    return "\(localDate) \(padded(civil.hour, 2)):\(padded(civil.minute, 2))"
  }

  /// Reads RFC 3339: `T` and `Z` in capitals or an offset `+hh:mm`, up to six digits of a second.
  ///
  /// - Returns: nil for anything else, for dates that do not exist, and before 1970.
  package init?(rfc3339 text: some StringProtocol) {
    let bytes = Array(text.utf8)
    let marks: [(Int, UInt8)] = [
      (4, UInt8(ascii: "-")), (7, UInt8(ascii: "-")), (10, UInt8(ascii: "T")),
      (13, UInt8(ascii: ":")), (16, UInt8(ascii: ":")),
    ]
    guard bytes.count >= 20, bytes.count <= 32, marks.allSatisfy({ bytes[$0.0] == $0.1 }),
      let year = Int(decimal: bytes[0..<4]), let month = Int(decimal: bytes[5..<7]),
      let day = Int(decimal: bytes[8..<10]), let hour = Int(decimal: bytes[11..<13]),
      let minute = Int(decimal: bytes[14..<16]), let second = Int(decimal: bytes[17..<19]),
      (1...12).contains(month), hour < 24, minute < 60, second < 60
    else { return nil }
    let days = CivilTime.days(year: year, month: month, day: day)
    guard CivilTime.civil(days: days) == (year, month, day),
      let (microseconds, zone) = Self.fraction(bytes[19...]),
      let offset = Self.offset(zone)
    else { return nil }
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
    guard seconds >= 0 else { return nil }
    self.init(microseconds: UInt64(seconds) * 1_000_000 + microseconds)
  }

  private static func fraction(_ bytes: ArraySlice<UInt8>) -> (UInt64, ArraySlice<UInt8>)? {
    guard bytes.first == UInt8(ascii: ".") else { return (0, bytes) }
    let digits = bytes.dropFirst().prefix(while: isDigit)
    guard (1...6).contains(digits.count), let value = UInt64(decimal: digits) else { return nil }
    let scale = (digits.count..<6).reduce(UInt64(1)) { product, _ in product * 10 }
    return (value * scale, bytes.dropFirst(1 + digits.count))
  }

  private static func offset(_ zone: ArraySlice<UInt8>) -> Int? {
    let bytes = Array(zone)
    if bytes == [UInt8(ascii: "Z")] { return 0 }
    guard bytes.count == 6, bytes[3] == UInt8(ascii: ":"),
      bytes[0] == UInt8(ascii: "+") || bytes[0] == UInt8(ascii: "-"),
      let hours = Int(decimal: bytes[1..<3]), let minutes = Int(decimal: bytes[4..<6]),
      hours < 24, minutes < 60
    else { return nil }
    return (bytes[0] == UInt8(ascii: "-") ? -1 : 1) * (hours * 3600 + minutes * 60)
  }
}

/// An age in its two largest units: `12s`, `4m`, `3h12m`, `61d`.
package func ageText(_ age: Duration) -> String {
  let seconds = max(0, age.components.seconds)
  switch seconds {
  case ..<60: return "\(seconds)s"
  case ..<3600: return "\(seconds / 60)m"
  case ..<86_400:
    let minutes = seconds % 3600 / 60
    return minutes == 0 ? "\(seconds / 3600)h" : "\(seconds / 3600)h\(padded(Int(minutes), 2))m"
  default: return "\(seconds / 86_400)d"
  }
}

private func padded(_ value: Int, _ width: Int) -> String {
  let digits = "\(value)"
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}

extension BinaryInteger {
  /// Division that rounds towards minus infinity; `divisor` is positive.
  fileprivate func flooredDivision(by divisor: Self) -> Self {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }
}
