#if HDF5
  import FixedNetCompute
  import FixedNetCore

  extension KerasReader {
    /// The values of an optimiser as a file lists them: iteration, learning rate (not always), slots.
    private struct StoredOptimizer {
      /// A path from the root.
      var group: String
      var names: [String]
      /// The optimiser's name, where the file tells.
      var name: String?
    }

    /// The steps that an optimiser has made, its learning rate where the file has it, and what it remembers.
    struct OptimizerMemory {
      var iterations: Int
      var learningRate: Double?
      var state: OptimizerState
      /// Nadam's: the product of its momenta.
      var product: Double?
      /// Where the file describes no optimiser: the name that its values are under.
      var name: String?
    }

    /// Reads the optimiser's memory: /optimizer/vars, else /optimizer_weights.
    /// Throws: `CheckpointError` where it is missing, or is not what the optimiser of `result` has.
    func optimizerMemory(of result: KerasModelFile, _ root: borrowing HDF5Object)
      throws(CheckpointError) -> OptimizerMemory
    {
      let shapes: [[Int]]
      do { shapes = try result.model.trainableShapes() } catch {
        throw .model(path: file.path, error)
      }
      guard KerasReader.hasFileOrder(result.model) else {
        throw .item(
          path: file.path, item: "the optimiser's memory",
          expected: "the order of the layers outside of nested models",
          found: "that of nested models, which it does not name")
      }
      let stored = try storedOptimizer(valueLimit: 2 + 5 * shapes.count, root)
      let json = result.training?.optimizer ?? result.trainingConfig?["optimizer_config"]
      guard let stored else {
        throw .missing(
          path: file.path, item: "the optimiser's memory /optimizer/vars",
          advice: "start a new run from these weights instead of resuming")
      }
      let iterations = try iterations(stored, root)
      let rate = try learningRate(stored, root)
      let header = rate == nil ? 1 : 2
      let valueCount = stored.names.count - header
      let optimizer =
        KerasOptimizer(json: json)
        ?? (json == nil
          ? stored.name.flatMap {
            KerasOptimizer(name: $0, valueCount: valueCount, weightCount: shapes.count)
          } : nil)
      guard let optimizer else {
        throw .item(
          path: file.path, item: "the optimiser", expected: KerasOptimizer.known,
          found: json?["class_name"]?.summary ?? stored.name ?? "none that is named")
      }
      let places = optimizer.places(
        weightCount: shapes.count, try order(stored, optimizer, header, root))
      let product =
        optimizer.hasProduct && valueCount == places.count + 1
        ? try single(stored, stored.names.count - 1, root) : nil
      let rest =
        valueCount - (product == nil ? 0 : 1) - (try unusedValues(stored, optimizer, shapes, root))
      // TF-Keras keeps momenta for SGD even where momentum is 0.
      let isIdle = optimizer.slots.isEmpty && optimizer.method == .sgd && rest == shapes.count
      guard rest == places.count || isIdle else {
        throw .item(
          path: file.path, item: "/\(stored.group)",
          expected: "\(places.count) values of \(optimizer.method.className) for this model",
          found: "\(rest)")
      }
      if let product { try check(product, json, iterations: iterations) }
      var slots = optimizer.slots.map { name in
        OptimizerState.Slot(name: name, tensors: shapes.map { Tensor(zeros: $0) })
      }
      for (name, place) in zip(stored.names.dropFirst(header), places) {
        let shape = shapes[place.weight]
        let dataset = try file.open("\(stored.group)/\(name)", in: root, as: .real(shape: shape))
        slots[place.slot].tensors[place.weight].values = try dataset.floats()
      }
      return OptimizerMemory(
        iterations: iterations, learningRate: rate, state: OptimizerState(slots: slots),
        product: product, name: json == nil ? optimizer.name : nil)
    }

    /// Nadam's product follows from its steps; Keras 3 goes on with the file's, this program with what follows.
    /// Throws: `CheckpointError` where they are not the same but for rounding.
    private func check(_ product: Double, _ json: JSONValue?, iterations: Int)
      throws(CheckpointError)
    {
      guard let json, let optimizer = try? OptimizerConfiguration.parse(json).optimizer else {
        return
      }
      let expected = optimizer.momentumProduct(steps: iterations)
      // Keras multiplies floats, 1000 times at most before the product is 0.
      guard abs(product - expected) <= 1e-3 * expected + 1e-30 else {
        throw .item(
          path: file.path, item: "the product of Nadam's momenta",
          expected: "\(Float(expected)), as beta_1 \(optimizer.beta1) and \(iterations) steps give",
          found: "\(Float(product))")
      }
    }

    /// Whether the file has more of an optimiser than its name: Keras 3 writes iteration and rate of one that has not made
    /// a step, TF-Keras an empty group for its legacy optimisers in a `.keras`.
    func hasOptimizerMemory(_ root: borrowing HDF5Object) throws(CheckpointError) -> Bool {
      guard let stored = try storedOptimizer(valueLimit: 3, root), !stored.names.isEmpty else {
        return false
      }
      if try iterations(stored, root) > 0 { return true }
      return try stored.names.count > (learningRate(stored, root) == nil ? 1 : 2)
    }

    /// The rate among the optimiser's variables; nil where there is none.
    func storedLearningRate(_ root: borrowing HDF5Object) throws(CheckpointError) -> Double? {
      guard let stored = try storedOptimizer(valueLimit: 3, root) else { return nil }
      return try learningRate(stored, root)
    }

    private func storedOptimizer(valueLimit: Int, _ root: borrowing HDF5Object)
      throws(CheckpointError) -> StoredOptimizer?
    {
      if file.has("optimizer", in: root) {
        let parent = try file.open("optimizer", in: root, as: .group)
        guard file.has("vars", in: parent) else { return nil }
        let group = try file.open("optimizer/vars", in: root, as: .group)
        let count = count(in: group, limit: valueLimit)
        return StoredOptimizer(
          group: "optimizer/vars", names: (0..<count).map(String.init),
          name: (try? group.string("name")) ?? nil)
      }
      guard file.has("optimizer_weights", in: root) else { return nil }
      let group = try file.open("optimizer_weights", in: root, as: .group)
      return StoredOptimizer(
        group: "optimizer_weights", names: try group.list("weight_names") ?? [], name: nil)
    }

    /// Keras 1 and 2 kept a single value for each weight of an Adam without `amsgrad` in place of its largest velocity.
    private func unusedValues(
      _ stored: StoredOptimizer, _ optimizer: KerasOptimizer, _ shapes: [[Int]],
      _ root: borrowing HDF5Object
    ) throws(CheckpointError) -> Int {
      guard optimizer.method == .adam, optimizer.slots.count == 2, !shapes.isEmpty,
        stored.group == "optimizer_weights", stored.names.count == 1 + 3 * shapes.count
      else { return 0 }
      for name in stored.names.suffix(shapes.count) {
        let dataset = try file.open("\(stored.group)/\(name)", in: root, as: .numbers)
        guard dataset.shape == [1] else { return 0 }
      }
      return shapes.count
    }

    private func iterations(_ stored: StoredOptimizer, _ root: borrowing HDF5Object)
      throws(CheckpointError) -> Int
    {
      guard let name = stored.names.first else {
        throw .missing(
          path: file.path, item: "/\(stored.group)/0", advice: "the optimiser's memory is empty")
      }
      let dataset = try file.open("\(stored.group)/\(name)", in: root, as: .numbers)
      guard dataset.shape.isEmpty, let value = try dataset.doubles().first,
        let count = Int(exactly: value), count >= 0
      else {
        throw .item(
          path: file.path, item: dataset.path, expected: "a number of steps",
          found: HDF5File.text(dataset.shape))
      }
      return count
    }

    /// The learning rate, where it, a single value as no weight is, follows the iteration.
    private func learningRate(_ stored: StoredOptimizer, _ root: borrowing HDF5Object)
      throws(CheckpointError) -> Double?
    {
      guard stored.names.count > 1 else { return nil }
      return try single(stored, 1, root)
    }

    /// A value that is no tensor; nil where it is one.
    private func single(_ stored: StoredOptimizer, _ index: Int, _ root: borrowing HDF5Object)
      throws(CheckpointError) -> Double?
    {
      let path = "\(stored.group)/\(stored.names[index])"
      let dataset = try file.open(path, in: root, as: .numbers)
      return dataset.shape.isEmpty ? try dataset.doubles().first : nil
    }

    /// Legacy optimisers of TF-Keras write no learning rate, and are not called "Custom>".
    private func order(
      _ stored: StoredOptimizer, _ optimizer: KerasOptimizer, _ header: Int,
      _ root: borrowing HDF5Object
    ) throws(CheckpointError) -> KerasOptimizer.Order {
      guard stored.group == "optimizer_weights", header == 1, !optimizer.isCustom,
        try root.string("keras_version")?.hasPrefix("3") != true
      else { return .built }
      return .slotBySlot
    }
  }

  extension KerasModelFile {
    /// Keras goes on with the rate among the optimiser's variables in place of the configuration's fixed one.
    fileprivate mutating func setRate(_ rate: Double, _ key: String) {
      guard case .object(var members)? = trainingConfig,
        case .object(var optimizer)? = members["optimizer_config"],
        case .object(var config)? = optimizer["config"]
      else { return }
      config[key] = .number(rate)
      optimizer["config"] = .object(config)
      members["optimizer_config"] = .object(optimizer)
      trainingConfig = .object(members)
    }

    mutating func restoreRate(_ rate: Double) {
      let config = trainingConfig?["optimizer_config"]?["config"]
      for key in ["learning_rate", "lr"] {
        let configured: Double
        switch config?[key] {
        case .number(let number)?: configured = number
        case .integer(let number)?: configured = Double(number)
        default: continue
        }
        if Float(configured) != Float(rate) { setRate(rate, key) }
        return
      }
    }

    mutating func take(_ memory: KerasReader.OptimizerMemory) {
      (iterations, learningRate) = (memory.iterations, memory.learningRate)
      (optimizerState, optimizerName) = (memory.state, memory.name)
      momentumProduct = memory.product
    }
  }
#endif
