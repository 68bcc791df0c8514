import Replication

/// The applications: they ask, and ask again with the same id when their site dies before it
/// answers, which may take effect no time or once, never twice.
struct Clients {
  struct Request {
    let site: SiteID
    let job: WriterJob
  }

  var pending: [RequestNumber: Request] = [:]
  var lastNumber: RequestNumber = 0
  var okCount = 0
  var refusedCount = 0
  /// The last answers, for scripts.
  var lastResult: WriteResult?
}

extension SimulatedWorld {
  func submit(_ submission: Submission, at site: SimulatedSite) {
    request(at: site) { .submit($0, submission) }
  }

  func decide(_ record: RecordKey, keep: Keep, at site: SimulatedSite) {
    request(at: site) { .decide($0, record: record, keep: keep) }
  }

  private func request(at site: SimulatedSite, _ job: (RequestNumber) -> WriterJob) {
    clients.lastNumber += 1
    let number = clients.lastNumber
    clients.pending[number] = Clients.Request(site: site.id, job: job(number))
    ask(number)
  }

  private func ask(_ number: RequestNumber) {
    guard let request = clients.pending[number], var site = site(request.site) else { return }
    // A machine that runs twice answers where it happens to be asked.
    if let clone = clones.first(where: { $0.id == site.id }), random.chance(50) { site = clone }
    if site.isUp {
      site.post(request.job)
    } else {
      after(random.milliseconds(500...3_000)) { [self] in ask(number) }
    }
  }

  /// The site is busy with a repair: come again.
  func askLater(_ number: RequestNumber) {
    after(random.milliseconds(500...3_000)) { [self] in ask(number) }
  }

  /// Whoever waits for an answer of this process will ask again.
  func killed(_ site: SimulatedSite) {
    for number in clients.pending.keys.sorted() where clients.pending[number]?.site == site.id {
      askLater(number)
    }
  }

  func answered(_ number: RequestNumber, _ result: WriteResult, by site: SimulatedSite) {
    guard let request = clients.pending.removeValue(forKey: number) else { return }
    clients.lastResult = result
    switch result {
    case .ok(let authored):
      clients.okCount += 1
      note("\(site.id) says OK to \(number): \(authored.identity.sequence)")
      if case .submit(_, let submission) = request.job {
        ledger.note(authored, submission)
      }
    case .refused(let reason):
      clients.refusedCount += 1
      note("\(site.id) refuses \(number): \(reason)")
    }
  }
}
