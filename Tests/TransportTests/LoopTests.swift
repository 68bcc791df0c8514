import Glibc
import Replication
import Testing

@testable import Transport

@Suite struct MailboxTests {
  @Test func boundsPostsButNotReplies() throws {
    let mailbox = try Mailbox<Int>(capacity: 2)
    #expect([mailbox.post(1), mailbox.post(2), mailbox.post(3)] == [true, true, false])
    #expect(mailbox.postReply(4))
    #expect(mailbox.count == 3)
    #expect(mailbox.drain(limit: 1) == [1])
    #expect(!mailbox.post(5))
    #expect(mailbox.drain(limit: 5) == [2, 4])
    #expect(mailbox.post(6))
  }

  @Test func closedMailboxGivesWhatItHolds() throws {
    let mailbox = try Mailbox<Int>(capacity: 2)
    #expect(mailbox.wait(atMost: .zero) == .timedOut)
    _ = mailbox.post(1)
    mailbox.close()
    #expect(!mailbox.post(2))
    #expect(!mailbox.postReply(2))
    #expect(mailbox.wait(atMost: .zero) == .ready)
    #expect(mailbox.take() == [1])
    #expect(mailbox.take() == nil)
    #expect(mailbox.wait() == .closed)
  }

  /// The descriptor is readable exactly while something waits: a lost wake-up is a hung daemon.
  @Test func descriptorTellsTheState() throws {
    let mailbox = try Mailbox<Int>(capacity: 10, consumer: .reactor)
    #expect(!isReadable(mailbox.descriptor))
    for element in 0..<10 { _ = mailbox.post(element) }
    var taken: [Int] = []
    while taken.count < 10 {
      #expect(isReadable(mailbox.descriptor))
      taken += mailbox.drain(limit: 3)
    }
    #expect(taken == Array(0..<10))
    #expect(!isReadable(mailbox.descriptor))
    mailbox.close()
    #expect(isReadable(mailbox.descriptor))
  }

  @Test func everythingArrivesOnceAndInOrderOfEachSender() throws {
    let mailbox = try Mailbox<[Int]>(capacity: 7)
    let senders = try (0..<3).map { sender in
      try WorkerThread(name: "sender-\(sender)") {
        for number in 0..<2_000 {
          while !mailbox.post([sender, number]) { sched_yield() }
        }
      }
    }
    var next = [0, 0, 0]
    while next != [2_000, 2_000, 2_000] {
      for element in mailbox.take(limit: 3) ?? [] {
        #expect(next[element[0]] == element[1])
        next[element[0]] += 1
      }
    }
    for sender in senders { sender.join() }
    #expect(mailbox.count == 0)
  }

  /// Kills: a post that wakes nobody while a worker sleeps, which is a hung daemon; a close that
  /// wakes one of several.
  @Test func severalWorkersShareWhatComes() throws {
    let mailbox = try Mailbox<Int>(capacity: 5)
    let taken = try Mailbox<Int>(capacity: 1)
    let workers = try (0..<3).map { worker in
      try WorkerThread(name: "worker-\(worker)") {
        while let elements = mailbox.take(limit: 1) {
          for element in elements { taken.postReply(element) }
          // One in three looks before it sleeps, with and without finding something.
          if worker == 0 { _ = mailbox.wait(atMost: .zero) }
          if worker == 1 { _ = mailbox.wait(atMost: .milliseconds(1)) }
        }
      }
    }
    for number in 0..<3_000 {
      while !mailbox.post(number) { sched_yield() }
      // All workers sleep now and then.
      if number % 100 == 0 { while taken.count <= number { sched_yield() } }
    }
    mailbox.close()
    for worker in workers { worker.join() }
    #expect(taken.drain().sorted() == Array(0..<3_000))
  }

  /// Kills: a wake-up that is kept for later, or one that a wait takes without being given it.
  @Test func aSleeperTakesOneWakeUp() throws {
    let sleepers = SleepingThreads()
    #expect(!sleepers.sleep(atMost: .zero))
    sleepers.wake()
    sleepers.wake()
    sleepers.sleep()
    #expect(sleepers.sleep(atMost: .seconds(60)))
    #expect(!sleepers.sleep(atMost: .zero))
  }

  @Test func wakesTheLoop() throws {
    let loop = try EventLoop()
    let mailbox = try Mailbox<String>(capacity: 1, consumer: .reactor)
    var received: [String] = []
    let token = try loop.register(mailbox.descriptor, interest: .read) { _ in
      received += mailbox.drain()
    }
    let worker = try WorkerThread(name: "worker") { _ = mailbox.post("done") }
    try drive(loop) { !received.isEmpty }
    worker.join()
    loop.deregister(token)
    #expect(received == ["done"])
  }

  private func isReadable(_ descriptor: CInt) -> Bool {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&waiting, 1, 0) == 1
  }
}

@Suite struct TimerTests {
  @Test func timersFireByDeadlineThenByOrderOfScheduling() throws {
    let clock = TestClock()
    let loop = try EventLoop(clock: { clock.now })
    var fired: [String] = []
    for (name, delay) in [("c", 3), ("a", 1), ("b1", 2), ("b2", 2), ("late", 9)] {
      _ = loop.schedule(after: .milliseconds(delay)) { fired.append(name) }
    }
    let cancelled = loop.schedule(after: .milliseconds(2)) { fired.append("cancelled") }
    loop.cancel(cancelled)
    try loop.runOnce(atMost: .zero)
    #expect(fired == [])
    clock.advance(.milliseconds(5))
    try loop.runOnce()
    #expect(fired == ["a", "b1", "b2", "c"])
    clock.advance(.milliseconds(4))
    try loop.runOnce()
    #expect(fired.last == "late")
  }

  @Test func timersMayCancelAndScheduleInTheSamePass() throws {
    let clock = TestClock()
    let loop = try EventLoop(clock: { clock.now })
    var fired: [Int] = []
    var second: TimerID?
    _ = loop.schedule(after: .zero) {
      fired.append(1)
      if let second { loop.cancel(second) }
      _ = loop.schedule(after: .zero) { fired.append(3) }
    }
    second = loop.schedule(after: .zero) { fired.append(2) }
    try loop.runOnce()
    #expect(fired == [1])
    try loop.runOnce()
    #expect(fired == [1, 3])
  }

  @Test func queueAgreesWithSorting() {
    var random = SeededGenerator(seed: 3)
    var queue = TimerQueue<Int>()
    var expected: [(deadline: UInt64, number: Int)] = []
    for number in 0..<1_000 {
      let deadline = UInt64.random(in: 0...99, using: &random)
      let id = queue.schedule(at: Instant(nanoseconds: deadline), number)
      if Bool.random(using: &random) {
        queue.cancel(id)
      } else {
        expected.append((deadline, number))
      }
    }
    #expect(queue.keyCount <= 2 * queue.count + 64)
    expected.sort { ($0.deadline, $0.number) < ($1.deadline, $1.number) }
    #expect(queue.nextDeadline()?.nanoseconds == expected.first?.deadline)
    var fired: [Int] = []
    for now in UInt64(0)...99 {
      fired += queue.due(at: Instant(nanoseconds: now)).compactMap { queue.take($0) }
    }
    #expect(fired == expected.map(\.number))
    #expect(queue.count == 0)
  }

  @Test func durationsRoundUpToMilliseconds() {
    #expect(Duration.nanoseconds(1).pollMilliseconds == 1)
    #expect(Duration.milliseconds(1_500).pollMilliseconds == 1_500)
    #expect(Duration.seconds(-1).pollMilliseconds == 0)
    #expect(Duration.seconds(Int64.max / 2).pollMilliseconds == 1_000_000_000)
  }
}

@Suite struct EventLoopTests {
  /// Both descriptors are ready in one pass; whichever handler comes first removes the other, and
  /// its slot is used again at once. The stale event must reach neither the old nor the new owner.
  @Test func staleEventsOfAPassAreDropped() throws {
    let loop = try EventLoop()
    let mailboxes = try (0..<3).map { _ in
      try Mailbox<Int>(capacity: 1, consumer: .reactor)
    }
    var tokens: [EventLoop.Token?] = [nil, nil]
    var calls: [Int] = []
    for index in 0..<2 {
      _ = mailboxes[index].post(0)
      tokens[index] = try loop.register(mailboxes[index].descriptor, interest: .read) { _ in
        calls.append(index)
        for token in tokens { if let token { loop.deregister(token) } }
        _ = try? loop.register(mailboxes[2].descriptor, interest: .read) { _ in calls.append(2) }
      }
    }
    try loop.runOnce(atMost: .zero)
    #expect(calls.count == 1)
    try loop.runOnce(atMost: .zero)
    #expect(calls.count == 1)
    // Dead tokens harm nobody.
    for token in tokens {
      if let token {
        loop.modify(token, interest: .write)
        loop.deregister(token)
      }
    }
  }

  @Test func interestDecidesWhatIsReported() throws {
    let loop = try EventLoop()
    let mailbox = try Mailbox<Int>(capacity: 1, consumer: .reactor)
    var calls: [EventLoop.Readiness] = []
    let token = try loop.register(mailbox.descriptor, interest: []) { calls.append($0) }
    _ = mailbox.post(1)
    try loop.runOnce(atMost: .zero)
    #expect(calls == [])
    loop.modify(token, interest: [.read, .write])
    try loop.runOnce(atMost: .zero)
    #expect(calls == [[.readable, .writable]])
  }

  @Test func signalsArriveAsBytes() throws {
    // In a thread of its own: the mask of the test runner's threads stays as it is.
    let results = try Mailbox<[Signal]>(capacity: 1)
    let worker = try WorkerThread(name: "signals") {
      guard let pipe = try? SignalPipe() else { return }
      pthread_kill(pthread_self(), SIGHUP)
      pthread_kill(pthread_self(), SIGHUP)
      pthread_kill(pthread_self(), SIGTERM)
      _ = results.post(pipe.take())
    }
    worker.join()
    #expect(Set(results.drain().joined()) == [.hangUp, .terminate])
  }

}
