import Cryptography
import Glibc
import Replication
import Transport

/// A plain TLS copy: a file is read, sent over one TLS connection on loopback, written and synced.
/// What the transfer of a large file is held against: no protocol, no digest, no other traffic.
///
/// CPU seconds of 1 GiB at both ends, all threads: the copy 1.7 to 2.4, as memory is warm or not;
/// ours 6.0 at 5bca83b, 3.2 at 1b48530, 2.35 at 87814a4. What went between the last two, by perf:
/// - 280 ms: pieces began 72 bytes after a page, and the kernel looked for space page by page. They
///   end at powers of two now, and space is reserved by 8 MiB.
/// - 200 ms: glibc gave freed pieces back, and took them anew page by page.
/// - 180 ms: three reads, a timer and copies of the session for each piece.
/// - 150 ms: a look into the store for each 512 KiB that is read ahead; compressing in vain.
///
/// What is left, of 2,080 ms: AES 410 and SHA-256 480; write and its advice 260; the sockets 250,
/// of which 45 for WANTs; reading 65; copies between BIO, buffers and frames 150; epoll and
/// wake-ups 85; OpenSSL beside the ciphers 70; sessions and Swift's runtime 150; the rest.
///
/// Since then, by sched_switch: one of the two cores was idle for 67 % of the time, while both
/// reactors waited for a core for 25 to 32 % of it.
/// - The sender stood still for each stretch of 2 MiB that was read only when it was wanted; the
///   next one is read meanwhile now: 520 -> 608 MB/s.
/// - The receiver took up to the whole window in one read, and granted more only when all of it was
///   decrypted: reads of 64 KiB, 560 -> 662 MB/s; with others at work 536 -> 597.
/// - The bench took 8 % of a core to look, and woke up in front of the threads it measures.
/// The gains of each were measured beside others' work and are rough. All together, medians of
/// three in turn on a free machine: 706 -> 755 MB/s, 2.19 -> 2.10 CPU seconds, beside copies of
/// 1,100. The cores are busy for nine tenths of the time now. The receiver's thread that writes and
/// hashes is the narrowest: it runs for 70 % and waits for a core for 37 %.
///
/// Then, by perf with the time of SHA-256 as the measure (others were at work; what a fixed piece
/// of work takes is what the rest can be held against), 2,270 -> 1,940 ms of all threads of both
/// ends:
/// - Memory BIOs copied each byte once more in both directions and cleared their room before:
///   arrays that are handed on took 128 -> 87 ms of copying and 16 -> 1 of clearing. The copy has
///   as much of it.
/// - OpenSSL's queue of errors was cleared before each record, 14 ms; now it is looked into, 4.
/// - Pieces that wait for the thread of files are written and granted as one: the kernel below the
///   receiver's reactor 200 -> 142 ms; the sender reads WANTs 5,200 times instead of 7,500.
/// Whole runs on a free machine, medians of three in turn: 680 -> 789 MB/s, 2.24 -> 2.03 CPU
/// seconds, beside copies of 1,046 -> 1,118, which gain from the first. Giving the thread of files
/// or the reactors another priority did nothing, medians of four each.
///
/// What is left, of 1,940 ms: SHA-256 500; AES and OpenSSL beside it 430; write 115, a quarter of
/// it for the heads of buffers, and advice 90, a third of it for the same; the sender's socket 125
/// and reads of files 60; the receiver's socket 57, its WANTs 35, waking the thread of files 30,
/// epoll 30; copies 87, of which 16 are the payload out of the assembler and the others OpenSSL's;
/// Swift's runtime and ours 120, spread over everything, no function above 11; the right to a
/// stretch looked up 38.
///
/// Left: who wakes a thread keeps its core, it seems: the woken one waits there for its turn though
/// the other core is free (too little of Linux's search for an idle one is left above 60 % load, we
/// suppose). It costs where both ends share a machine. Not tried: the hash in a thread of its own;
/// frames whose payload is a part of what was decrypted (16 ms); the right to a stretch looked up
/// only when the store has changed (some 25 ms, for a rule about secrecy that is harder to see).
///
/// Tried and dropped, no more than noise: O_DIRECT (128 KiB at a time: slower, no less CPU);
/// RWF_DONTCACHE or sync_file_range instead of the advice; other stretches of writing back; hashing
/// in slices when no piece waits (679 MB/s beside 667); sending a piece by halves, so that the
/// other end decrypts one while the next is encrypted; four pieces of 64 KiB (2.67 CPU seconds
/// beside 2.55). Slower: turns of 0.1 ms for all threads of both ends (509 MB/s beside 690, each of
/// four in turn, with others at work), since each wake-up then interrupts. Not shown to help, the
/// machine was too busy: each daemon on a core of its own; turns of 10 ms; SCHED_BATCH.
enum CopyRun {
  /// What is read, sent and written at a time.
  private static let pieceByteCount = 256 << 10

  static func figures(byteCount: Int, seed: UInt64) throws(BenchFailure) -> Figures {
    let directory = try Laboratory.newDirectory()
    let (source, copy) = (directory + "/source", directory + "/copy")
    try write(SeededFile(byteCount: byteCount, seed: seed), to: source)
    let time = try measure(from: source, to: copy, byteCount)
    let compared = try ChildProcess("/usr/bin/cmp", [source, copy], log: directory + "/cmp.log")
    guard compared.result() == 0 else { throw BenchFailure("the copy differs; see \(directory)") }
    try Laboratory.remove(directory)
    var figures = Figures()
    figures.add("sizeBytes", count: byteCount)
    figures.add("copySeconds", Double(time) / 1e9, decimals: 2)
    figures.add(
      "copyMBPerSecond", Statistics.rate(byteCount, nanoseconds: time) / 1e6, decimals: 1)
    return figures
  }

  private static func write(_ file: SeededFile, to path: String) throws(BenchFailure) {
    let output = try ByteStream.open(path, O_WRONLY | O_CREAT)
    for offset in file.offsets { try output.write(file.piece(at: offset)) }
    try output.sync()
  }

  /// The handshake is inside the time. Signals are blocked in both threads: an end that has failed
  /// is an error to the other, and does not end us.
  private static func measure(
    from source: String, to copy: String, _ byteCount: Int
  ) throws(BenchFailure) -> UInt64 {
    let ends = try LineEnds()
    let (near, far) = try ByteStream.connection()
    let failure = Failure()
    let begun = MonotonicClock.now().nanoseconds
    let sender = try BenchThread.start("copy-sender") {
      do throws(BenchFailure) { try send(source, over: near, try ends.connection(.client)) } catch {
        failure.record(error)
        near.end()
      }
    }
    let receiver = try BenchThread.start("copy-receiver") {
      do throws(BenchFailure) {
        try receive(copy, byteCount, over: far, try ends.connection(.server))
      } catch {
        failure.record(error)
        far.end()
      }
    }
    sender.join()
    receiver.join()
    if let first = failure.first { throw first }
    return MonotonicClock.now().nanoseconds - begun
  }

  private static func send(
    _ path: String, over line: ByteStream, _ session: TLSConnection
  ) throws(BenchFailure) {
    try shakeHands(session, over: line)
    let file = try ByteStream.open(path, O_RDONLY)
    while true {
      let piece = try file.read(pieceByteCount)
      guard !piece.isEmpty else { return }
      guard session.write(piece.span) == piece.count else {
        throw BenchFailure("TLS takes no more: \(session.state)")
      }
      try line.write(session.takeCiphertext())
    }
  }

  private static func receive(
    _ path: String, _ byteCount: Int, over line: ByteStream, _ session: TLSConnection
  ) throws(BenchFailure) {
    try shakeHands(session, over: line)
    let file = try ByteStream.open(path, O_WRONLY | O_CREAT)
    var arrivedCount = 0
    while arrivedCount < byteCount {
      var plain: [UInt8] = []
      arrivedCount += session.readPlaintext(
        appendingTo: &plain, limit: byteCount - arrivedCount)
      if plain.isEmpty { try receive(session, over: line) } else { try file.write(plain) }
    }
    try file.sync()
  }

  private static func shakeHands(
    _ session: TLSConnection, over line: ByteStream
  ) throws(BenchFailure) {
    try line.write(session.takeCiphertext())
    while case .handshaking = session.state {
      try receive(session, over: line)
      try line.write(session.takeCiphertext())
    }
    guard case .established = session.state else { throw BenchFailure("TLS: \(session.state)") }
  }

  private static func receive(
    _ session: TLSConnection, over line: ByteStream
  ) throws(BenchFailure) {
    let bytes = try line.read(min(pieceByteCount, session.inputCapacity))
    guard !bytes.isEmpty else { throw BenchFailure("the line of the copy ends too early") }
    session.receive(bytes[...])
  }
}
