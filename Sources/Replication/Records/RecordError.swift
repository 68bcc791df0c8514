/// Why a body or a submission is refused. Never carries more of the content than a short code, a
/// number or a date.
package enum RecordError: Error, Hashable, Sendable {
  /// A secrecy level that may not be on this network. Says nothing about the content.
  case secrecy
  case json(JSONError)
  case field(FieldFault)
  /// This kind knows no such operation: annotations of a kind without any, genesis, later versions.
  case operation(Operation, RecordKind)
}

/// One field that breaks a rule.
package struct FieldFault: Error, Hashable, Sendable {
  /// Where, as `lines[2].amount`; indices count from 0.
  package private(set) var path: String
  package let rule: FieldRule
  package let found: FoundValue?

  init(_ name: String, _ rule: FieldRule, found: JSONValue? = nil) {
    self.path = name
    self.rule = rule
    self.found = found.map(FoundValue.init)
  }

  func inside(_ outer: String) -> FieldFault {
    var fault = self
    let separator = path.isEmpty || path.hasPrefix("[") ? "" : "."
    fault.path = outer + separator + path
    return fault
  }

  /// Longest value or name that is shown.
  static let shownByteCount = 64

  /// `text` when it looks like a code or a name of a field; nil for prose.
  static func shown(_ text: Text) -> String? {
    let isCode = text.bytes.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "-")...UInt8(ascii: ":"), UInt8(ascii: ","), UInt8(ascii: "_"),
        UInt8(ascii: "+"):
        true
      default: false
      }
    }
    return isCode && text.bytes.count <= shownByteCount ? "\"\(text)\"" : nil
  }
}

/// What stands where a rule is broken: codes and numbers as they are; of anything that may be prose
/// only type and length.
package enum FoundValue: Hashable, Sendable {
  case shown(String)
  case text(byteCount: Int)
  case list(count: Int)
  case object(count: Int)

  init(_ value: JSONValue) {
    switch value {
    case .null: self = .shown("null")
    case .bool(let flag): self = .shown("\(flag)")
    case .integer(let number): self = .shown("\(number)")
    case .string(let text):
      self = FieldFault.shown(text).map { .shown($0) } ?? .text(byteCount: text.bytes.count)
    case .array(let items): self = .list(count: items.count)
    case .object(let object): self = .object(count: object.members.count)
    }
  }

  fileprivate var english: String {
    switch self {
    case .shown(let value): value
    case .text(let count): "a text of \(count) bytes"
    case .list(let count): "a list of \(count)"
    case .object(let count): "an object of \(count) fields"
    }
  }

  fileprivate var vietnamese: String {
    switch self {
    case .shown(let value): value
    case .text(let count): "văn bản dài \(count) byte"
    case .list(let count): "danh sách \(count) phần tử"
    case .object(let count): "đối tượng \(count) trường"
    }
  }
}

/// What a field's value can be asked to be.
package enum ValueType: Hashable, Sendable {
  case text, integer, truth, list, object

  fileprivate var english: String {
    switch self {
    case .text: "text"
    case .integer: "an integer"
    case .truth: "true or false"
    case .list: "a list"
    case .object: "an object"
    }
  }

  fileprivate var vietnamese: String {
    switch self {
    case .text: "văn bản"
    case .integer: "số nguyên"
    case .truth: "true hoặc false"
    case .list: "danh sách"
    case .object: "đối tượng"
    }
  }
}

/// The rules a single field can break. Each says what is wrong and what to do about it.
package enum FieldRule: Hashable, Sendable {
  case required
  /// Required because of what another field says.
  case requiredBecause(String)
  case unknown(nearest: Text?)
  case type(ValueType)
  case format(FieldFormat)
  case tooLong(maximumByteCount: Int)
  case controlCharacter
  case range(Int64, Int64)
  case oneOf([Text])
  case count(Int, Int)
  case repeated
  /// Events of a record are appended one by one by their authors, never put with it.
  case appendInstead
  /// A value, or the name of another field.
  case mustEqual(String)
  /// The request names another record in its address.
  case otherRecord
  case notOneCentre
  case unlistedSite
  /// A rule of the kind; `detail` names the other figure or record, in no language.
  case broken(Rule, detail: String?)
  /// Not in this list of the registry on this day.
  case notListed(CodeLists.Name, CalendarDate)
}

/// Forms of a text that a field can ask for.
package enum FieldFormat: Hashable, Sendable {
  case uniqueID, site, date, month, instant, digest, hexDigest, documentID, decimal, base64, pin
  case digits(Int, Int)

  fileprivate var english: String {
    switch self {
    case .digest, .hexDigest, .pin: example.replacing("*", with: "<64 hex digits>")
    case .digits(let low, let high): low == high ? "\(low) digits" : "\(low) to \(high) digits"
    case .uniqueID, .site, .date, .month, .instant, .documentID, .decimal, .base64: example
    }
  }

  fileprivate var vietnamese: String {
    switch self {
    case .digest, .hexDigest, .pin: example.replacing("*", with: "<64 chữ số hex>")
    case .digits(let low, let high): low == high ? "\(low) chữ số" : "\(low) đến \(high) chữ số"
    case .uniqueID, .site, .date, .month, .instant, .documentID, .decimal, .base64: example
    }
  }

  /// `*` stands for a digest.
  private var example: String {
    switch self {
    case .uniqueID: "248becac-9fb9-589f-9d53-6b91b12b26dd"
    case .site: "lang-son"
    case .date: "2026-03-02"
    case .month: "2026-03"
    case .instant: "2026-03-02T02:15:07.120431Z"
    case .digest: "sha-256:*"
    case .hexDigest: "*"
    case .documentID: "A99.00,2026/03/02,112-KL/VPTW"
    case .decimal: "12.5"
    case .base64: "TWFu"
    case .pin: "sha256:*"
    case .digits: ""
    }
  }
}

extension FieldRule {
  fileprivate var english: String {
    switch self {
    case .required: "is required; add it"
    case .requiredBecause(let cause): "is required because of \(cause); add it"
    case .unknown(let nearest?): "is not a known field; did you mean \(nearest)?"
    case .unknown(nil): "is not a known field; remove it"
    case .type(let type): "must be \(type.english)"
    case .format(let format): "must have the form \(format.english)"
    case .tooLong(let maximum): "must be at most \(maximum) bytes; shorten it"
    case .controlCharacter: "must not contain control characters; remove them"
    case .range(let low, let high): "must lie in \(low)...\(high)"
    case .oneOf(let values): "must be one of \(Self.list(values))"
    case .count(let low, let high): "must have \(low) to \(high) elements"
    case .repeated: "must not stand twice; remove one"
    case .appendInstead: "is not part of a put; append its elements one by one as events"
    case .mustEqual(let other): "must equal \(other)"
    case .otherRecord: "must equal the id in the address"
    case .notOneCentre: "must be centre for exactly one site"
    case .unlistedSite: "must be one of the sites; add the site first"
    case .broken(let rule, let detail):
      "\(rule.english)\(detail.map { " (\($0))" } ?? "") [\(rule.id)]"
    case .notListed(let list, let day):
      "is not in the registry's list \(list) on \(day); see dongbo registry show"
    }
  }

  fileprivate var vietnamese: String {
    switch self {
    case .required: "là trường bắt buộc; hãy bổ sung"
    case .requiredBecause(let cause): "là trường bắt buộc do \(cause); hãy bổ sung"
    case .unknown(let nearest?): "không có trong quy định; có phải là \(nearest)?"
    case .unknown(nil): "không có trong quy định; hãy bỏ đi"
    case .type(let type): "sai kiểu dữ liệu, cần: \(type.vietnamese)"
    case .format(let format): "phải có dạng \(format.vietnamese)"
    case .tooLong(let maximum): "dài quá \(maximum) byte; hãy rút ngắn"
    case .controlCharacter: "chứa ký tự điều khiển; hãy bỏ đi"
    case .range(let low, let high): "phải nằm trong khoảng \(low)...\(high)"
    case .oneOf(let values): "phải là một trong \(Self.list(values))"
    case .count(let low, let high): "phải có từ \(low) đến \(high) phần tử"
    case .repeated: "bị lặp; hãy bỏ bớt"
    case .appendInstead: "không ghi cùng bản ghi; hãy ghi từng sự kiện riêng"
    case .mustEqual(let other): "phải trùng với \(other)"
    case .otherRecord: "phải trùng với mã trong địa chỉ"
    case .notOneCentre: "phải là centre ở đúng một điểm"
    case .unlistedSite: "phải là một điểm trong sites; hãy thêm điểm trước"
    case .broken(let rule, let detail):
      "\(rule.vietnamese)\(detail.map { " (\($0))" } ?? "") [\(rule.id)]"
    case .notListed(let list, let day):
      "không có trong danh mục \(list) của sổ đăng ký vào ngày \(day); xem dongbo registry show"
    }
  }

  private static func list(_ values: [Text]) -> String {
    values.map(\.string).joined(separator: ", ")
  }
}

extension FieldFault: CustomStringConvertible {
  package var description: String {
    "\(path)\(found.map { " (\($0.english))" } ?? "") \(rule.english)"
  }
  package var vietnamese: String {
    "\(path)\(found.map { " (\($0.vietnamese))" } ?? "") \(rule.vietnamese)"
  }
}

extension RecordError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .secrecy: "secrecyLevel must be none: secret content may not be on this network"
    case .json(let error): "the body is not valid JSON: \(error)"
    case .field(let fault): fault.description
    case .operation(let operation, let kind): "a \(kind) record knows no \(operation)"
    }
  }

  package var vietnamese: String {
    switch self {
    case .secrecy: "độ mật phải là none: không được đưa nội dung mật lên mạng này"
    case .json(let error): "nội dung không phải JSON hợp lệ: \(error)"
    case .field(let fault): fault.vietnamese
    case .operation(let operation, let kind): "bản ghi loại \(kind) không có thao tác \(operation)"
    }
  }
}
