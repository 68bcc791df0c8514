/// directive: a task given by a directive, resolution or conclusion (domain.md sections 5 and 9.3).
///
/// Merge: the assigner's superseding put owns the task's text; events are united by id, each type
/// with one lawful writer; state, timeliness, due date and percent are folded from them
/// (DirectiveState.swift, DirectiveFold.swift) and never stored.
enum DirectiveRules: RecordRules {
  // MARK: Put

  static func putSchema(of body: JSONObject) -> Schema { put }

  private static let put = Schema(
    EntryFacts.commonPutFields + [
      .required("sourceDocumentId", .format(.documentID)),
      .required("sourceDocumentType", .text(maximumByteCount: 32)),
      .required("taskNumber", .name),
      .required("title", .line),
      .required("content", .prose),
      .required("assigningOrgan", .object(.organ)),
      .required("monitoringOrgan", .object(.organ)),
      .required("leadOrgan", .object(.organ)),
      .optional("coordinatingOrgans", .list(.object(.organ), 0...Shape.maximumSiteListCount)),
      .required("assignedDate", .date),
      .required("deadlineType", .oneOf(["fixed", "none", "periodic"])),
      .optional("dueDate", .date),
      .optional("expectedOutput", .prose),
      .optional("priority", .integer(0...4)),
    ])

  static let appendedLists: [Text] = ["events", "signatures"]
  static let derivedFields: [Text] = [
    "state", "timeliness", "effectiveDueDate", "percentComplete",
  ]

  /// Later dates only by `extensionDecided` (T4).
  static let writeOnceFields: [Text] = [.assignedDate, .deadlineType, .dueDate]

  static func checkPut(_ body: JSONObject) throws(FieldFault) {
    if body.text(.deadlineType) == .fixed, !body.has(.dueDate) {
      throw FieldFault("dueDate", .requiredBecause("deadlineType fixed"))
    }
  }

  static func putFacts(_ body: JSONObject) -> EntryFacts {
    var facts = EntryFacts(writer: .owner)
    facts.speaker = body.organSite(.assigningOrgan)
    facts.address(facts.speaker)
    facts.address(body.organSite(.monitoringOrgan))
    facts.address(body.organSite(.leadOrgan))
    facts.address(organsUnder: .coordinatingOrgans, of: body)
    facts.lane = .normal
    // T8: the source document must exist, or the record waits. A province to which the source is
    // not addressed will never have it and holds nothing.
    if let source = body.text(.sourceDocumentId) {
      facts.references = [Reference(to: .documentID(source), hold: .atCentre)]
    }
    return facts
  }

  // MARK: Events

  static let eventTypes: [Text] =
    assignerEvents.map(\.type) + assigneeEvents.map(\.type) + Schema.commonTypes

  private typealias EventSchema = (type: Text, schema: Schema)

  /// Only the assigner writes these.
  private static let assignerEvents: [EventSchema] = [
    event("assigned", [.optional("leadSite", .site), .optional("reason", .prose)]),
    event("reassigned", [.required("leadSite", .site), .optional("reason", .prose)]),
    event(
      "extensionDecided",
      [
        .required("requestEventId", .uniqueID), .required("approved", .bool),
        .optional("newDueDate", .date), .optional("reason", .prose),
      ]),
    event("reminded", [.optional("reason", .prose)]),
    event("completionConfirmed", [.optional("reason", .prose)]),
    event("completionRejected", [.required("reason", .prose)]),
    event("suspended", [.optional("reason", .prose)]),
    event("resumed", [.optional("reason", .prose)]),
    event("cancelled", [.optional("reason", .prose)]),
  ]

  /// The lead writes these, `progressReported` also a coordinating site. Who was lead when is a
  /// question of the fold (T3): at the door only the name must be the author's own.
  private static let assigneeEvents: [EventSchema] = [
    event("accepted", []),
    event("returned", [.required("reason", .prose)]),
    event("started", []),
    event(
      "extensionRequested", [.required("requestedDueDate", .date), .required("reason", .prose)]),
    event(
      "completionReported",
      [.required("summary", .prose), .optional("attachments", .list(of: .object(.attachment)))]),
    event(
      "progressReported",
      [
        // T6: 100 does not complete.
        .required("percentComplete", .integer(0...100)), .optional("summary", .prose),
        .optional("difficulties", .prose), .optional("proposals", .prose),
      ]),
  ]

  private static func event(_ type: Text, _ fields: [Field]) -> EventSchema {
    let common: [Field] = [
      .required("type", .oneOf([type])), .required("bySite", .site),
      .required("byOrgan", .text(maximumByteCount: 35)), .required("at", .instant),
    ]
    return (type, Schema(common + fields))
  }

  static func eventSchema(ofType type: Text) -> Schema? {
    let known = assignerEvents.first { $0.type == type } ?? assigneeEvents.first { $0.type == type }
    return known?.schema ?? Schema.common(ofType: type)
  }

  static func isAssigners(_ type: Text) -> Bool { assignerEvents.contains { $0.type == type } }
  static func isAssignees(_ type: Text) -> Bool { assigneeEvents.contains { $0.type == type } }

  static let eventIDName: Text = "eventId"
  static func impliedEventType(of body: JSONObject) -> Text? { nil }

  static func checkEvent(_ body: JSONObject, type: Text) throws(FieldFault) {
    if type == "extensionDecided", body[.approved] == .bool(true), body[.newDueDate] == nil {
      throw FieldFault("newDueDate", .requiredBecause("approved true"))
    }
  }

  static func eventFacts(_ body: JSONObject, type: Text) -> EntryFacts {
    var facts = EntryFacts(writer: isAssignees(type) ? .anySite : .owner)
    facts.speaker = body.site(.bySite)
    if isAssigners(type) || isAssignees(type) {
      facts.codes = [CodeUse(.directiveEventTypes, type, at: "type")]
    }
    facts.files = body.files(.attachments)
    if type == "assigned" || type == "reassigned" {
      facts.address(body.site(.leadSite))
      facts.widensRecordAudience = true
    }
    return facts
  }

  // MARK: Annotations and withdrawal

  static let annotationSchema: Schema? = nil
  static let annotationWriter = Writer.owner
  static let withdrawalWriter = Writer.owner
}
