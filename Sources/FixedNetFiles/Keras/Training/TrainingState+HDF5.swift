#if HDF5
  import FixedNetCompute

  extension TrainingState {
    private static let group = "/fixednet"

    /// The lists of the history and what they hold.
    private static var columns: [(String, WritableKeyPath<EpochRecord, Double>)] {
      [
        ("learning_rate", \.learningRate), ("train_loss", \.trainLoss),
        ("train_accuracy", \.trainAccuracy), ("test_loss", \.testLoss),
        ("test_accuracy", \.testAccuracy), ("seconds", \.seconds),
      ]
    }

    /// Those that a run with a validation part has too.
    private static let validationColumns = ["validation_loss", "validation_accuracy"]

    private static var integers: [(String, WritableKeyPath<TrainingState, Int>)] {
      [
        ("batch", \.batch), ("block_size", \.blockSize), ("epochs", \.epochs), ("epoch", \.epoch),
        ("step", \.step), ("step_in_epoch", \.stepInEpoch), ("partial_hits", \.partialHits),
        ("partial_images", \.partialImages), ("best_epoch", \.bestEpoch),
      ]
    }

    private static var doubles: [(String, WritableKeyPath<TrainingState, Double>)] {
      [
        ("learning_rate", \.learningRate), ("partial_loss", \.partialLoss),
        ("best_accuracy", \.bestAccuracy),
      ]
    }

    private static var strings: [(String, WritableKeyPath<TrainingState, String>)] {
      [("model_name", \.modelName), ("data", \.data), ("data_digest", \.dataDigest)]
    }

    private static var values: [(String, WritableKeyPath<TrainingState, JSONValue>)] {
      [("optimizer", \.optimizer), ("schedule", \.schedule)]
    }

    /// Every attribute of the group.
    static var attributes: [String] {
      ["format_version", "seed", "loss", "options"] + integers.map(\.0) + doubles.map(\.0)
        + strings.map(\.0) + values.map(\.0)
    }

    /// Every list of the history.
    static var lists: [String] {
      ["epoch"] + columns.map(\.0) + validationColumns
    }

    // MARK: - Writing

    func write(to builder: borrowing HDF5Builder) throws(CheckpointError) {
      let group = TrainingState.group
      try builder.group(group)
      try builder.attribute("format_version", of: group, formatVersion)
      try builder.attribute("seed", of: group, seed)
      for (name, path) in TrainingState.integers {
        try builder.attribute(name, of: group, self[keyPath: path])
      }
      for (name, path) in TrainingState.doubles {
        try builder.attribute(name, of: group, self[keyPath: path])
      }
      for (name, path) in TrainingState.strings {
        try builder.attribute(name, of: group, self[keyPath: path])
      }
      for (name, path) in TrainingState.values {
        try builder.attribute(name, of: group, self[keyPath: path].text)
      }
      try builder.attribute("loss", of: group, loss)
      try builder.attribute("options", of: group, options.text)
      try builder.group("\(group)/history")
      try builder.dataset("\(group)/history/epoch", history.map { Double($0.epoch) })
      for (name, path) in TrainingState.columns {
        try builder.dataset("\(group)/history/\(name)", history.map { $0[keyPath: path] })
      }
      guard history.contains(where: { $0.validation != nil }) else { return }
      let scores = history.map { $0.validation ?? Training.Evaluation(loss: .nan, accuracy: .nan) }
      for (name, values) in zip(
        TrainingState.validationColumns, [scores.map(\.loss), scores.map(\.accuracy)])
      {
        try builder.dataset("\(group)/history/\(name)", values)
      }
    }

    // MARK: - Reading

    /// Nil where the file has none.
    /// Throws: `CheckpointError` naming the item that is missing or wrong.
    init?(_ file: borrowing HDF5File, _ root: borrowing HDF5Object) throws(CheckpointError) {
      guard file.has("fixednet", in: root) else { return nil }
      let group = try file.open("fixednet", in: root, as: .group)
      self.init(
        modelName: "", data: "", seed: 0, batch: 1, blockSize: 1, optimizer: .null,
        schedule: .null, learningRate: 0, epochs: 0)
      let version = try group.required("format_version", group.integer("format_version"))
      guard version == TrainingState.currentVersion else {
        throw group.refuse("format_version", "\(TrainingState.currentVersion)", "\(version)")
      }
      seed = try group.required("seed", group.unsigned("seed"))
      for (name, path) in TrainingState.integers {
        let value = try group.required(name, group.integer(name))
        guard value >= 0 else { throw group.refuse(name, "0 or more", "\(value)") }
        self[keyPath: path] = value
      }
      for (name, path) in TrainingState.doubles {
        self[keyPath: path] = try group.required(name, group.double(name))
      }
      for (name, path) in TrainingState.strings {
        self[keyPath: path] = try group.required(name, group.string(name))
      }
      for (name, path) in TrainingState.values {
        self[keyPath: path] = try group.json(name, group.required(name, group.string(name)))
      }
      optimizer = KerasTrainingConfig.optimizerWithFloats(optimizer)
      // Older files have neither.
      loss = try group.string("loss") ?? TrainingState.defaultLoss
      if let text = try group.string("options") { options = try group.json("options", text) }
      guard case .object = options else {
        throw group.refuse("options", "a JSON object", options.summary)
      }
      if let found = unusableSubnormals {
        let names = Subnormals.allCases.map(\.rawValue).joined(separator: " or ")
        throw group.refuse("options, subnormals", names, found.summary)
      }
      guard batch > 0, blockSize > 0 else {
        throw group.refuse(batch > 0 ? "block_size" : "batch", "1 or more", "0")
      }
      history = try TrainingState.history(file, group)
      guard history.count == epoch else {
        throw .item(
          path: file.path, item: "/fixednet/history",
          expected: "one entry per finished epoch (\(epoch))",
          found: "\(history.count)")
      }
    }

    private static func history(_ file: borrowing HDF5File, _ group: borrowing HDF5Object)
      throws(CheckpointError) -> [EpochRecord]
    {
      let lists = try file.open("history", in: group, as: .group)
      let epochs = try column("epoch", count: nil, file, lists)
      var history: [EpochRecord] = []
      for epoch in epochs {
        guard let number = Int(exactly: epoch), number > 0 else {
          throw .item(
            path: file.path, item: "\(lists.path)/epoch", expected: "whole numbers from 1",
            found: "\(epoch)")
        }
        history.append(
          EpochRecord(
            epoch: number, learningRate: 0, trainLoss: 0, trainAccuracy: 0, testLoss: 0,
            testAccuracy: 0, seconds: 0))
      }
      for (name, path) in columns {
        let values = try column(name, count: epochs.count, file, lists)
        for (index, value) in values.enumerated() { history[index][keyPath: path] = value }
      }
      guard file.has(validationColumns[0], in: lists) else { return history }
      let losses = try column(validationColumns[0], count: epochs.count, file, lists)
      let accuracies = try column(validationColumns[1], count: epochs.count, file, lists)
      for index in history.indices where !losses[index].isNaN {
        history[index].validation = Training.Evaluation(
          loss: losses[index], accuracy: accuracies[index])
      }
      return history
    }

    private static func column(
      _ name: String, count: Int?, _ file: borrowing HDF5File, _ group: borrowing HDF5Object
    ) throws(CheckpointError) -> [Double] {
      let dataset = try file.open(name, in: group, as: .numbers)
      guard dataset.shape.count == 1, dataset.shape[0] == count ?? dataset.shape[0],
        dataset.shape[0] <= 1 << 20
      else {
        throw .item(
          path: file.path, item: dataset.path, expected: "a list as long as the others",
          found: HDF5File.text(dataset.shape))
      }
      return try dataset.doubles()
    }
  }

  extension HDF5Object {
    fileprivate func required<Value>(_ name: String, _ value: Value?) throws(CheckpointError)
      -> Value
    {
      guard let value else {
        throw .missing(
          path: file, item: "attribute \(name) of \(path)",
          advice: "the training state is incomplete; start a new run from these weights instead")
      }
      return value
    }

    fileprivate func json(_ name: String, _ text: String) throws(CheckpointError) -> JSONValue {
      do { return try JSONValue(parsing: text) } catch {
        throw .json(path: file, item: "attribute \(name) of \(path)", error)
      }
    }

    fileprivate func refuse(_ attribute: String, _ expected: String, _ found: String)
      -> CheckpointError
    {
      .item(
        path: file, item: "attribute \(attribute) of \(path)", expected: expected, found: found)
    }
  }
#endif
