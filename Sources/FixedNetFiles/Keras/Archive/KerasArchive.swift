#if HDF5
  import FixedNetCompute

  /// The `.keras` format: a zip archive of the architecture and a `.weights.h5`.
  /// Source: Keras 3.15 `saving/saving_lib.py`.
  enum KerasArchive {
    private static let configName = "config.json"
    private static let metadataName = "metadata.json"
    private static let weightsName = "model.weights.h5"
    private static let configLimit = 16 << 20

    // MARK: - Reading

    static func read(_ file: SealedFile, _ policy: KerasFile.TrainingStatePolicy)
      throws(CheckpointError) -> KerasModelFile
    {
      let contents = try Contents(file, policy)
      let config = try contents.config.get()
      var model: Model
      do { model = try Model(json: config) } catch {
        throw .model(path: file.path, error)
      }
      if contents.isKeras2 { model = model.asKeras2 }
      return try contents.readWeights(
        model, describedAs: nil,
        trainingConfig: KerasTrainingConfig.config(fromCompileConfig: config["compile_config"]),
        policy)
    }

    /// The weights only, for a model that is known from elsewhere.
    static func readWeights(
      _ file: SealedFile, of model: Model, _ policy: KerasFile.TrainingStatePolicy
    ) throws(CheckpointError) -> KerasModelFile {
      let contents = try Contents(file, policy)
      let config = try? contents.config.get()
      return try contents.readWeights(
        model, describedAs: config.flatMap { try? Model(json: $0) },
        trainingConfig: config.flatMap {
          KerasTrainingConfig.config(fromCompileConfig: $0["compile_config"])
        }, policy)
    }

    /// What a helper unpacked and read.
    private struct Contents {
      private let file: SealedFile
      private let archive: ZipArchive
      /// The weights, where they are small enough for a reading before the model is known.
      private let answer: HDF5Answer?
      let config: Result<JSONValue, CheckpointError>
      /// Whether TF-Keras wrote it, which has another meaning for some names.
      let isKeras2: Bool

      init(_ file: SealedFile, _ policy: KerasFile.TrainingStatePolicy) throws(CheckpointError) {
        self.file = file
        archive = try KerasArchive.open(file)
        let weights = try? archive.place(of: weightsName, limit: HDF5Source.allowance)
        let place: ZipArchive.Place
        do throws(CheckpointError) {
          place = try archive.place(of: configName, limit: configLimit)
        } catch {
          config = .failure(error)
          answer = nil
          isKeras2 = false
          return
        }
        let metadata = try? archive.place(of: metadataName, limit: configLimit)
        let source = HDF5Source(file: file, member: weights)
        let answer = try KerasArchive.ask(
          source, policy, members: [place] + (metadata.map { [$0] } ?? []))
        self.answer = weights == nil ? nil : answer
        do throws(CheckpointError) {
          try archive.check(configName, place, state: answer.members[0]?.state)
          config = .success(try KerasArchive.config(answer.members[0]?.bytes, path: file.path))
        } catch { config = .failure(error) }
        let version = metadata.flatMap { _ in
          try? KerasArchive.config(answer.members[1]?.bytes, path: file.path)["keras_version"]
        }
        if case .string(let version)? = version {
          isKeras2 = version.hasPrefix("2")
        } else {
          isKeras2 = false
        }
      }

      func readWeights(
        _ model: Model, describedAs described: Model?,
        trainingConfig: JSONValue?, _ policy: KerasFile.TrainingStatePolicy
      ) throws(CheckpointError) -> KerasModelFile {
        for (name, what) in [
          ("model.weights.json", "sharded weights"),
          ("model.weights.npz", "weights in NumPy's form"),
        ] where archive.has(name) && !archive.has(weightsName) {
          throw .wrongFormat(
            path: file.path,
            found: "a .keras archive with \(what) (\(name)), which are not read here; "
              + "load it in Keras and save it as .h5")
        }
        let limit = try KerasArchive.byteLimit(model, path: file.path)
        let place = try archive.place(of: weightsName, limit: limit)
        try KerasArchive.checkExpansion(place, path: file.path)
        let source = HDF5Source(file: file, member: place)
        let answer: HDF5Answer
        if let early = self.answer {
          answer = early
        } else {
          answer = try KerasArchive.ask(source, policy)
        }
        // The last of the members that were asked for.
        try archive.check(
          weightsName, place, state: answer.members[answer.members.keys.max() ?? 0]?.state)
        let file = try HDF5File(source, answer)
        return try KerasReader(file).readWeights(
          of: model, describedAs: described, trainingConfig: trainingConfig, policy)
      }
    }

    private static func open(_ file: SealedFile) throws(CheckpointError) -> ZipArchive {
      let archive = try ZipArchive(file)
      if !archive.has(configName), !archive.has(weightsName),
        let other = ForeignModel.description(ofArchive: archive.names)
      {
        throw .wrongFormat(path: file.path, found: other)
      }
      return archive
    }

    private static func ask(
      _ source: HDF5Source, _ policy: KerasFile.TrainingStatePolicy,
      members: [ZipArchive.Place] = []
    ) throws(CheckpointError) -> HDF5Answer {
      do {
        return try source.read(KerasReader.wants(policy, isNumbered: true), members: members)
      } catch { throw HDF5File.error(error, path: source.file.path) }
    }

    private static func config(_ bytes: [UInt8]?, path: String)
      throws(CheckpointError) -> JSONValue
    {
      guard let bytes, !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self)
      else {
        throw .item(
          path: path, item: "\(configName) in the archive", expected: "UTF-8 text",
          found: "other bytes")
      }
      do { return try JSONValue(parsing: text) } catch {
        throw .json(path: path, item: "\(configName) in the archive", error)
      }
    }

    /// Keras does not pack weights, and whoever does gains little: what unpacks to many times its size is not weights.
    private static func checkExpansion(_ place: ZipArchive.Place, path: String)
      throws(CheckpointError)
    {
      guard place.count > HDF5Source.allowance + 32 * place.packedCount else { return }
      throw .item(
        path: path, item: "\(weightsName) in the archive",
        expected: "packed to no less than a 32nd part",
        found: "\(place.packedCount) bytes for \(place.count)")
    }

    /// More than the weights of a model can take: float64, four slots of an optimiser, room to spare for HDF5.
    private static func byteLimit(_ model: Model, path: String) throws(CheckpointError)
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
      // "Functional" is no public name; Model's from_config makes one in Keras 3 and TF-Keras.
      if model["class_name"] == "Functional" { model["class_name"] = "Model" }
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
