import FixedNetCore
import Testing

@testable import FixedNetCompute

/// What augmentation makes of images, when, and that nothing but seed, epoch and image changes it.
@Suite("Augmentation")
struct AugmentationTests {
  static let all = "shift=0.2,rotation=30,zoom=0.25,flip=both"

  // MARK: - One image

  /// 1 2 3 / 4 5 6 / 7 8 9, or as many as there are.
  private static func transformed(
    _ height: Int = 3, _ width: Int = 3, fill: Augmentation.Fill = .constant,
    _ change: (inout Augmentation.Amounts) -> Void
  ) -> [Float] {
    var amounts = Augmentation.Amounts()
    change(&amounts)
    var values = [Float](repeating: .nan, count: height * width)
    values.withUnsafeMutableBufferPointer { values in
      ImageTransform(height: height, width: width, amounts, fill: fill)
        .apply(channels: 1, to: values.baseAddress!, stride: 1) { pixel, _ in Float(pixel + 1) }
    }
    return values
  }

  @Test("whole shifts, mirror images and quarter turns move values and change none")
  func exact() {
    #expect(Self.transformed { _ in } == [1, 2, 3, 4, 5, 6, 7, 8, 9])
    #expect(Self.transformed { $0.rows = 1 } == [4, 5, 6, 7, 8, 9, 0, 0, 0])
    #expect(Self.transformed { $0.columns = -1 } == [0, 1, 2, 0, 4, 5, 0, 7, 8])
    #expect(
      Self.transformed(fill: .nearest) { $0.columns = -2 } == [1, 1, 1, 4, 4, 4, 7, 7, 7])
    #expect(
      Self.transformed(fill: .reflect) { $0.columns = -2 } == [2, 1, 1, 5, 4, 4, 8, 7, 7])
    #expect(Self.transformed(1, 3, fill: .reflect) { $0.columns = 7 } == [2, 3, 3])
    #expect(Self.transformed { $0.flipsHorizontally = true } == [3, 2, 1, 6, 5, 4, 9, 8, 7])
    #expect(Self.transformed { $0.flipsVertically = true } == [7, 8, 9, 4, 5, 6, 1, 2, 3])
    // Counterclockwise: the right column becomes the upper row.
    #expect(Self.transformed { $0.rotation = 90 } == [3, 6, 9, 2, 5, 8, 1, 4, 7])
    #expect(Self.transformed { $0.rotation = -90 } == [7, 4, 1, 8, 5, 2, 9, 6, 3])
    #expect(Self.transformed { $0.rotation = 180 } == [9, 8, 7, 6, 5, 4, 3, 2, 1])
    #expect(Self.transformed(2, 4) { $0.rotation = -180 } == [8, 7, 6, 5, 4, 3, 2, 1])
  }

  @Test("between pixels values are bilinear")
  func bilinear() {
    #expect(Self.transformed(1, 3) { $0.columns = 0.25 } == [1.25, 2.25, 2.25])
    #expect(Self.transformed(1, 3, fill: .nearest) { $0.columns = 0.25 } == [1.25, 2.25, 3])
    #expect(
      Self.transformed(2, 2, fill: .nearest) { ($0.rows, $0.columns) = (0.5, 0.5) } == [
        2.5, 3, 3.5, 4,
      ])
    // Twice as near: from -1 to 1 become -1/2 to 1/2.
    #expect(Self.transformed(1, 3) { $0.zoom = 0.5 } == [1.5, 2, 2.5])
    #expect(Self.transformed(3, 1, fill: .nearest) { $0.zoom = 2 } == [1, 2, 3])
  }

  // MARK: - What is drawn

  @Test("amounts are uniform within their limits, and each is drawn on its own")
  func distribution() throws {
    let augmentation = try Augmentation(text: "shift=0.1,rotation=30,zoom=0.2,flip=both")
    let count = 20_000
    let amounts = (0..<count).map {
      augmentation.amounts(
        height: 20, width: 50, seed: 3, epoch: UInt32($0 % 7), image: UInt32($0))
    }
    let columns: [([Double], Double)] = [
      (amounts.map(\.rotation), 30), (amounts.map(\.rows), 2), (amounts.map(\.columns), 5),
      (amounts.map { $0.zoom - 1 }, 0.2),
      (amounts.map { $0.flipsVertically ? 1 : -1 }, 1),
      (amounts.map { $0.flipsHorizontally ? 1 : -1 }, 1),
    ]
    func mean(_ values: some Sequence<Double>) -> Double { values.reduce(0, +) / Double(count) }
    for (index, (values, limit)) in columns.enumerated() {
      #expect(values.allSatisfy { abs($0) <= limit })
      #expect((values.max() ?? 0) > 0.99 * limit && (values.min() ?? 0) < -0.99 * limit)
      #expect(abs(mean(values)) < 0.03 * limit)
      // The variance of a uniform number is limit^2 / 3.
      let variance = mean(values.map { $0 * $0 }) / (limit * limit)
      #expect(abs(variance - (index < 4 ? 1.0 / 3 : 1)) < 0.01)
      for (other, otherLimit) in columns[..<index] {
        #expect(abs(mean(zip(values, other).map { $0 * $1 })) < 0.03 * limit * otherLimit)
      }
    }
  }

  @Test("seed, epoch and image each change what is drawn, and nothing that was not asked for")
  func keys() throws {
    let augmentation = try Augmentation(text: Self.all)
    func draw(_ augmentation: Augmentation, _ seed: UInt64, _ epoch: UInt32, _ image: UInt32)
      -> Augmentation.Amounts
    {
      augmentation.amounts(height: 8, width: 8, seed: seed, epoch: epoch, image: image)
    }
    let first = draw(augmentation, 1, 2, 3)
    #expect(draw(augmentation, 1, 2, 3) == first)
    for other in [(2, 2, 3), (1, 3, 3), (1, 2, 4), (1 | 1 << 40, 2, 3)]
      as [(UInt64, UInt32, UInt32)]
    {
      #expect(draw(augmentation, other.0, other.1, other.2) != first)
    }
    var expected = Augmentation.Amounts()
    expected.rotation = first.rotation
    #expect(draw(try Augmentation(text: "rotation=30"), 1, 2, 3) == expected)
    // Of one column nothing is drawn.
    let rows = augmentation.amounts(height: 8, width: 1, seed: 1, epoch: 2, image: 3)
    #expect(rows.columns == 0 && rows.rows == first.rows)
  }

  // MARK: - In a network

  /// A unit without bias whose target is 1/2 below its output of 0: the gradient of its kernel is the image.
  private static func seen(
    _ images: ImageSet, _ augmentation: Augmentation, blockSize: Int, step: Int
  ) throws -> [[Float]] {
    let model = Model(
      name: "m", input: images.shape,
      layers: [Flatten(name: "f"), Dense(name: "unit", units: 1, usesBias: false)])
    return try (0..<images.count).map { image in
      // All images in one block, one of which counts.
      let images = ImageSet(
        shape: images.shape, pixels: images.pixels, labels: [], targets: images.targets,
        targetWidth: 1, sampleWeights: (0..<images.count).map { $0 == image ? 1 : 0 })
      let network = try TestModels.network(
        model, batch: images.count, blockSize: blockSize, loss: .meanSquaredError,
        augmentation: augmentation)
      try network.load([
        LayerWeights(layer: "f", tensors: []),
        LayerWeights(
          layer: "unit", tensors: [Tensor(zeros: [images.shape.elementCount, 1])]),
      ])
      _ = try network.step(images, update: .sgd(learningRate: 0), step: step)
      let count = Float(images.count)
      return network.gradients[1].tensors[0].values.map { $0 * count }
    }
  }

  private static func images(_ shape: Shape, isBytes: Bool) -> ImageSet {
    var random = Philox(seed: 5, stream: 5).reader()
    let count = 5 * shape.elementCount
    let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    return ImageSet(
      shape: shape,
      pixels: isBytes ? .bytes(bytes) : .floats(bytes.map { Float($0) / 255 }), labels: [],
      targets: [Float](repeating: -0.5, count: 5), targetWidth: 1)
  }

  @Test(
    "a network sees the transformed images in blocks of 16 and 1, of bytes and of floats",
    arguments: [
      Shape.image(height: 6, width: 5, channels: 3), .matrix(rows: 7, columns: 2),
    ], [true, false])
  func network(_ shape: Shape, isBytes: Bool) throws {
    let images = Self.images(shape, isBytes: isBytes)
    let text = shape.dimensions.count == 3 ? Self.all : "shift=0.2,zoom=0.25"
    let augmentation = try Augmentation(text: text)
    let (height, channels) = (shape.dimensions[0], shape.channels)
    let width = shape.pixels / height
    let source = Self.images(shape, isBytes: false).pixels
    guard case .floats(let values) = source else { return }
    let expected = (0..<images.count).map { image in
      let amounts = augmentation.amounts(
        height: height, width: width, seed: 0, epoch: 4, image: UInt32(image))
      var result = [Float](repeating: .nan, count: shape.elementCount)
      result.withUnsafeMutableBufferPointer { result in
        ImageTransform(height: height, width: width, amounts, fill: .nearest).apply(
          channels: channels, to: result.baseAddress!, stride: 1
        ) { values[image * shape.elementCount + $0 * channels + $1] }
      }
      // The gradient is in Keras' order.
      return (0..<shape.elementCount).map {
        result[$0 % channels * shape.pixels + $0 / channels]
      }
    }
    for blockSize in [16, 1] {
      let seen = try Self.seen(images, augmentation, blockSize: blockSize, step: 4)
      for (seen, expected) in zip(seen, expected) {
        let difference = zip(seen, expected).map { abs($0 - $1) }.max() ?? .infinity
        #expect(difference < 1e-6, "\(seen) \(expected)")
      }
    }
  }

  /// The weights after two epochs of 50 images in mini-batches of 20.
  private func trained(
    _ model: Model, threads: Int = 1, planned: Int = 20, _ set: InstructionSet = .best,
    interruptedAfter steps: Int? = nil, change: (inout PlanOptions) -> Void = { _ in }
  ) throws -> UInt64 {
    var options = PlanOptions(batch: planned, isTraining: true, threads: threads, blockSize: 16)
    options.augmentation = try Augmentation(text: Self.all)
    change(&options)
    let network = try Network(NetworkPlan(model, options: options), instructionSet: set)
    try network.load(TestModels.weights(model))
    let images = TestModels.images(50, shape: model.input, classes: 5)
    func trainer(_ network: Network, _ position: TrainingPosition) throws -> Trainer {
      try Trainer(
        network: network, images: images, batch: 20,
        optimizer: OptimizerConfiguration(schedule: .constant(0.05)), seed: 11, position: position)
    }
    let first = try trainer(network, TrainingPosition())
    if let steps {
      while first.position.step < steps { _ = try first.runEpoch { $0.step < steps } }
      let other = try Network(NetworkPlan(model, options: options), instructionSet: set)
      try other.load(network.weights)
      let second = try trainer(other, first.position)
      while second.position.epoch < 2 { _ = try second.runEpoch() }
      return TestModels.hash(other.weights)
    }
    while first.position.epoch < 2 { _ = try first.runEpoch() }
    #expect(network.canariesAreIntact)
    return TestModels.hash(network.weights)
  }

  @Test("the same bits on all threads and instruction sets, and after an interruption")
  func bits() throws {
    for model in [TestModels.small, TestModels.varied] {
      let expected = try trained(model)
      #expect(try trained(model, threads: 3) == expected)
      for set in TestModels.instructionSets { #expect(try trained(model, set) == expected) }
      for steps in [1, 3, 4] {
        #expect(try trained(model, threads: 2, interruptedAfter: steps) == expected)
      }
      #expect(try trained(model) { $0.augmentation = Augmentation() } != expected)
    }
  }

  @Test("the same bits in parts and with recomputation; every fill and epoch differs")
  func parts() throws {
    var model = TestModels.pooled
    model.layers.insert(GaussianDropout(name: "noise", rate: 0.2), at: 3)
    model.changeKernels { $0.kernelRegularizer = Regularizer(l1: 0.001, l2: 0.001) }
    let expected = try trained(model)
    #expect(try trained(model, threads: 2, planned: 16) == expected)
    #expect(try trained(model) { $0.recomputes = true } == expected)
    let fills = try Augmentation.Fill.all.map { fill in
      try trained(model) { $0.augmentation.fill = fill }
    }
    #expect(Set(fills).count == 3)
  }

  @Test("it needs no memory, and has its place in the plan's steps")
  func memory() throws {
    for name in [BuiltInModel.dsCNN, .resNet8, .lenet] {
      let model = name.model()
      func plan(_ text: String?) throws -> NetworkPlan {
        var options = PlanOptions(batch: 16, isTraining: true, threads: 2)
        if let text { options.augmentation = try Augmentation(text: text) }
        return try NetworkPlan(model, options: options)
      }
      let (plain, augmented) = (try plan(nil), try plan(Self.all))
      #expect(augmented.memory.byteCount == plain.memory.byteCount)
      #expect(plain.memory.steps.first == "load input")
      #expect(augmented.memory.steps.first == "load and augment input")
    }
  }

  @Test(
    "the field's networks train with it, to the same bits on all threads",
    arguments: [BuiltInModel.dsCNN, .resNet8])
  func field(_ name: BuiltInModel) throws {
    let model = name.model()
    let images = TestModels.images(16, shape: model.input, classes: 10)
    let hashes = try [1, 2].map { threads in
      let network = try TestModels.network(
        model, batch: 16, threads: threads, augmentation: Augmentation(text: Self.all))
      let trainer = try Trainer(
        network: network, images: images, batch: 16,
        optimizer: OptimizerConfiguration(schedule: .constant(0.01)), seed: 1)
      guard case .finished(let sums) = try trainer.runEpoch() else { return UInt64(threads) }
      #expect(sums.loss.isFinite && network.canariesAreIntact)
      return TestModels.hash(network.weights)
    }
    #expect(hashes[0] == hashes[1])
  }

  @Test("evaluation, prediction and gradients see images as they are")
  func inference() throws {
    let images = TestModels.images(20, shape: TestModels.plain.input, classes: 5)
    let plain = try TestModels.network(TestModels.plain, batch: 20)
    let augmented = try TestModels.network(
      TestModels.plain, batch: 20, augmentation: Augmentation(text: Self.all))
    #expect(try augmented.predict(images).outputs == plain.predict(images).outputs)
    #expect(try augmented.evaluate(images) == plain.evaluate(images))
    #expect(try augmented.computeGradients(images) == plain.computeGradients(images))
    #expect(augmented.gradients == plain.gradients)
    let rule = UpdateRule.sgd(learningRate: 0.1)
    #expect(try augmented.step(images, update: rule) != plain.step(images, update: rule))
  }
}
