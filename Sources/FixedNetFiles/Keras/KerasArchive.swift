#if HDF5
  import FixedNet

  /// The `.keras` format: a zip archive of the architecture and a `.weights.h5`.
  /// Source: Keras 3.15 `saving/saving_lib.py`.
  enum KerasArchive {
    private static let configName = "config.json"
    private static let weightsName = "model.weights.h5"
    private static let configLimit = 16 << 20

    // MARK: - Reading

    static func read(_ path: String, _ policy: KerasFile.TrainingStatePolicy)
      throws(CheckpointError) -> KerasModelFile
    {
      let archive = try open(path)
      let config = try config(archive, path: path)
      let model: SequentialModel
      do { model = try SequentialModel(json: config) } catch {
        throw .model(path: path, error)
      }
      return try readWeights(
        archive, path: path, model,
        trainingConfig: KerasTrainingConfig.config(fromCompileConfig: config["compile_config"]),
        policy)
    }

    /// The weights only, for a model that is known from elsewhere.
    static func readWeights(
      _ path: String, of model: SequentialModel, _ policy: KerasFile.TrainingStatePolicy
    ) throws(CheckpointError) -> KerasModelFile {
      let archive = try open(path)
      let config = try? config(archive, path: path)
      return try readWeights(
        archive, path: path, model,
        describedAs: config.flatMap { try? SequentialModel(json: $0) },
        trainingConfig: config.flatMap {
          KerasTrainingConfig.config(fromCompileConfig: $0["compile_config"])
        }, policy)
    }

    private static func open(_ path: String) throws(CheckpointError) -> ZipArchive {
      let archive = try ZipArchive(path: path)
      if !archive.has(configName), !archive.has(weightsName),
        let other = ForeignModel.description(ofArchive: archive.names)
      {
        throw .wrongFormat(path: path, found: other)
      }
      return archive
    }

    private static func config(_ archive: borrowing ZipArchive, path: String)
      throws(CheckpointError) -> JSONValue
    {
      let bytes = try archive.bytes(of: configName, limit: configLimit)
      guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
        throw .item(
          path: path, item: "\(configName) in the archive", expected: "UTF-8 text",
          found: "other bytes")
      }
      do { return try JSONValue(parsing: text) } catch {
        throw .json(path: path, item: "\(configName) in the archive", error)
      }
    }

    private static func readWeights(
      _ archive: borrowing ZipArchive, path: String, _ model: SequentialModel,
      describedAs described: SequentialModel? = nil, trainingConfig: JSONValue?,
      _ policy: KerasFile.TrainingStatePolicy
    ) throws(CheckpointError) -> KerasModelFile {
      for (name, what) in [
        ("model.weights.json", "sharded weights"), ("model.weights.npz", "weights in NumPy's form"),
      ] where archive.has(name) && !archive.has(weightsName) {
        throw .wrongFormat(
          path: path,
          found: "a .keras archive with \(what) (\(name)), which are not read here; "
            + "load it in Keras and save it as .h5")
      }
      let entry = try archive.entry(weightsName, limit: byteLimit(model, path: path))
      let image = try HDF5Image(count: entry.count) { buffer throws(CheckpointError) in
        try archive.unpack(entry, weightsName, into: buffer)
      }
      let file = try HDF5File(
        image: image, path: path, names: KerasReader.groups(of: model))
      return try KerasReader(file).readWeights(
        of: model, describedAs: described, trainingConfig: trainingConfig, policy)
    }

    /// More than the weights of a model can take: float64, four slots of an optimiser, room to spare for HDF5.
    private static func byteLimit(_ model: SequentialModel, path: String) throws(CheckpointError)
      -> Int
    {
      do {
        let values = try model.weightDescriptions().joined()
          .reduce(0) { $0 + $1.shape.reduce(1, *) }
        return min(HDF5File.sizes.upperBound, 16 << 20 + model.layers.count << 14 + values << 6)
      } catch { throw .model(path: path, error) }
    }

    // MARK: - Writing

    /// `weights`: a file that is a `.weights.h5`.
    static func bytes(of file: KerasModelFile, weights: [UInt8], path: String)
      throws(CheckpointError) -> [UInt8]
    {
      // Keras does not read the metadata; a date in it would make equal models different files.
      let metadata: JSONValue = [
        "keras_version": "3.0.0", "date_saved": "1980-01-01@00:00:00",
      ]
      let members = [
        ("metadata.json", Array(metadata.text.utf8)),
        (configName, Array(config(of: file).text.utf8)),
        (weightsName, weights),
      ]
      guard let bytes = ZipWriter.bytes(of: members) else {
        throw .file(
          FileError(
            path: path, action: "write", reason: "a .keras file of 4 GiB or more; save it as .h5"))
      }
      return bytes
    }

    /// `config.json`: the model's JSON with modules, in the dialect that Keras 2 and Keras 3 both load.
    private static func config(of file: KerasModelFile) -> JSONValue {
      guard case .object(var model) = file.model.json, case .object(var config)? = model["config"],
        case .array(let layers)? = config["layers"]
      else { preconditionFailure("a model's JSON has a config with layers") }
      config["layers"] = .array(layers.map { object($0, module: "keras.layers") })
      model["config"] = .object(config)
      if let training = KerasTrainingConfig.config(of: file),
        let compile = KerasTrainingConfig.compileConfig(from: training)
      {
        model["compile_config"] = compile
      }
      return object(.object(model), module: "keras")
    }

    private static func object(_ value: JSONValue, module: String) -> JSONValue {
      guard case .object(var members) = value else { return value }
      members["module"] = .string(module)
      members["registered_name"] = .null
      return .object(members)
    }
  }
#endif
