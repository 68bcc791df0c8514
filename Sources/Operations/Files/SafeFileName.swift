/// A name under which a file of a record may be written into a directory of the user.
///
/// A name from the wire is data: it may hold separators, control characters, marks that turn the
/// reading direction, or be kilobytes long. What is made of it names one file in one directory,
/// shows what it is, and is as near to the name as that allows.
package struct SafeFileName: Hashable, Sendable, CustomStringConvertible {
  /// Room for the number that keeps names apart, within the 255 bytes of common file systems.
  package static let maximumByteCount = 200
  /// A longer ending is no extension.
  static let maximumExtensionByteCount = 16

  /// Valid UTF-8, 1 to 255 bytes.
  package let text: String
  package var description: String { text }

  private init(text: String) { self.text = text }

  /// Safe names for the files of one record, in their order, no two of which any common file
  /// system takes for the same.
  /// - Parameter wireNames: as the record gives them; the first of equal ones keeps its name.
  package static func names(for wireNames: [String]) -> [SafeFileName] {
    var taken: Set<String> = []
    var numbers: [String: Int] = [:]
    return wireNames.enumerated().map { index, wireName in
      let cleaned = clean(wireName, index: index)
      var name = cleaned
      var number = numbers[folded(cleaned), default: 1]
      while !taken.insert(folded(name)).inserted {
        number += 1
        let (stem, ending) = divided(cleaned)
        name = "\(stem)-\(number)\(ending)"
      }
      numbers[folded(cleaned)] = number
      return SafeFileName(text: name)
    }
  }

  /// Case is no difference on some file systems. `String` compares composed and decomposed letters
  /// as equal, as some file systems do.
  private static func folded(_ name: String) -> String { name.lowercased() }

  private static func clean(_ wireName: String, index: Int) -> String {
    var scalars = String.UnicodeScalarView()
    // No more than can stay: the rest of a long name is not even looked at, except its ending.
    for scalar in bounded(wireName).unicodeScalars where !isHidden(scalar) {
      scalars.append(isSpecial(scalar) ? "_" : scalar)
    }
    // Shells, `ls` and Windows: no hidden file, no option, no end that is cut off.
    while let first = scalars.first, first == "." || first == " " { scalars.removeFirst() }
    while let last = scalars.last, last == "." || last == " " { scalars.removeLast() }
    if scalars.first == "-" || scalars.first == "~" { scalars.insert("_", at: scalars.startIndex) }
    var name = shortened(String(scalars), to: maximumByteCount)
    if name.isEmpty { name = "file-\(index + 1)" }
    return isReserved(name) ? "_\(name)" : name
  }

  /// Start and ending of a long name, so that its length costs nothing.
  private static func bounded(_ wireName: String) -> String {
    let bytes = wireName.utf8
    let limit = 4 * maximumByteCount
    guard bytes.count > limit else { return wireName }
    let end = String(decoding: Array(bytes.suffix(maximumExtensionByteCount)), as: UTF8.self)
    let start = String(decoding: Array(bytes.prefix(limit)), as: UTF8.self)
    guard let dot = end.unicodeScalars.lastIndex(of: ".") else { return start }
    return start + end[dot...]
  }

  /// Separators of any system, and what Windows or a shell reads otherwise.
  private static func isSpecial(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "/", "\\", ":", "*", "?", "\"", "<", ">", "|", "\u{FFFD}": true
    default: false
    }
  }

  /// Devices of Windows, whatever their extension.
  private static func isReserved(_ name: String) -> Bool {
    let stem = name.prefix { $0 != "." }.lowercased()
    switch stem {
    case "con", "prn", "aux", "nul": return true
    default:
      let digits: Set<Character> = [
        "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "\u{B9}", "\u{B2}", "\u{B3}",
      ]
      return stem.count == 4 && (stem.hasPrefix("com") || stem.hasPrefix("lpt"))
        && stem.last.map(digits.contains) ?? false
    }
  }

  /// The name before its extension, and the extension with its dot; empty when it has none.
  private static func divided(_ name: String) -> (stem: String, ending: String) {
    guard let dot = name.unicodeScalars.lastIndex(of: "."), dot != name.startIndex,
      name[dot...].utf8.count <= maximumExtensionByteCount, !name[dot...].contains(" ")
    else { return (name, "") }
    return (String(name[..<dot]), String(name[dot...]))
  }

  /// Cuts between scalars, since one character can be of any length.
  private static func shortened(_ name: String, to limit: Int) -> String {
    guard name.utf8.count > limit else { return name }
    let (stem, ending) = divided(name)
    var scalars = String.UnicodeScalarView()
    var room = limit - ending.utf8.count
    for scalar in stem.unicodeScalars {
      room -= UTF8.width(scalar)
      guard room >= 0 else { break }
      scalars.append(scalar)
    }
    while let last = scalars.last, last == "." || last == " " { scalars.removeLast() }
    return String(scalars) + ending
  }
}
