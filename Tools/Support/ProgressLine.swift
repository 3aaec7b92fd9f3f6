import Foundation

/// A progress line on the terminal, redrawn in place. Drawing allocates nothing: the text is put together in a buffer
/// of fixed size and handed to write(2), so that it can run between two training steps.
public struct ProgressLine: ~Copyable {
  private let buffer: UnsafeMutableBufferPointer<UInt8>
  private var count = 0
  private var lastDrawn = 0.0
  /// Whether the line can be redrawn; else nothing is shown between epochs.
  public let isTerminal: Bool
  private let descriptor: Int32

  public init(isQuiet: Bool) {
    self.init(descriptor: STDOUT_FILENO, isTerminal: !isQuiet && isatty(STDOUT_FILENO) == 1)
  }

  /// `descriptor`: where the line is written.
  public init(descriptor: Int32, isTerminal: Bool) {
    buffer = .allocate(capacity: 256)
    self.descriptor = descriptor
    self.isTerminal = isTerminal
  }

  deinit { buffer.deallocate() }

  /// Seconds of a clock that only goes forward.
  public static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// Draws at most ten times a second, and always when the epoch is done.
  public mutating func draw(
    epoch: Int, of epochs: Int, step: Int, stepsPerEpoch: Int, loss: Double, accuracy: Double,
    epochSeconds: Double, stepsDone: Int
  ) {
    guard isTerminal else { return }
    let now = ProgressLine.now
    guard now - lastDrawn > 0.1 || step == stepsPerEpoch else { return }
    lastDrawn = now
    let rate = epochSeconds > 0 ? Double(stepsDone) / epochSeconds : 0
    let stepsLeft = (epochs - epoch) * stepsPerEpoch + stepsPerEpoch - step
    count = 0
    text("\repoch ")
    number(epoch)
    text("/")
    number(epochs)
    text(" [")
    for cell in 0..<20 { text(cell * stepsPerEpoch < step * 20 ? "=" : " ") }
    text("] ")
    number(Int(rate))
    text(" batches/s  loss ")
    fixed(loss)
    text("  accuracy ")
    fixed(100 * accuracy)
    text(accuracy.isNaN ? "  " : " %  ")
    number(rate > 0 ? Int(Double(stepsLeft) / rate + 0.5) : 0)
    text(" s left\u{1B}[K")
    flush()
  }

  /// Removes the line, so that something can be printed in its place.
  public mutating func clear() {
    guard isTerminal else { return }
    count = 0
    text("\r\u{1B}[K")
    flush()
  }

  private func flush() {
    _ = write(descriptor, buffer.baseAddress, count)
  }

  private mutating func byte(_ value: UInt8) {
    guard count < buffer.count else { return }
    buffer[count] = value
    count += 1
  }

  private mutating func text(_ value: StaticString) {
    for index in 0..<value.utf8CodeUnitCount { byte(value.utf8Start[index]) }
  }

  private mutating func number(_ value: Int) {
    if value >= 10 { number(value / 10) }
    byte(UInt8(ascii: "0") + UInt8(max(0, value) % 10))
  }

  /// Four decimals below 10, two above.
  private mutating func fixed(_ value: Double) {
    guard value.isFinite, value >= 0, value < 1e9 else { return text("-") }
    let decimals = value < 10 ? 4 : 2
    let scale = decimals == 4 ? 10_000 : 100
    let scaled = Int((value * Double(scale)).rounded())
    number(scaled / scale)
    text(".")
    var digit = scale / 10
    while digit > 0 {
      byte(UInt8(ascii: "0") + UInt8(scaled / digit % 10))
      digit /= 10
    }
  }
}
