import CSupport
import FixedNetCompute
import FixedNetCore

/// A weight on the device.
struct DeviceTensor {
  var parameter: PlacedParameter
  /// Its name in C.
  var name: String
  /// In the engine's order.
  var values: [Float]
  /// Where it is among the trained weights, in floats; nil in flash.
  var trainedOffset: Int?

  var count: Int { values.count }
}

/// A network as a device runs it: planned for blocks of one image on one thread, without what only the host's kernels need.
struct DeviceNetwork {
  let model: Model
  let options: ExportOptions
  let plan: NetworkPlan
  let tensors: [DeviceTensor]
  /// The tensors in the order of the weights' digest.
  let digestOrder: [Int]

  /// Throws: `ExportError`, `ModelError`.
  init(_ model: Model, weights: [LayerWeights], _ options: ExportOptions) throws {
    self.model = model
    self.options = options
    var planned = PlanOptions(batch: 1, isTraining: options.training != nil, blockSize: 1)
    planned.isForDevice = true
    planned.subnormals = options.subnormals
    if let training = options.training {
      try DeviceNetwork.check(model, training)
      planned.loss = training.loss
      planned.optimizer = training.optimizer
      planned.clipping = training.clipping
      planned.updatesInBackward = training.updatesInBackward
      planned.recomputes = training.recomputes || training.memoryBudget != nil
      planned.memoryBudget = training.memoryBudget
    }
    plan = try NetworkPlan(model, options: planned)
    tensors = try DeviceNetwork.tensors(plan, weights)
    digestOrder = DeviceNetwork.digestOrder(model, plan)
  }

  private static func check(_ model: Model, _ training: ExportOptions.Training) throws {
    if let layer = model.couplingLayer {
      // With those that are frozen already: what --freeze names is all of it.
      let all = model.layers.filter {
        $0 is BatchNormalization || model.frozenLayers.contains($0.name)
      }.map { $0.name }
      throw ExportError(
        "layer '\(layer)' normalises over a mini-batch, and a device sees one sample at a time: "
          + "freeze it (--freeze \(all.joined(separator: ",")), or --last N), as is done when a network "
          + "is fine-tuned")
    }
    guard let loss = training.loss else { return }
    if loss.ignoredClass != nil {
      throw ExportError(
        "the loss ignores a class; leave such samples out on the device, and export with --loss "
          + loss.name)
    }
    if training.batch > 1, loss.function == .hinge || loss.function == .squaredHinge {
      throw ExportError(
        "\(loss.name) of a mini-batch depends on all its targets; train with --batch 1")
    }
  }

  private static func tensors(_ plan: NetworkPlan, _ weights: [LayerWeights]) throws
    -> [DeviceTensor]
  {
    let given = weights.flatMap(\.tensors)
    var used = KernelText.names.union(CText.reserved)
    var offset = 0
    return try zip(plan.parameters, given).map { parameter, tensor in
      guard tensor.values.allSatisfy(\.isFinite) else {
        throw ExportError(
          "layer '\(parameter.layerName)', \(parameter.description.name): its values must be finite, "
            + "found NaN or infinity; train the model again with a smaller learning rate")
      }
      let stem = CText.identifier("\(parameter.layerName)_\(parameter.description.name)")
      var name = stem
      var number = 2
      while !used.insert(name).inserted {
        name = "\(stem)_\(number)"
        number += 1
      }
      let trainedOffset = parameter.isTrained ? offset : nil
      if parameter.isTrained { offset += parameter.count }
      return DeviceTensor(
        parameter: parameter, name: name, values: parameter.layout.engineValues(tensor.values),
        trainedOffset: trainedOffset)
    }
  }

  /// Each tensor's number in its place, as the files order them.
  private static func digestOrder(_ model: Model, _ plan: NetworkPlan) -> [Int] {
    var number = 0
    let numbered = model.layers.map { layer in
      let count = plan.parameters.count { $0.layerName == layer.name }
      defer { number += count }
      return LayerWeights(
        layer: layer.name,
        tensors: (number..<number + count).map { Tensor(shape: [1], values: [Float($0)]) })
    }
    return model.kerasForm(numbered).weights.flatMap(\.tensors).map { Int($0.values[0]) }
  }

  /// Floats of all trained weights.
  var trainedCount: Int { tensors.reduce(0) { $0 + ($1.trainedOffset == nil ? 0 : $1.count) } }

  var inference: PlannedProgram { plan.inference }

  /// Floats of what the layers work in.
  var workCount: Int {
    let layout = plan.memory.layout
    return (layout.threadCount * layout.threadStride + layout.blockCount * layout.blockStride) / 4
  }

  /// Names of the arrays that the optimiser remembers, each as long as the trained weights.
  var stateNames: [String] {
    options.training.map { $0.optimizer.slotNames.map { CText.identifier("state_" + $0) } } ?? []
  }

  /// What an image's gradient is multiplied by.
  var gradientScale: Float {
    guard let training = options.training, let loss = plan.loss else { return 1 }
    let count = training.batch
    let divisor = loss.reduction == .sum ? 1 : Double(count)
    if loss.weight == 1, divisor == Double(count) { return 1 / Float(count) }
    return Float(loss.weight / divisor)
  }
}

extension ExportOptions.Training {
  /// Whether each layer's weights follow as soon as their gradients are known.
  var updatesInBackward: Bool { batch == 1 && !clipping.needsNorms }
}

extension CText {
  /// Words that no variable may be called by.
  static let reserved: Set<String> = [
    "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum",
    "extern", "float", "for", "goto", "if", "inline", "int", "long", "register", "restrict",
    "return", "short", "signed", "sizeof", "static", "struct", "switch", "typedef", "union",
    "unsigned", "void", "volatile", "while", "main", "weights", "gradients", "work", "rate",
    "input",
    "output", "label", "target", "rule", "loss", "memory", "step", "image", "mode", "asm", "typeof",
    "memcpy", "memset", "class", "new", "delete", "this", "run", "forward", "backward", "update",
    "library_memory", "memory_place",
  ]

  /// In small letters, names that files of a library must not have: where its folder is searched for headers, another
  /// string.h comes instead of C's, and on some file systems String.h too. CMake has targets of its own.
  static let taken: Set<String> = [
    "arduino", "assert", "complex", "ctype", "errno", "fenv", "float", "inttypes", "iso646",
    "limits", "locale", "math", "setjmp", "signal", "stdalign", "stdarg", "stdatomic", "stdbool",
    "stddef", "stdint", "stdio", "stdlib", "stdnoreturn", "string", "strings", "tgmath", "threads",
    "time", "uchar", "unistd", "wchar", "wctype",
    "all", "all_build", "clean", "edit_cache", "help", "install", "package", "package_source",
    "preinstall", "rebuild_cache", "run_tests", "test", "zero_check",
  ]
}
