import Foundation

/// A progress line on the terminal, redrawn in place, and never wider than it: on a narrow one the less important parts
/// are left out. Drawing allocates nothing: the text is put together in a buffer of fixed size and handed to write(2), so
/// that it can run between two training steps.
package struct ProgressLine: ~Copyable {
  private let buffer: UnsafeMutableBufferPointer<UInt8>
  private var count = 0
  /// Columns that the line may have, and has.
  private var room = 0
  private var used = 0
  private var lastDrawn = 0.0
  /// Whether the line can be redrawn; else nothing is shown between epochs.
  package let isTerminal: Bool
  private let descriptor: Int32

  package init(isQuiet: Bool) {
    self.init(descriptor: STDOUT_FILENO, isTerminal: !isQuiet && isatty(STDOUT_FILENO) == 1)
  }

  /// `descriptor`: where the line is written.
  package init(descriptor: Int32, isTerminal: Bool) {
    buffer = .allocate(capacity: 512)
    self.descriptor = descriptor
    self.isTerminal = isTerminal
  }

  deinit { buffer.deallocate() }

  /// Seconds of a clock that only goes forward.
  package static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// Draws at most ten times a second, and always when the epoch is done.
  package mutating func draw(
    epoch: Int, of epochs: Int, step: Int, stepsPerEpoch: Int, loss: Double, accuracy: Double,
    epochSeconds: Double, stepsDone: Int
  ) {
    guard isTerminal else { return }
    let now = ProgressLine.now
    guard now - lastDrawn > 0.1 || step == stepsPerEpoch else { return }
    lastDrawn = now
    let rate = epochSeconds > 0 ? Double(stepsDone) / epochSeconds : 0
    let stepsLeft = (epochs - epoch) * stepsPerEpoch + stepsPerEpoch - step
    (count, used, room) = (0, 0, max(0, TerminalWidth.room(of: descriptor)))
    // What matters most comes first; the line's order is another one.
    let head = part { line in
      line.text("epoch ")
      line.number(epoch)
      line.text("/")
      line.number(epochs)
    }
    let lossPart = part { line in
      line.text("  loss ")
      line.fixed(loss)
    }
    let leftPart = part { line in
      line.text("  ")
      line.number(rate > 0 ? Int(min(Double(stepsLeft) / rate, 1e15) + 0.5) : 0)
      line.text(" s left")
    }
    let accuracyPart = part { line in
      line.text("  accuracy ")
      line.fixed(100 * accuracy)
      if !accuracy.isNaN { line.text(" %") }
    }
    let ratePart = part { line in
      line.text("  ")
      line.number(Int(min(rate, 1e15)))
      line.text(" batches/s")
    }
    let start = count
    text("\r")
    append(head)
    bar(step, of: stepsPerEpoch)
    append(ratePart)
    append(lossPart)
    append(accuracyPart)
    append(leftPart)
    text("\u{1B}[K")
    flush(from: start)
  }

  /// Puts a part of the line together, for `append`; an empty one where there is no room for it.
  private mutating func part(_ write: (inout ProgressLine) -> Void) -> Range<Int> {
    let start = count
    write(&self)
    guard used + count - start <= room else {
      count = start
      return start..<start
    }
    used += count - start
    return start..<count
  }

  private mutating func append(_ part: Range<Int>) {
    for index in part { byte(buffer[index]) }
  }

  /// Up to 20 cells of what the other parts leave.
  private mutating func bar(_ step: Int, of steps: Int) {
    let cells = min(20, room - used - 3)
    guard cells >= 5 else { return }
    text(" [")
    for cell in 0..<cells { text(cell * steps < step * cells ? "=" : " ") }
    text("]")
  }

  /// Removes the line, so that something can be printed in its place.
  package mutating func clear() {
    guard isTerminal else { return }
    count = 0
    text("\r\u{1B}[K")
    flush(from: 0)
  }

  private func flush(from start: Int) {
    guard let base = buffer.baseAddress else { return }
    _ = write(descriptor, base + start, count - start)
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
