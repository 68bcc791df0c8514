/// What one event of a directive did. Nothing that an author wrote is dropped; this says how far it
/// counts.
package enum DirectiveEffect: Hashable, Sendable {
  case applied
  /// A coordinating site's progress: shown beside the lead's, which alone counts (T2).
  case shown
  /// Written without knowing what outranks it, so nobody is to blame: it stays in the history and
  /// moves nothing (T1, T3).
  case outranked(DirectiveFlag)
  /// Against a rule that its author could have known.
  case flagged(DirectiveFlag)

  /// Raw word of the API.
  package var word: Text {
    switch self {
    case .applied: "applied"
    case .shown: "shown"
    case .outranked: "outranked"
    case .flagged: "flagged"
    }
  }

  /// What stands against it; nil when it counts.
  package var flag: DirectiveFlag? {
    switch self {
    case .applied, .shown: nil
    case .outranked(let flag), .flagged(let flag): flag
    }
  }
}

/// Why an event does not count, with the figure or the site it met.
package struct DirectiveFlag: Hashable, Sendable {
  /// Raw values are what the API shows.
  package enum Reason: String, Hashable, Sendable, CaseIterable {
    case notAssigner, notLead, leadNamed, replaced
    case closed, suspended, otherState, nothingReported
    case unknownRequest, decidedBefore, notLater
  }

  package let reason: Reason
  /// The lead, the state or the date that stands against it, in no language.
  package let detail: String?

  init(_ reason: Reason, _ detail: String? = nil) {
    self.reason = reason
    self.detail = detail
  }

  /// The flag as a fault of the event, for people.
  package func fault(of event: FoldedEvent) -> FieldFault {
    let name: Text =
      switch reason {
      case .notAssigner, .notLead, .replaced, .closed, .suspended, .otherState, .nothingReported:
        .type
      case .leadNamed: .leadSite
      case .unknownRequest, .decidedBefore: .requestEventId
      case .notLater: .newDueDate
      }
    return FieldFault(name.string, .broken(reason.rule, detail: detail), found: event.body[name])
  }
}

extension DirectiveFlag.Reason {
  /// The rule that stands behind the flag.
  package var rule: Rule {
    switch self {
    case .notAssigner: Self.isAssigners
    case .notLead: Self.isLeads
    case .leadNamed: Self.isReassigned
    case .replaced: Self.isReplaced
    case .closed: Self.isClosed
    case .suspended: Self.isSuspended
    case .otherState: Self.fitsState
    case .nothingReported: Self.answersReport
    case .unknownRequest: Self.answersRequest
    case .decidedBefore: Self.isDecided
    case .notLater: Self.isLater
    }
  }

  private static let isAssigners = Rule(
    "T1", vi: "do cơ quan giao nhiệm vụ ghi; hãy đề nghị cơ quan giao",
    en: "is for the assigner to write; ask the assigner")
  private static let isLeads = Rule(
    "T3", vi: "do cơ quan chủ trì ghi (phối hợp chỉ báo cáo tiến độ); hãy gửi cơ quan chủ trì",
    en: "is for the lead to write, a coordinating site reports progress only; tell the lead")
  private static let isReassigned = Rule(
    "T3", vi: "khác cơ quan chủ trì đã giao; hãy ghi sự kiện reassigned",
    en: "is not the lead that was named; write a reassigned event")
  private static let isReplaced = Rule(
    "T3", vi: "do cơ quan đã được thay ghi; nay cơ quan chủ trì mới thực hiện",
    en: "is by a lead that was replaced; leave it to the new lead")
  private static let isClosed = Rule(
    "T1", vi: "đến sau khi đã huỷ hoặc xác nhận hoàn thành; cơ quan giao có thể giao lại",
    en: "comes after the task was cancelled or confirmed; the assigner may reassign it")
  private static let isSuspended = Rule(
    "T1", vi: "không ghi được khi nhiệm vụ tạm hoãn; hãy chờ tiếp tục",
    en: "does not go while the task is suspended; wait until it is resumed")
  private static let fitsState = Rule(
    "T1", vi: "không phù hợp với trạng thái nhiệm vụ; hãy xem lại nhật ký",
    en: "does not fit the state of the task; look at its events")
  private static let answersReport = Rule(
    "T7", vi: "cần báo cáo hoàn thành đang chờ xác nhận; hãy chờ completionReported",
    en: "needs a completion report that waits for an answer; wait for completionReported")
  private static let answersRequest = Rule(
    "T4", vi: "phải là mã sự kiện của một đề nghị gia hạn; hãy xem lại nhật ký",
    en: "must be the event id of a request for an extension; look at the events")
  private static let isDecided = Rule(
    "T4", vi: "đã được quyết định; hãy chờ đề nghị gia hạn mới",
    en: "was decided before; wait for a new request")
  private static let isLater = Rule(
    "T4", vi: "phải sau thời hạn hiện tại; hãy chọn ngày muộn hơn",
    en: "must be after the current due date; choose a later day")
}

extension DirectiveEffect {
  /// The event as the API shows it: with what it did, and why not more. The reason stands in both
  /// languages, for content is the same whoever asks.
  func json(of event: FoldedEvent) -> JSONValue {
    guard var object = event.json.object else { return event.json }
    object["effect"] = .string(word)
    object["flag"] = flag.map { .string(Text($0.reason.rawValue)) }
    object["flagRule"] = flag.map { .string(Text($0.reason.rule.id)) }
    object["flagReason"] = flag.map { flag in
      let fault = flag.fault(of: event)
      return .object([
        "vi": .string(Text(fault.vietnamese)), "en": .string(Text(fault.description)),
      ])
    }
    return .object(object)
  }
}
