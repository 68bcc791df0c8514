/// Code lists of one registry revision: data with validity dates, not literals in code. A list that
/// the registry does not have restricts nothing: the form of its codes is all that is asked then.
package struct CodeLists: Hashable, Sendable {
  /// The lists that rules ask. Raw values are the field names in the registry.
  package enum Name: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    case documentTypes
    case documentStatuses
    case directiveEventTypes
    case accounts
    case budgetLines
    case voucherForms
    case assetClasses

    package var description: String { rawValue }
  }

  /// One code while it is valid; both days are included, nil is open at that end.
  package struct Item: Hashable, Sendable {
    package let code: Text
    package let name: Text?
    package let validFrom: CalendarDate?
    package let validTo: CalendarDate?

    package init(
      code: Text, name: Text? = nil, validFrom: CalendarDate? = nil, validTo: CalendarDate? = nil
    ) {
      self.code = code
      self.name = name
      self.validFrom = validFrom
      self.validTo = validTo
    }

    /// Whether the code may be used on this local day.
    package func isValid(on day: CalendarDate) -> Bool {
      (validFrom.map { $0 <= day } ?? true) && (validTo.map { day <= $0 } ?? true)
    }
  }

  package let lists: [Name: [Text: [Item]]]

  package init(lists: [Name: [Item]] = [:]) {
    self.lists = lists.mapValues { Dictionary(grouping: $0, by: \.code) }
  }

  /// Why the code may not be used; nil when it may.
  /// - Parameter entryDay: the local day of the entry's own time.
  package func fault(of use: CodeUse, entryDay: CalendarDate) -> FieldFault? {
    guard let list = lists[use.list] else { return nil }
    let day = use.day ?? entryDay
    if list[use.code]?.contains(where: { $0.isValid(on: day) }) == true { return nil }
    return FieldFault(use.path, .notListed(use.list, day), found: .string(use.code))
  }
}

extension CodeLists {
  /// Reads `{"accounts":[{"code":"611","name":"...","validFrom":"2025-01-01"}]}`; lists that this
  /// version does not ask are passed over.
  init(json: JSONObject) {
    var lists: [Name: [Item]] = [:]
    for name in Name.allCases {
      guard let items = json[Text(name.rawValue)]?.array else { continue }
      lists[name] = items.compactMap { item -> Item? in
        guard let object = item.object, let code = object.text(.code) else { return nil }
        return Item(
          code: code, name: object.text(.name), validFrom: object.date(.validFrom),
          validTo: object.date(.validTo))
      }
    }
    self.init(lists: lists)
  }
}

extension CodeLists {
  /// The first code of an entry that its registry does not list; nil when all are listed.
  func fault(of reading: BodyReading, in entry: Entry) -> FieldFault? {
    let codes = reading.facts.codes
    guard !lists.isEmpty, !codes.isEmpty else { return nil }
    let day = CalendarDate(localDayOf: WallTime(microseconds: entry.header.time.microseconds))
    for use in codes {
      if let fault = fault(of: use, entryDay: day) { return fault }
    }
    return nil
  }
}
