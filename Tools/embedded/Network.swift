import CSupport

// The engine on a bare machine: XOR, learned by a network of 2, 8 and 2 units whose arena is laid out by hand. It is
// compiled with the engine's sources into one module, in Embedded Swift and without allocations.

private let (inputs, hidden, outputs, lanes) = (2, 8, 2, 16)

/// Hands out the arena's bytes, whole cache lines.
private struct Places {
  var end = 0

  mutating func take(_ floats: Int) -> Int {
    defer { end += (floats * 4 + Arena.alignment - 1) / Arena.alignment * Arena.alignment }
    return end
  }

  mutating func block(_ floats: Int) -> BlockSlot { BlockSlot(byteOffset: take(floats)) }
  mutating func parameter(_ count: Int) -> Parameter {
    let weight = SharedSlot(byteOffset: take(count))
    return Parameter(weight: weight, gradient: SharedSlot(byteOffset: take(count)), count: count)
  }
}

private struct XORNetwork {
  var parameters: (Parameter, Parameter, Parameter, Parameter)
  var first: DenseOperation
  var second: DenseOperation
  var loss: CrossEntropyOperation
  var layout: ArenaLayout

  init() {
    var places = Places()
    parameters = (
      places.parameter(inputs * hidden), places.parameter(hidden),
      places.parameter(hidden * outputs), places.parameter(outputs)
    )
    let sharedByteCount = places.end
    places.end = 0
    let (x, y, z) = (
      places.block(inputs * lanes), places.block(hidden * lanes), places.block(outputs * lanes)
    )
    let (labels, dy, dz) = (
      places.block(lanes), places.block(hidden * lanes), places.block(outputs * lanes)
    )
    first = DenseOperation(
      inputCount: inputs, outputCount: hidden, activation: CS_TANH, input: x, output: y,
      weight: parameters.0.weight, bias: parameters.1.weight,
      training: DenseOperation.Training(
        outputGradient: dy, inputGradient: nil, transposed: places.block(lanes * 16), leading: 16,
        weight: parameters.0, bias: parameters.1, derivative: CS_TANH))
    second = DenseOperation(
      inputCount: hidden, outputCount: outputs, activation: CS_LINEAR, input: y, output: z,
      weight: parameters.2.weight, bias: parameters.3.weight,
      training: DenseOperation.Training(
        outputGradient: dz, inputGradient: dy, transposed: places.block(lanes * 16), leading: 16,
        weight: parameters.2, bias: parameters.3, derivative: CS_LINEAR))
    loss = CrossEntropyOperation(classCount: 2, logits: z, labels: labels, gradient: dz)
    layout = ArenaLayout(
      sharedByteCount: sharedByteCount, threadCount: 1, threadStride: 0, blockCount: 1,
      blockStride: places.end, blockSize: lanes)
  }

  /// Calls `body` with what runs.
  mutating func withProgram(_ body: (Program) -> Void) {
    let (x, z, labels, layout) = (first.input, second.output, loss.labels, layout)
    let parameters = parameters
    withUnsafePointer(to: &first) { first in
      withUnsafePointer(to: &second) { second in
        withUnsafePointer(to: &loss) { loss in
          let operations: (Operation, Operation, Operation) = (
            .dense(first), .dense(second), .crossEntropy(loss)
          )
          let backward = (
            BackwardStep(operation: 2), BackwardStep(operation: 1), BackwardStep(operation: 0)
          )
          withBuffer(operations, 3) { (operations: UnsafeBufferPointer<Operation>) in
            withBuffer(backward, 3) { (backward: UnsafeBufferPointer<BackwardStep>) in
              withBuffer(parameters, 4) { (parameters: UnsafeBufferPointer<Parameter>) in
                body(
                  Program(
                    operations: operations, forwardCount: 3, backwardSteps: backward,
                    parameters: parameters, layout: layout, inputChannels: inputs, inputPixels: 1,
                    input: x, outputChannels: outputs, outputPixels: 1, output: z,
                    targets: TargetSlot(
                      slot: labels, isLabels: true, channels: outputs, pixels: 1)))
              }
            }
          }
        }
      }
    }
  }
}

/// Calls `body` with the `count` parts of a tuple as a buffer.
private func withBuffer<Tuple, Element>(
  _ tuple: Tuple, _ count: Int, _ body: (UnsafeBufferPointer<Element>) -> Void
) {
  withUnsafePointer(to: tuple) {
    body(
      UnsafeBufferPointer(
        start: UnsafeRawPointer($0).assumingMemoryBound(to: Element.self), count: count))
  }
}

extension Parameter {
  private func values(_ arena: borrowing Arena) -> UnsafeMutablePointer<Float> {
    (arena.base + weight.byteOffset).assumingMemoryBound(to: Float.self)
  }

  /// -5/8, ..., 5/8: exact in binary.
  fileprivate func draw(_ arena: borrowing Arena) {
    for index in 0..<count {
      values(arena)[index] = Float((index * 7 + 3) % 11 - 5) / 8
    }
  }

  /// FNV-1a of the bytes, the low ones first.
  fileprivate func add(to hash: inout UInt32, _ arena: borrowing Arena) {
    for index in 0..<count {
      var bits = values(arena)[index].bitPattern
      for _ in 0..<4 {
        hash = (hash ^ bits & 0xff) &* 0x0100_0193
        bits >>= 8
      }
    }
  }
}

/// Trains for so many steps of plain gradient descent, at a rate of 1/4, on all four points.
///
/// Source of the hash: `EmbeddedEngineTests` trains the same network as a `Model`.
/// Returns: FNV-1a of the bits of the weights, layer by layer, kernel before bias; 0 where the arena is too small or starts
/// on no cache line.
@_cdecl("embedded_train")
func embeddedTrain(_ memory: UnsafeMutableRawPointer, _ byteCount: Int, _ steps: Int) -> UInt32 {
  var network = XORNetwork()
  guard byteCount >= network.layout.byteCount,
    UInt(bitPattern: memory) % UInt(Arena.alignment) == 0,
    let arena = try? Arena(base: memory, byteCount: byteCount)
  else { return 0 }
  arena.clear()
  let (w1, b1, w2, b2) = network.parameters
  w1.draw(arena)
  w2.draw(arena)
  network.withProgram { train($0, steps, arena) }
  var hash: UInt32 = 0x811c_9dc5
  w1.add(to: &hash, arena)
  b1.add(to: &hash, arena)
  w2.add(to: &hash, arena)
  b2.add(to: &hash, arena)
  return hash
}

private func train(_ program: Program, _ steps: Int, _ arena: borrowing Arena) {
  let points: (Float, Float, Float, Float, Float, Float, Float, Float) = (0, 0, 0, 1, 1, 0, 1, 1)
  let classes: (UInt16, UInt16, UInt16, UInt16) = (0, 1, 1, 0)
  let order: (UInt32, UInt32, UInt32, UInt32) = (0, 1, 2, 3)
  var sums: (Float, Float, Float, Float, Float, Float, Float, Float) = (0, 0, 0, 0, 0, 0, 0, 0)
  let base = arena.base
  let byteCount = arena.byteCount
  withBuffer(points, 8) { (points: UnsafeBufferPointer<Float>) in
    withBuffer(classes, 4) { (classes: UnsafeBufferPointer<UInt16>) in
      withBuffer(order, 4) { (order: UnsafeBufferPointer<UInt32>) in
        withUnsafeMutablePointer(to: &sums) { sums in
          guard let kernels = cs_kernels_for(CS_ISA_PORTABLE) as UnsafePointer<cs_kernels>?,
            let arena = try? Arena(base: base, byteCount: byteCount)
          else { return }
          var context = RunContext(
            kernels: kernels, team: nil, threadCount: 1,
            images: ImageSource(.floats(points.baseAddress!, stride: 2)),
            indices: order.baseAddress!, imageCount: 4)
          context.targets = TargetSource(.labels(classes.baseAddress!))
          context.losses = UnsafeMutableRawPointer(sums).assumingMemoryBound(to: Float.self)
          context.hits = context.losses.map { $0 + 4 }
          context.update = .sgd(learningRate: 0.25)
          for _ in 0..<steps { program.train(&context, arena: arena) }
        }
      }
    }
  }
}
