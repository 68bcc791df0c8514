import Glibc
import Synchronization
import Testing
import Transport

@testable import Daemon

/// Answers of several threads, in the order of the questions.
@Suite struct OrderedPoolTests {
  private final class Gate: Sendable {
    private let isOpen = Atomic(false)
    func open() { isOpen.store(true, ordering: .releasing) }
    /// Turns until another thread has opened it.
    func pass() { while !isOpen.load(ordering: .acquiring) { sched_yield() } }
  }

  private final class Counter: Sendable {
    private let value = Atomic(0)
    var count: Int { value.load(ordering: .relaxed) }
    @discardableResult func add() -> Int { value.wrappingAdd(1, ordering: .relaxed).newValue }
  }

  @Test(arguments: [1, 2, 3, 100]) func answersAreInTheOrderOfTheQuestions(threads: Int) throws {
    let pool = try OrderedPool<Int, String>(name: "judge", threadCount: threads)
    defer { pool.stop() }
    for count in [0, 1, 7, 8, 9, 1_000] {
      let questions = Array(0..<count)
      #expect(pool.answers(to: questions) { "\($0)" } == questions.map { "\($0)" })
    }
  }

  /// Two threads wait in the first two shares until the third has answered all others but the last.
  /// Kills: answers in the order in which they end.
  @Test func answersThatEndOutOfOrderAreInOrder() throws {
    let pool = try OrderedPool<Int, Int>(name: "judge", threadCount: 3)
    defer { pool.stop() }
    let gate = Gate()
    let answers = pool.answers(to: Array(0..<104)) { question in
      if question == 0 || question == 8 { gate.pass() }
      if question == 96 { gate.open() }
      return question
    }
    #expect(answers == Array(0..<104))
  }

  /// The other thread waits in the first share for what the caller does meanwhile. Kills: work
  /// beside the list that is done before it is begun, or after it.
  @Test func theCallerDoesSomethingElseMeanwhile() throws {
    let pool = try OrderedPool<Int, Int>(name: "judge", threadCount: 2)
    defer { pool.stop() }
    let (isAsked, isDone) = (Gate(), Gate())
    let answers = pool.answers(to: Array(0..<16)) { question in
      isAsked.open()
      isDone.pass()
      return question
    } meanwhile: {
      isAsked.pass()
      isDone.open()
    }
    #expect(answers == Array(0..<16))
  }

  /// Kills: answers of an unfinished list handed out; a stop that waits for all of it.
  @Test(arguments: [1, 2]) func aStopInTheMiddleGivesNoAnswers(threads: Int) throws {
    let pool = try OrderedPool<Int, Int>(name: "judge", threadCount: threads)
    let begun = Gate()
    let stopper = try WorkerThread(name: "stopper") {
      begun.pass()
      pool.stop()
    }
    let asked = Counter()
    let answers = pool.answers(to: Array(0..<10_000)) { question in
      asked.add()
      guard question >= 64 else { return question }
      begun.open()
      while !pool.isStopped { sched_yield() }
      return question
    }
    stopper.join()
    #expect(answers == nil)
    #expect(asked.count < 10_000)
    #expect(pool.answers(to: [1]) { $0 } == nil)
  }
}
