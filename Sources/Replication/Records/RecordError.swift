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
  /// What stands there: a short code or number as it is, else its type and length.
  package let found: String?

  init(_ name: String, _ rule: FieldRule, found: JSONValue? = nil) {
    self.path = name
    self.rule = rule
    self.found = found.map(Self.summary)
  }

  func inside(_ outer: String) -> FieldFault {
    var fault = self
    let separator = path.isEmpty || path.hasPrefix("[") ? "" : "."
    fault.path = outer + separator + path
    return fault
  }

  /// Longest value or name that is shown.
  static let shownByteCount = 64

  /// Codes and numbers as they are; of anything that may be prose only type and length.
  private static func summary(_ value: JSONValue) -> String {
    switch value {
    case .null: "null"
    case .bool(let flag): "\(flag)"
    case .integer(let number): "\(number)"
    case .string(let text): shown(text) ?? "a text of \(text.bytes.count) bytes"
    case .array(let items): "a list of \(items.count)"
    case .object(let object): "an object of \(object.members.count) fields"
    }
  }

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

/// The rules a single field can break. Each says what is wrong and what to do about it.
package enum FieldRule: Hashable, Sendable {
  case required
  /// Required because of what another field says.
  case requiredBecause(String)
  case unknown(nearest: Text?)
  case type(String)
  case format(FieldFormat)
  case tooLong(maximumByteCount: Int)
  case controlCharacter
  case range(Int64, Int64)
  case oneOf([Text])
  case count(Int, Int)
  case repeated
  /// Events of a record are appended one by one by their authors, never put with it.
  case appendInstead
  case mustEqual(String)
  /// A rule of the kind; `detail` names the other figure or record, in no language.
  case broken(Rule, detail: String?)
  /// Not in this list of the registry on this day.
  case notListed(CodeLists.Name, CalendarDate)
}

/// Forms of a text that a field can ask for.
package enum FieldFormat: Hashable, Sendable {
  case uniqueID, site, date, month, instant, digest, hexDigest, documentID, decimal, base64, pin
  case digits(Int, Int)

  var example: String {
    switch self {
    case .uniqueID: "248becac-9fb9-589f-9d53-6b91b12b26dd"
    case .site: "lang-son"
    case .date: "2026-03-02"
    case .month: "2026-03"
    case .instant: "2026-03-02T02:15:07.120431Z"
    case .digest: "sha-256:<64 hex digits>"
    case .hexDigest: "<64 hex digits>"
    case .documentID: "A99.00,2026/03/02,112-KL/VPTW"
    case .decimal: "12.5"
    case .base64: "TWFu"
    case .pin: "sha256:<64 hex digits>"
    case .digits(let low, let high): low == high ? "\(low) digits" : "\(low) to \(high) digits"
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
    case .type(let type): "must be \(type)"
    case .format(let format): "must have the form \(format.example)"
    case .tooLong(let maximum): "must be at most \(maximum) bytes; shorten it"
    case .controlCharacter: "must not contain control characters; remove them"
    case .range(let low, let high): "must lie in \(low)...\(high)"
    case .oneOf(let values): "must be one of \(Self.list(values))"
    case .count(let low, let high): "must have \(low) to \(high) elements"
    case .repeated: "must not stand twice; remove one"
    case .appendInstead: "is not part of a put; append its elements one by one as events"
    case .mustEqual(let other): "must equal \(other)"
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
    case .type(let type): "sai kiểu dữ liệu, cần: \(type)"
    case .format(let format): "phải có dạng \(format.example)"
    case .tooLong(let maximum): "dài quá \(maximum) byte; hãy rút ngắn"
    case .controlCharacter: "chứa ký tự điều khiển; hãy bỏ đi"
    case .range(let low, let high): "phải nằm trong khoảng \(low)...\(high)"
    case .oneOf(let values): "phải là một trong \(Self.list(values))"
    case .count(let low, let high): "phải có từ \(low) đến \(high) phần tử"
    case .repeated: "bị lặp; hãy bỏ bớt"
    case .appendInstead: "không ghi cùng bản ghi; hãy ghi từng sự kiện riêng"
    case .mustEqual(let other): "phải trùng với \(other)"
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
  package var description: String { "\(path)\(found.map { " (\($0))" } ?? "") \(rule.english)" }
  package var vietnamese: String {
    "\(path)\(found.map { " (\($0))" } ?? "") \(rule.vietnamese)"
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
