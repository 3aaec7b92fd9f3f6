import FixedNetCore
import Testing

@testable import FixedNetCompute

/// Descriptions and plan options that no network can have are refused by name; nothing traps.
@Suite("Misuse of a plan")
struct PlanMisuseTests {
  private static func dense(_ name: String, _ units: Int = 3) -> Dense {
    Dense(name: name, units: units, activation: .softmax)
  }

  private static func model(
    _ layers: [any Layer], input: Shape = .vector(4), frozen: Set<String> = []
  ) -> Model {
    var model = Model(name: "m", input: input, layers: layers)
    model.frozenLayers = frozen
    return model
  }

  private static func plan(
    _ model: Model, _ change: (inout PlanOptions) -> Void = { _ in }
  )
    throws(ModelError) -> NetworkPlan
  {
    var options = PlanOptions(batch: 8, isTraining: true)
    change(&options)
    return try NetworkPlan(model, options: options)
  }

  /// The error of a plan for this model, which must be refused by every way in: plan, weights, shapes.
  private static func refusal(_ model: Model) throws -> ModelError {
    let error = try #require(throws: ModelError.self) { _ = try plan(model) }
    #expect(throws: error) { _ = try model.initialWeights(seed: 0) }
    #expect(throws: error) { _ = try model.parameterCount() }
    return error
  }

  // MARK: The description

  @Test("two layers of one name")
  func duplicateName() throws {
    let error = try Self.refusal(Self.model([Dense(name: "d", units: 5), Self.dense("d")]))
    #expect(error == .duplicateName("d"))
    #expect("\(error)" == "two layers are called 'd'; rename one")
  }

  @Test("two layers whose names make one slot")
  func duplicateSlot() {
    let layers: [any Layer] = [
      Dense(name: "a", units: 4, activation: .tanh), Dense(name: "a/kernel", units: 4),
      Self.dense("last"),
    ]
    // Either there is a plan whose slots are unique, or a refusal that names one.
    do {
      let slots = try Self.plan(Self.model(layers)).memory.slots.map(\.name)
      #expect(Set(slots).count == slots.count)
    } catch {
      #expect("\(error)".contains("'a/kernel"))
    }
  }

  @Test("names that are of no use", arguments: ["a//b", ".", "a\nb"])
  func names(_ name: String) throws {
    let error = try Self.refusal(Self.model([Self.dense(name)]))
    #expect("\(error)".contains("unusable name"))
  }

  @Test("no layers, and more than may be")
  func layerCount() throws {
    for count in [0, 1025] {
      let error = try Self.refusal(Self.model((0..<count).map { Self.dense("d\($0)") }))
      #expect("\(error)".contains("it has \(count) layers"))
    }
  }

  @Test("a frozen layer that there is not")
  func frozen() throws {
    let error = try Self.refusal(Self.model([Self.dense("d")], frozen: ["D"]))
    #expect(error == .unknownLayer(what: "frozenLayers", "D", layers: ["d"]))
    #expect("\(error)" == "frozenLayers has 'D', but no layer is called that; the model has d")
  }

  @Test(
    "inputs without extent, or with more than there is memory for",
    arguments: [
      Shape.vector(0), .vector(-1), .vector(.max), .image(height: 0, width: 3, channels: 1),
      .image(height: 4, width: -4, channels: 1),
      .image(height: 1 << 24, width: 1 << 24, channels: 1 << 24),
      .image(height: .max, width: .max, channels: .max),
    ])
  func input(_ shape: Shape) throws {
    let layers: [any Layer] = [Flatten(name: "f"), Self.dense("d")]
    #expect(
      "\(try Self.refusal(Self.model(layers, input: shape)))".contains("its input is \(shape)"))
  }

  /// A layer that is wrong, and the key of the config that says so.
  struct Wrong: Sendable, CustomTestStringConvertible {
    var layer: any Layer
    var key: String
    var testDescription: String { "\(type(of: layer).className) with another \(key)" }
  }

  static let wrong = [
    Wrong(layer: Dense(name: "x", units: 0), key: "units"),
    Wrong(layer: Dense(name: "x", units: -3), key: "units"),
    Wrong(layer: Dense(name: "x", units: .max), key: "units"),
    Wrong(layer: Conv2D(name: "x", filters: 0, kernelSize: (3, 3)), key: "filters"),
    Wrong(layer: Conv2D(name: "x", filters: 2, kernelSize: (0, 3)), key: "kernel_size"),
    Wrong(layer: Conv2D(name: "x", filters: 2, kernelSize: (3, -1)), key: "kernel_size"),
    Wrong(
      layer: Conv2D(name: "x", filters: 2, kernelSize: (3, 3), strides: (0, 1)), key: "strides"),
    Wrong(layer: MaxPooling2D(name: "x", poolSize: (0, 2)), key: "pool_size"),
    Wrong(layer: MaxPooling2D(name: "x", poolSize: (2, 2), strides: (1, 0)), key: "strides"),
    Wrong(layer: AveragePooling2D(name: "x", poolSize: (2, .max)), key: "pool_size"),
    Wrong(layer: Dropout(name: "x", rate: 1), key: "rate"),
    Wrong(layer: Dropout(name: "x", rate: -0.1), key: "rate"),
    Wrong(layer: Dropout(name: "x", rate: .nan), key: "rate"),
    Wrong(layer: Rescaling(name: "x", scale: .nan), key: "scale"),
    Wrong(layer: Rescaling(name: "x", scale: 1, offset: .infinity), key: "offset"),
    Wrong(layer: BatchNormalization(name: "x", momentum: 1.5), key: "momentum"),
    Wrong(layer: BatchNormalization(name: "x", epsilon: -1), key: "epsilon"),
    Wrong(layer: LeakyReLU(name: "x", slope: .nan), key: "alpha"),
    Wrong(layer: Normalization(name: "x", mean: [1], variance: [-1]), key: "variance"),
    Wrong(layer: Normalization(name: "x", mean: [.nan], variance: [1]), key: "mean"),
    Wrong(layer: Normalization(name: "x", mean: [1], variance: nil), key: "variance"),
    Wrong(layer: Normalization(name: "x", mean: [1, 2, 3], variance: [1, 2, 3]), key: "mean"),
    Wrong(layer: Normalization(name: "x", mean: [], variance: []), key: "mean"),
  ]

  @Test("layers with numbers that no file may have", arguments: wrong)
  func layers(_ wrong: Wrong) throws {
    let isDense = wrong.layer is Dense
    let layers: [any Layer] =
      (isDense ? [Flatten(name: "f"), wrong.layer] : [wrong.layer, Flatten(name: "f")])
      + [Self.dense("last")]
    let image = Shape.image(height: 8, width: 8, channels: 2)
    let error = try Self.refusal(Self.model(layers, input: image))
    guard case .config(let layer, let key, _, let found) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(layer == "x")
    #expect(key.contains(wrong.key))
    #expect(!found.isEmpty)
  }

  @Test("a penalty that no loss has", arguments: [-1, .nan, .infinity] as [Float])
  func penalty(_ factor: Float) {
    let options = WeightOptions(kernelRegularizer: .l2(factor))
    let model = Self.model([
      Dense(name: "d", units: 3, activation: .softmax, options: options)
    ])
    #expect(throws: ModelError.self) { _ = try Self.plan(model) }
  }

  @Test("initialisers whose numbers are none")
  func initializers() {
    for initializer in [
      Initializer.constant(.nan), .randomNormal(mean: 0, deviation: .infinity),
      .randomUniform(low: .nan, high: 1), .truncatedNormal(mean: .nan),
    ] {
      let options = WeightOptions(kernelInitializer: initializer)
      let model = Self.model([
        Dense(name: "d", units: 3, activation: .softmax, options: options)
      ])
      #expect(throws: ModelError.self, "\(initializer)") { _ = try model.initialWeights(seed: 0) }
    }
    #expect(Initializer.heNormal.values(count: -1, fanIn: -2, fanOut: 0, seed: 0, stream: 0) == [])
  }

  // MARK: The options

  @Test("batches, threads, blocks and workspaces that no plan can have")
  func counts() throws {
    func refusal(_ change: (inout PlanOptions) -> Void) throws -> String {
      "\(try #require(throws: ModelError.self) { _ = try Self.plan(Self.model([Self.dense("d")]), change) })"
    }
    for batch in [0, -1, .min, 1 << 31, .max] {
      let expected = "batch must be from 1 to 2147483647, found \(batch)"
      #expect(try refusal { $0.batch = batch } == expected)
      #expect(
        try refusal {
          $0.batch = batch
          $0.isTraining = false
        } == expected)
    }
    for threads in [0, -4, 257, .max] {
      #expect(
        try refusal { $0.threads = threads } == "threads must be from 1 to 256, found \(threads)")
    }
    for size in [0, -16, 2, 15, 17, 32, .max] {
      #expect(try refusal { $0.blockSize = size } == "blockSize must be 16 or 1, found \(size)")
    }
    #expect(try refusal { $0.workspaceCount = -1 }.contains("workspaceCount must be"))
    #expect(try refusal { $0.workspaceCount = .max }.contains("workspaceCount must be"))
    #expect(try refusal { $0.memoryBudget = 1 << 20 }.contains("(recomputes), found 1048576"))
    for change: (inout PlanOptions) -> Void in [
      { $0.isTraining = false }, { $0.keepsInput = true }, { $0.isSecondOrder = true },
    ] {
      let error = try refusal {
        $0.recomputes = true
        change(&$0)
      }
      #expect(error.contains("recomputes must be false for inference"))
    }
    #expect(
      try refusal {
        $0.recomputes = true
        $0.memoryBudget = 0
      }.contains("memoryBudget must be from 1"))
  }

  @Test("more memory than a processor has addresses for")
  func memory() throws {
    let wide = Self.model([Dense(name: "d", units: 1 << 24), Self.dense("last")])
    let error = try #require(throws: ModelError.self) {
      _ = try Self.plan(wide) { $0.batch = .max >> 32 }
    }
    #expect("\(error)".contains("the plan's memory must be at most 2^47 bytes"))
  }

  @Test("optimisers and clipping with numbers that are none")
  func optimizers() throws {
    for optimizer in [
      Optimizer.momentum(.nan), .momentum(-0.1), .momentum(2), .rmsprop(rho: .nan),
      .rmsprop(rho: -1), .rmsprop(epsilon: .nan), .rmsprop(epsilon: -1), .rmsprop(momentum: -1),
      .adam(beta1: 1.5), .adam(beta2: .nan), .adam(epsilon: -.infinity),
      .adam(beta1: 1, method: .nadam), .adam(epsilon: -1, method: .adamw),
      .adagrad(initialAccumulator: -0.1), .adagrad(epsilon: .nan), .sgd.decaying(-0.1),
      .adam().decaying(.nan), .adagrad().decaying(.infinity),
    ] {
      let error = #expect(throws: ModelError.self, "\(optimizer)") {
        _ = try Self.plan(Self.model([Self.dense("d")])) { $0.optimizer = optimizer }
      }
      guard case .optimizer? = error else {
        Issue.record("\(optimizer): \(String(describing: error))")
        continue
      }
    }
    for clipping in [
      Clipping.value(.nan), .value(-1), .norm(0), .norm(-.infinity), .globalNorm(.nan),
    ] {
      #expect(throws: ModelError.self, "\(clipping)") {
        _ = try Self.plan(Self.model([Self.dense("d")])) { $0.clipping = clipping }
      }
    }
  }

  @Test("extents whose product overflows do not trap")
  func overflow() {
    #expect(Shape.image(height: .max, width: 2, channels: 3).elementCount == .max)
    #expect(Shape.image(height: .max, width: 2, channels: 3).pixels == .max)
    #expect(!Tensor(shape: [.max, .max], values: [1]).isWhole)
    #expect(!Tensor(zeros: [-1, 3]).isWhole)
    #expect(!Tensor(zeros: [.max, .max]).isWhole)
    #expect(Tensor(zeros: [2, 3]).isWhole)
    #expect(Tensor(zeros: [2, 0]).isWhole)
  }
}
