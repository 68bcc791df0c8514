/// What a directive shows beside its own fields, and what its site will not write.
///
/// T1-T7 are the fold's (DirectiveFold.swift); T8 is a reference that the centre holds for; T9: a
/// recalled source cancels nothing, it is only shown.
extension DirectiveRules {
  // MARK: At ingest

  /// T1, T3, T4, T7: what the site that is asked already knows better. A peer's event is kept, and
  /// the fold says how far it counts.
  static func objection(
    to event: FoldedEvent, on record: HeldRecord, in view: some RuleView
  ) throws(StoreError) -> FieldFault? {
    guard let put = record.putAsFixed, record.shown?.header.operation == .put else { return nil }
    let events = record.events.filter { $0.operation == .append }
    var history = DirectiveHistory(of: record.entries, events: events)
    history.append(event)
    var fold = DirectiveFold(put: put, events: events + [event], history: history)
    for event in events { _ = fold.take(event) }
    // Who is not the assigner hears of its authority.
    guard !isAssigners(event.type) || event.author == fold.assigner else { return nil }
    let isAnswered = event.type != "completionConfirmed" || fold.reportedDay != nil
    let flag = fold.take(event)?.flag ?? (isAnswered ? nil : DirectiveFlag(.nothingReported))
    return flag?.fault(of: event)
  }

  private static let isFixed = Rule(
    "9.3", vi: "đã cố định từ lần ghi đầu; hãy giữ nguyên, gia hạn bằng sự kiện extensionDecided",
    en: "was fixed by the first put; keep it, a later date takes an extensionDecided event")

  /// The dates of the first put stand.
  static func objection(
    toPut put: Entry, on record: HeldRecord, in view: some RuleView
  ) -> FieldFault? {
    record.body(of: put).flatMap { record.fault(ofFixedFieldsIn: $0, isFixed) }
  }

  // MARK: Shown

  static func show(
    _ record: HeldRecord, asOf day: CalendarDate, in view: some RuleView,
    into object: inout JSONObject
  ) throws(StoreError) {
    let events = record.events.filter { $0.operation == .append }
    // A withdrawn draft is no task: its events stay readable.
    guard let put = record.putAsFixed, record.shown?.header.operation == .put else {
      object["events"] = .array(events.map(\.json))
      return
    }
    let state = DirectiveState(of: record, put: put, events: events, asOf: day)
    object["events"] = .array(
      zip(events, state.effects).map { event, effect in effect?.json(of: event) ?? event.json })
    var derived = state.json.object ?? JSONObject()
    // What a peer let through: the put's own word stays readable, and counts nothing.
    let fault = record.put.flatMap { record.fault(ofFixedFieldsIn: $0, isFixed) }
    derived["flagReason"] = fault.map { fault in
      .object(["vi": .string(Text(fault.vietnamese)), "en": .string(Text(fault.description))])
    }
    try showSource(of: put, in: view, into: &derived)
    object["derived"] = .object(derived)
  }

  /// T8: a province to which the source is not addressed will never have it, and says so. T9.
  private static func showSource(
    of put: JSONObject, in view: some RuleView, into derived: inout JSONObject
  ) throws(StoreError) {
    guard let name = put.text(.sourceDocumentId) else { return }
    let key = UniqueKey.documentID(name)
    guard let source = try view.claimants(of: key).first else {
      // The centre waits for it instead.
      if view.site != view.centre { derived["sourceNotAvailableHere"] = .bool(true) }
      return
    }
    if let record = try view.record(source), try DocumentRules.isRecalled(record, in: view) {
      derived["sourceRevoked"] = .bool(true)
    }
  }
}
