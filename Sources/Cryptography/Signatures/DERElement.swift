/// One ASN.1 element in DER, found inside a larger one; nothing is copied.
struct DERElement {
  let tag: UInt8
  /// Tag, length and contents.
  let whole: ArraySlice<UInt8>
  let contents: ArraySlice<UInt8>

  static let integer: UInt8 = 0x02
  static let octetString: UInt8 = 0x04
  static let null: UInt8 = 0x05
  static let objectIdentifier: UInt8 = 0x06
  static let utcTime: UInt8 = 0x17
  static let generalizedTime: UInt8 = 0x18
  static let sequence: UInt8 = 0x30
  static let set: UInt8 = 0x31

  /// A context tag around other elements: `[0]` is 0xA0.
  static func context(_ number: UInt8) -> UInt8 { 0xA0 | number }

  /// The elements inside.
  var reader: DERReader { DERReader(rest: contents) }

  /// All elements inside; the walk has bounded how many there are.
  func elements() throws(SignatureFault) -> [DERElement] {
    var reader = reader
    var found: [DERElement] = []
    while !reader.isAtEnd { found.append(try reader.next()) }
    return found
  }
}

/// Reads elements one after the other. Meant for bytes that ``DERWalk`` has passed; for any others
/// it throws and never traps.
struct DERReader {
  private(set) var rest: ArraySlice<UInt8>

  init(rest: ArraySlice<UInt8>) { self.rest = rest }

  var isAtEnd: Bool { rest.isEmpty }
  var nextTag: UInt8? { rest.first }

  mutating func next() throws(SignatureFault) -> DERElement {
    let header = try DERHeader(rest.span, from: 0, to: rest.count)
    guard header.contentByteCount <= rest.count - header.byteCount else { throw .malformed }
    let start = rest.startIndex + header.byteCount
    let end = start + header.contentByteCount
    let element = DERElement(
      tag: header.tag, whole: rest[rest.startIndex..<end], contents: rest[start..<end])
    rest = rest[end...]
    return element
  }

  /// The next element, which must have this tag.
  mutating func next(_ tag: UInt8) throws(SignatureFault) -> DERElement {
    guard nextTag == tag else { throw .malformed }
    return try next()
  }

  /// The next element when it has this tag.
  mutating func optional(_ tag: UInt8) throws(SignatureFault) -> DERElement? {
    nextTag == tag ? try next() : nil
  }

  /// Nothing may follow.
  func end() throws(SignatureFault) {
    guard isAtEnd else { throw .malformed }
  }
}

/// Tag and length as DER allows them: one byte of tag, the shortest form of a definite length.
private struct DERHeader {
  let tag: UInt8
  let byteCount: Int
  let contentByteCount: Int

  /// - Precondition: `start...end` lies within `bytes`; nothing beyond is looked at.
  init(_ bytes: Span<UInt8>, from start: Int, to end: Int) throws(SignatureFault) {
    guard start < end else { throw .truncated }
    let tag = bytes[start]
    // 0 ends an indefinite form; 31 announces a tag of several bytes. Nothing we read has either.
    guard tag != 0, tag & 0x1F != 0x1F else { throw .malformed }
    self.tag = tag
    guard start + 1 < end else { throw .truncated }
    let first = bytes[start + 1]
    if first < 0x80 {
      byteCount = 2
      contentByteCount = Int(first)
      return
    }
    guard first != 0x80 else { throw .indefiniteLength }
    let lengthByteCount = Int(first & 0x7F)
    guard lengthByteCount <= 4 else { throw .malformed }
    byteCount = 2 + lengthByteCount
    guard byteCount <= end - start else { throw .truncated }
    var length = 0
    for index in start + 2..<start + byteCount { length = length << 8 | Int(bytes[index]) }
    contentByteCount = length
    guard bytes[start + 2] != 0, contentByteCount >= 0x80 else { throw .notDER }
  }
}

/// A walk over foreign bytes before OpenSSL sees them: every length definite, shortest and inside
/// its parent, no string in pieces, bounded depth and number of elements, nothing behind the end.
enum DERWalk {
  /// Deepest nesting. A chain with names and extensions has 12 levels.
  static let maximumDepth = 32
  /// Most elements. A certificate has about 100.
  static let maximumElementCount = 20_000

  static func check(_ bytes: [UInt8]) throws(SignatureFault) {
    guard !bytes.isEmpty else { throw .empty }
    guard let first = bytes.first, first == DERElement.sequence else { throw .malformed }
    let whole = bytes.span
    var position = bytes.startIndex
    var count = 0
    var ends: [Int] = []
    ends.reserveCapacity(maximumDepth)
    repeat {
      let limit = ends.last ?? bytes.endIndex
      let header = try DERHeader(whole, from: position, to: limit)
      count += 1
      guard count <= maximumElementCount else { throw .tooManyElements }
      let start = position + header.byteCount
      let end = start + header.contentByteCount
      guard end <= limit else { throw ends.isEmpty ? .truncated : .malformed }
      if header.tag & 0x20 != 0 {
        // A constructed OCTET STRING, or another primitive type in pieces.
        guard header.tag >= 0x80 || header.tag & 0x1F >= 0x10 else { throw .notDER }
        guard ends.count < maximumDepth else { throw .nestedTooDeep }
        ends.append(end)
        position = start
      } else {
        position = end
      }
      while ends.last == position { ends.removeLast() }
    } while !ends.isEmpty
    guard position == bytes.endIndex else { throw .trailingBytes }
  }
}

/// The contents of an OBJECT IDENTIFIER, compared bytewise.
struct ObjectIdentifier: Hashable {
  /// Where they were read: who keeps an identifier keeps what it stood in.
  let contents: ArraySlice<UInt8>

  init(_ contents: ArraySlice<UInt8>) { self.contents = contents }

  init(_ arcs: UInt128...) { self.init(arcs: arcs) }

  /// - Parameter arcs: at least two; the first is 0, 1 or 2.
  init(arcs: [UInt128]) {
    precondition(arcs.count >= 2 && arcs[0] <= 2, "object identifier \(arcs)")
    let numbers = [arcs[0] * 40 + arcs[1]] + arcs.dropFirst(2)
    contents = numbers.flatMap(Self.base128)[...]
  }

  private static func base128(_ number: UInt128) -> [UInt8] {
    var digits = [UInt8(number & 0x7F)]
    var rest = number >> 7
    while rest > 0 {
      digits.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    return digits.reversed()
  }
}
