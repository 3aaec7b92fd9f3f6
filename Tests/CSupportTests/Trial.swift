import CSupport
import FixedNet
import KernelCheck
import Testing

extension InstructionSet {
  /// Those of this processor.
  static let available = allCases.filter { $0 <= .best }
}

/// One random draw of a test: makes its buffers, runs kernels on them, and reports what differs in
/// one line.
final class Trial {
  typealias Outputs = [UnsafeMutablePointer<Float>]

  var random: Random
  /// What was drawn, for the messages.
  var shape = ""

  private let name: String
  private let kernels: cs_kernels
  private let reference = cs_kernels_reference().pointee
  private let offset: Int
  private var buffers: [KernelBuffer] = []
  private var failed = false
  /// Whether subnormal numbers count as zero: one that a kernel only passes on may then be either.
  private let flushes: Bool

  private init(_ set: InstructionSet?, draw: Int, flushes: Bool) {
    name = "\(set?.rawValue ?? "reference"), draw \(draw)\(flushes ? ", flushing" : "")"
    self.flushes = flushes
    kernels = set?.kernels.pointee ?? reference
    random = Random(draw: draw)
    offset = draw % 2 == 0 ? 0 : 5
  }

  /// Runs `body` on random draws, the same ones for every instruction set (nil: for the reference),
  /// and stops after the first that fails. Where bits are compared, every draw runs twice: as the processor is, and with
  /// subnormal numbers flushed as a network's runs do.
  static func run(_ set: InstructionSet?, draws: Int, _ body: (Trial) -> Void) {
    for draw in 0..<draws {
      for flushes in set == nil ? [false] : [false, true] {
        let trial = Trial(set, draw: draw, flushes: flushes)
        if flushes { flushing { body(trial) } } else { body(trial) }
        trial.checkGuards()
        if trial.failed { return }
      }
    }
  }

  /// Runs `body` as a team runs what it is given.
  static func flushing(_ body: () -> Void) {
    withoutActuallyEscaping(body) { body in
      var body = body
      withUnsafeMutablePointer(to: &body) { pointer in
        cs_team_run(
          nil, CS_FLUSH_SUBNORMALS,
          { context, _ in context.assumingMemoryBound(to: (() -> Void).self).pointee() },
          pointer)
      }
    }
  }

  // MARK: Buffers

  /// Random numbers. Buffers start 64-byte aligned in every other draw, and off by 5 floats else.
  func input(_ count: Int, _ values: kc_values? = nil, scale: Float = 1) -> KernelBuffer {
    let buffer = output(count)
    kc_fill_random(buffer.values, count, random.seed(), values ?? random.values)
    if scale != 1 { kc_scale(buffer.values, count, scale) }
    return buffer
  }

  /// One number in -1 ..< 1.
  func number() -> Float { input(1, KC_PLAIN).values[0] }

  func output(_ count: Int) -> KernelBuffer { keep(KernelBuffer(count, offset: offset)) }

  func copy(_ other: KernelBuffer) -> KernelBuffer {
    let buffer = output(other.count)
    buffer.copy(from: other)
    return buffer
  }

  /// One image of a block of 16.
  func image(_ lane: Int32, of block: KernelBuffer) -> KernelBuffer {
    let buffer = output(block.count / 16)
    kc_copy_lane(block.values, lane, buffer.count, buffer.values)
    return buffer
  }

  /// The columns of a matrix as rows.
  func transposed(_ matrix: KernelBuffer, rows: Int) -> KernelBuffer {
    let buffer = output(matrix.count)
    let columns = matrix.count / max(rows, 1)
    for row in 0..<rows {
      for column in 0..<columns {
        buffer.values[column * rows + row] = matrix.values[row * columns + column]
      }
    }
    return buffer
  }

  func scratch(
    _ shape: inout cs_conv2d, _ pass: cs_conv2d_pass, _ block: Int32
  ) -> UnsafeMutablePointer<Float> {
    keep(KernelBuffer(cs_conv2d_scratch(&shape, pass, block), offset: 0)).values
  }

  func winogradScratch(_ shape: inout cs_conv2d, backward: Bool) -> UnsafeMutablePointer<Float> {
    keep(KernelBuffer(cs_winograd_scratch(&shape, backward ? 1 : 0), offset: 0)).values
  }

  /// `count` floats that start 64-byte aligned.
  func scratch(_ count: Int) -> UnsafeMutablePointer<Float> {
    keep(KernelBuffer(count, offset: 0)).values
  }

  private func keep(_ buffer: KernelBuffer) -> KernelBuffer {
    buffers.append(buffer)
    return buffer
  }

  // MARK: Checks

  /// Runs the reference and the tested kernels, each on outputs of its own (which start as `initial`
  /// or unwritten), and requires identical bits. Returns the reference's outputs.
  @discardableResult
  func compare(
    _ outputs: KeyValuePairs<String, Int>, from initial: [KernelBuffer]? = nil,
    sourceLocation: SourceLocation = #_sourceLocation, _ run: (cs_kernels, Outputs) -> Void
  ) -> [KernelBuffer] {
    let expected = initial?.map { copy($0) } ?? outputs.map { output($0.value) }
    let found = initial?.map { copy($0) } ?? outputs.map { output($0.value) }
    run(reference, expected.map(\.values))
    run(kernels, found.map(\.values))
    for (index, (what, _)) in outputs.enumerated() {
      require(found[index], equals: expected[index], what, sourceLocation)
    }
    return expected
  }

  /// Runs the tested kernels on a copy of `initial` (or an unwritten output) and requires the bits
  /// of `expected`.
  func expect(
    _ what: String, _ expected: KernelBuffer, from initial: KernelBuffer? = nil,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ run: (cs_kernels, UnsafeMutablePointer<Float>) -> Void
  ) {
    let found = initial.map { copy($0) } ?? output(expected.count)
    run(kernels, found.values)
    require(found, equals: expected, what, sourceLocation)
  }

  /// Requires |found - exact| <= (terms + 10) 2^-24 sum |terms|: the bound of any order of `terms`
  /// additions, and some roundings more.
  func expectNear(
    _ what: String, _ found: KernelBuffer, _ exact: ExactSums, terms: Int,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let index = kc_first_outside(exact.values, found.values, exact.count, Double(terms + 10))
    guard index < exact.count else { return }
    let (value, sum) = (found.values[index], exact.values[index])
    report(
      "\(what)[\(index)] is \(value), the formula says \(sum.value) of \(sum.magnitude)",
      sourceLocation)
  }

  /// Requires that no place is wrong.
  func expect(
    _ what: String, at wrong: Int?, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    if let wrong { report("\(what): [\(wrong)] is wrong", sourceLocation) }
  }

  private func require(
    _ found: KernelBuffer, equals expected: KernelBuffer, _ what: String,
    _ sourceLocation: SourceLocation
  ) {
    let index = kc_first_difference(
      expected.values, found.values, expected.count, flushes ? 1 : 0)
    guard index < expected.count else { return }
    report(
      "\(what)[\(index) of \(expected.count)] is \(found.values[index]), "
        + "expected \(expected.values[index])", sourceLocation)
  }

  private func checkGuards() {
    for buffer in buffers {
      guard let index = buffer.brokenGuard else { continue }
      report("[\(index)] of a buffer of \(buffer.count) was written", #_sourceLocation)
    }
  }

  private func report(_ message: String, _ sourceLocation: SourceLocation) {
    failed = true
    Issue.record("\(name), \(shape): \(message)", sourceLocation: sourceLocation)
  }
}
