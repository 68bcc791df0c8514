/// A day of the Gregorian calendar: what legal dates and deadlines are compared by.
package struct CalendarDate: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Days since 1970-01-01.
  package let dayNumber: Int

  package init(dayNumber: Int) { self.dayNumber = dayNumber }

  /// - Returns: nil unless `text` is an existing day as `YYYY-MM-DD`, years 1900 to 2999.
  package init?(_ text: Text) {
    let date = text.bytes.withBorrowed { CalendarDate($0, in: $1, separator: UInt8(ascii: "-")) }
    guard let date else { return nil }
    self = date
  }

  /// - Parameter separator: `-`, or `/` inside document ids.
  init?(_ bytes: BorrowedBytes, in range: Range<Int>, separator: UInt8) {
    let start = range.lowerBound
    guard range.count == 10, bytes[start + 4] == separator, bytes[start + 7] == separator,
      let year = decimal(bytes, start..<start + 4),
      let month = decimal(bytes, start + 5..<start + 7),
      let day = decimal(bytes, start + 8..<start + 10)
    else { return nil }
    self.init(year: year, month: month, day: day)
  }

  /// Whether `text` is a month as `YYYY-MM`, in the same years.
  static func isMonth(_ text: Text) -> Bool {
    text.bytes.withBorrowed { bytes, range in
      let start = range.lowerBound
      guard range.count == 7, bytes[start + 4] == UInt8(ascii: "-"),
        let year = decimal(bytes, start..<start + 4),
        let month = decimal(bytes, start + 5..<start + 7)
      else { return false }
      return CalendarDate(year: year, month: month, day: 1) != nil
    }
  }

  /// - Returns: nil unless the day exists, in the years 1900 to 2999.
  init?(year: Int, month: Int, day: Int) {
    guard (1900...2999).contains(year), (1...12).contains(month),
      (1...Self.dayCount(month: month, year: year)).contains(day)
    else { return nil }
    dayNumber = Self.dayNumber(year: year, month: month, day: day)
  }

  /// The day on which `instant` falls in Viet Nam: UTC+7 all year (domain.md section 7).
  package init(localDayOf instant: WallTime) {
    let shifted = instant.microseconds / 1_000_000 + 7 * 3_600
    dayNumber = Int(shifted / 86_400)
  }

  package static func < (left: Self, right: Self) -> Bool { left.dayNumber < right.dayNumber }

  package var description: String {
    // Civil-from-days over eras of 400 years that start on 1 March of year 0.
    let shifted = dayNumber + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return "\(year)-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)"
  }

  private static func dayCount(month: Int, year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  private static func dayNumber(year: Int, month: Int, day: Int) -> Int {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = shiftedYear / 400
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }
}

extension WallTime {
  /// - Returns: nil unless `text` is `YYYY-MM-DDThh:mm:ss[.f]Z` from 1970 on, with 1 to 6 digits of
  ///   fraction. There is no leap second.
  package init?(_ text: Text) {
    let instant = text.bytes.withBorrowed { WallTime($0, in: $1) }
    guard let instant else { return nil }
    self = instant
  }

  private init?(_ bytes: BorrowedBytes, in range: Range<Int>) {
    let (start, end) = (range.lowerBound, range.upperBound)
    guard range.count >= 20, range.count <= 27, bytes[end - 1] == UInt8(ascii: "Z"),
      bytes[start + 10] == UInt8(ascii: "T"), bytes[start + 13] == UInt8(ascii: ":"),
      bytes[start + 16] == UInt8(ascii: ":"),
      let day = CalendarDate(bytes, in: start..<start + 10, separator: UInt8(ascii: "-")),
      day.dayNumber >= 0,
      let hour = decimal(bytes, start + 11..<start + 13), hour < 24,
      let minute = decimal(bytes, start + 14..<start + 16), minute < 60,
      let second = decimal(bytes, start + 17..<start + 19), second < 60
    else { return nil }
    var fraction = 0
    if range.count > 20 {
      let digits = start + 20..<end - 1
      guard bytes[start + 19] == UInt8(ascii: "."), var value = decimal(bytes, digits) else {
        return nil
      }
      for _ in digits.count..<6 { value *= 10 }
      fraction = value
    }
    let seconds = day.dayNumber * 86_400 + hour * 3_600 + minute * 60 + second
    self.init(microseconds: UInt64(seconds * 1_000_000 + fraction))
  }
}

/// The number that the 1 to 9 decimal digits in `range` spell; nil for anything else.
private func decimal(_ bytes: BorrowedBytes, _ range: Range<Int>) -> Int? {
  guard (1...9).contains(range.count) else { return nil }
  var value = 0
  for index in range {
    let digit = bytes[index] &- UInt8(ascii: "0")
    guard digit <= 9 else { return nil }
    value = value &* 10 &+ Int(digit)
  }
  return value
}
