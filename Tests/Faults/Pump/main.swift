/// A wide-area line between two TUN devices, for tests on a kernel without `netem`: what is written
/// to one comes out of the other late, out of order, twice, or not at all.
///
///     pump NEAR FAR SEED [NAME=VALUE...]
///
/// makes the devices NEAR and FAR, says `ready`, and carries packets until SIGTERM; then, and on
/// SIGUSR1, it prints its counters. SIGUSR2 stops, or lets go on, what goes from NEAR to FAR. The
/// caller moves the devices to network namespaces: they stay with this process. Needs root.
///
/// Names: `loss`, `reorder`, `duplicate` in thousandths; `delay` (one way), `jitter`,
/// `reorder-delay` in microseconds; `rate` in bits a second; `queue` in bytes.
import Glibc

func say(_ text: String) {
  let line = text + "\n"
  line.withCString { text in _ = write(STDOUT_FILENO, text, strlen(text)) }
}

func end(_ text: String, _ code: CInt = 1) -> Never {
  let line = "pump: \(text)\n"
  line.withCString { text in _ = write(STDERR_FILENO, text, strlen(text)) }
  exit(code)
}

func nanoseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// What a TUN device takes: whole packets, as they stand on a link without Ethernet.
func openDevice(_ name: String) -> CInt {
  let setInterface: UInt = 0x4004_54CA  // TUNSETIFF, which Swift cannot see: it is a macro
  let tunWithoutHeader: UInt16 = 0x0001 | 0x1000  // IFF_TUN | IFF_NO_PI
  let nameLimit = 15
  let device = open("/dev/net/tun", O_RDWR | O_NONBLOCK)
  guard device >= 0 else { end("/dev/net/tun: \(String(cString: strerror(errno)))") }
  guard name.utf8.count <= nameLimit else { end("\(name) is too long for a device") }
  // struct ifreq: the name in 16 bytes, then the flags.
  var request = [UInt8](repeating: 0, count: 40)
  for (index, byte) in name.utf8.enumerated() { request[index] = byte }
  request[16] = UInt8(tunWithoutHeader & 0xFF)
  request[17] = UInt8(tunWithoutHeader >> 8)
  guard request.withUnsafeMutableBytes({ ioctl(device, setInterface, $0.baseAddress!) }) == 0 else {
    end("\(name): \(String(cString: strerror(errno)))")
  }
  return device
}

func shape(_ settings: ArraySlice<String>) -> Line.Shape {
  var shape = Line.Shape()
  for setting in settings {
    let parts = setting.split(separator: "=", maxSplits: 1)
    guard parts.count == 2, let value = UInt64(parts[1]), value < 1 << 40 else {
      end("\(setting): NAME=NUMBER is needed", 64)
    }
    switch parts[0] {
    case "loss": shape.lossPerMille = Int(value)
    case "reorder": shape.reorderPerMille = Int(value)
    case "duplicate": shape.duplicatePerMille = Int(value)
    case "delay": shape.delay = value * 1_000
    case "jitter": shape.jitter = value * 1_000
    case "reorder-delay": shape.reorderDelay = value * 1_000
    case "rate" where value > 0: shape.bitsPerSecond = value
    case "queue": shape.queueByteCount = value
    default: end("\(setting): not known", 64)
    }
  }
  return shape
}

/// Signals wait until they are asked for, so that nothing runs in between.
func blockSignals() -> sigset_t {
  var signals = sigset_t()
  sigemptyset(&signals)
  for signal in [SIGUSR1, SIGUSR2, SIGTERM, SIGINT] { sigaddset(&signals, signal) }
  sigprocmask(SIG_BLOCK, &signals, nil)
  return signals
}

struct Pump {
  var lines: [Line]
  let devices: [CInt]
  var signals: sigset_t
  private var buffer = [UInt8](repeating: 0, count: 65_536)

  /// Packets of one device in one pass.
  private static let packetsPerPass = 64
  /// How late a signal may be seen.
  private static let signalMilliseconds: UInt64 = 50
  private static let napNanoseconds: UInt64 = 200_000

  init(lines: [Line], devices: [CInt], signals: sigset_t) {
    self.lines = lines
    self.devices = devices
    self.signals = signals
  }

  mutating func run() {
    var polled = devices.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    while !isEnded() {
      _ = poll(&polled, nfds_t(polled.count), pause())
      for index in devices.indices where polled[index].revents != 0 { read(index) }
      deliver()
    }
  }

  /// Milliseconds that nothing is due in; what is less than one is slept here, a little at a time.
  private func pause() -> CInt {
    guard let due = lines.compactMap(\.nextDue).min() else { return CInt(Self.signalMilliseconds) }
    let now = nanoseconds()
    let left = due > now ? due - now : 0
    guard left < 1_000_000 else { return CInt(min(left / 1_000_000, Self.signalMilliseconds)) }
    var nap = timespec(tv_sec: 0, tv_nsec: Int(min(left, Self.napNanoseconds)))
    if left > 0 { nanosleep(&nap, nil) }
    return 0
  }

  private mutating func read(_ index: Int) {
    for _ in 0..<Self.packetsPerPass {
      let count = Glibc.read(devices[index], &buffer, buffer.count)
      guard count > 0 else { return }
      lines[index].take(Array(buffer[..<count]), now: nanoseconds())
    }
  }

  /// A packet that the device does not take is gone, as on any line.
  private mutating func deliver() {
    let now = nanoseconds()
    for index in lines.indices {
      while let packet = lines[index].arrived(by: now) {
        _ = Glibc.write(devices[1 - index], packet, packet.count)
      }
    }
  }

  private mutating func isEnded() -> Bool {
    var pending = sigset_t()
    sigpending(&pending)
    guard [SIGUSR1, SIGUSR2, SIGTERM, SIGINT].contains(where: { sigismember(&pending, $0) == 1 })
    else { return false }
    var signal: CInt = 0
    sigwait(&signals, &signal)
    switch signal {
    case SIGUSR2: lines[0].isSilent.toggle()
    case SIGUSR1: tell()
    default: return true
    }
    return false
  }

  func tell() {
    for (name, line) in zip(["out", "back"], lines) {
      let counters = line.counters
      say(
        "\(name) packets \(counters.packets) bytes \(counters.bytes) lost \(counters.lost)"
          + " overflowed \(counters.overflowed) silenced \(counters.silenced)"
          + " reordered \(counters.reordered) duplicated \(counters.duplicated)"
          + " mostQueuedBytes \(counters.mostQueuedBytes)")
    }
  }
}

let arguments = CommandLine.arguments
guard arguments.count >= 4, let seed = UInt64(arguments[3]) else {
  end("usage: pump NEAR FAR SEED [NAME=VALUE...]", 64)
}
let lineShape = shape(arguments[4...])
let signals = blockSignals()
var pump = Pump(
  lines: [Line(lineShape, seed: seed), Line(lineShape, seed: ~seed)],
  devices: [openDevice(arguments[1]), openDevice(arguments[2])], signals: signals)
say("ready")
pump.run()
pump.tell()
