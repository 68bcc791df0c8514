/// One header field. The name is in lower case; the value has no surrounding white space.
package struct HTTPField: Hashable, Sendable {
  package let name: String
  package let value: String

  /// Any text will do: what cannot stand on the wire is replaced there.
  package init(_ name: String, _ value: String) {
    self.name = name.lowercased()
    self.value = value
  }

  /// - Parameter type: a media type.
  init(contentType type: String) {
    name = "content-type"
    value = type
  }

  /// Parses one line of a head, without its line end.
  init(line: ArraySlice<UInt8>) throws(HTTPParseError) {
    guard let first = line.first else { throw HTTPParseError(.fieldNameMalformed) }
    guard !first.isBlank else { throw HTTPParseError(.foldedField) }
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else {
      throw HTTPParseError(.fieldNameMalformed)
    }
    let name = line[..<colon]
    // White space before the colon is no token byte: the trick is refused with the rest.
    guard name.allSatisfy(\.isTokenByte) else { throw HTTPParseError(.fieldNameMalformed) }
    var value = line[(colon + 1)...]
    while value.first?.isBlank == true { value.removeFirst() }
    while value.last?.isBlank == true { value.removeLast() }
    guard value.allSatisfy({ $0.isPrintable || $0.isBlank }) else {
      throw HTTPParseError(.fieldValueMalformed)
    }
    self.name = name.lowercasedText
    self.value = String(decoding: value, as: UTF8.self)
  }

  /// The line on the wire. A byte that could end the line or that is no text becomes `?`, so no
  /// value, wherever it came from, can add a field or split a response.
  func append(to bytes: inout [UInt8]) {
    let start = bytes.count
    bytes.append(contentsOf: name.utf8)
    for index in start..<bytes.count where !bytes[index].isTokenByte {
      bytes[index] = UInt8(ascii: "-")
    }
    bytes.append(contentsOf: ": ".utf8)
    let valueStart = bytes.count
    bytes.append(contentsOf: value.utf8)
    for index in valueStart..<bytes.count
    where !bytes[index].isPrintable && !bytes[index].isBlank {
      bytes[index] = UInt8(ascii: "?")
    }
    bytes.append(contentsOf: "\r\n".utf8)
  }
}

extension [HTTPField] {
  /// The value of the first field of that name, which is given in lower case.
  package func value(of name: String) -> String? { first { $0.name == name }?.value }

  /// The only value of that name; an error when there are two.
  func onlyValue(
    of name: String, elseThrow reason: HTTPParseError.Reason
  ) throws(HTTPParseError) -> String? {
    var found: String?
    for field in self where field.name == name {
      guard found == nil else { throw HTTPParseError(reason) }
      found = field.value
    }
    return found
  }

  /// Whether the comma-separated list of that name holds `option`, given in lower case.
  func hasOption(_ option: String, in name: String) -> Bool {
    contains { field in
      field.name == name
        && field.value.lowercased().split(separator: ",").contains { item in
          item.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" } == option
        }
    }
  }
}

extension ArraySlice<UInt8> {
  /// ASCII text in lower case, as it mostly comes.
  var lowercasedText: String {
    allSatisfy { $0 == $0.lowercased }
      ? String(decoding: self, as: UTF8.self)
      : String(decoding: map(\.lowercased), as: UTF8.self)
  }
}

extension UInt8 {
  /// A byte of a method or field name, RFC 9110 §5.6.2.
  var isTokenByte: Bool {
    switch self {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    case UInt8(ascii: "!"), UInt8(ascii: "#")...UInt8(ascii: "'"), UInt8(ascii: "*"),
      UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "|"),
      UInt8(ascii: "~"), UInt8(ascii: "^")...UInt8(ascii: "`"):
      true
    default: false
    }
  }
  var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
  /// Visible ASCII.
  var isPrintable: Bool { (0x21...0x7e).contains(self) }
  var isBlank: Bool { self == 0x20 || self == 0x09 }
  var lowercased: UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
  }
  /// The value of a hexadecimal digit.
  var hexadecimalValue: UInt8? {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
