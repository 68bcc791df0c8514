/// O8: what is injected shows, and nothing shows that was not injected.
extension SimulatedWorld {
  func judgeSymptoms(of faults: [Fault]) {
    if faults.isEmpty {
      for (name, count) in symptoms.listed { fail("O8: no fault, and \(count) of \(name)") }
    }
    let damaged = injected[.damagedBytes] + injected[.repeatedBytes]
    if symptoms[.badRecord] != damaged {
      fail("O8: \(damaged) pieces damaged, \(symptoms[.badRecord]) bad records")
    }
    if symptoms[.violation] > injected[.spoiledFrame] {
      fail("O8: \(injected[.spoiledFrame]) frames spoiled, \(symptoms[.violation]) refused")
    }
    if injected[.fullDisk] > 0, symptoms[.storageFull] == 0 {
      fail("O8: a full disk was not noticed")
    }
    if injected[.bitRot] > 0, symptoms[.rottenRepaired] == 0 {
      fail("O8: entries rotted, and none was repaired")
    }
    for fault in [Fault.restore, .snapshot] where injected[fault] > 0 {
      if symptoms[.processEnd] == 0 { fail("O8: \(fault.rawValue) and no process ended") }
    }
  }
}
