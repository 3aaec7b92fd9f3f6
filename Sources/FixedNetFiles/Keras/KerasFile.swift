import FixedNetCompute

/// A model with its weights, as a Keras file holds it.
public struct KerasModelFile: Sendable {
  /// What the file describes.
  public var model: Model
  /// One entry per layer of the model, in its order; layers without weights have no tensors.
  public var weights: [LayerWeights]
  /// The names of weights that hold a NaN or an infinity.
  public var nonFinite: [String] = []
  /// What a training run needs to go on; nil in files of other programs.
  public var training: TrainingState?
  /// Keras' own description of the loss and the optimiser (`training_config`). Nil when writing: made from
  /// `training`.
  public var trainingConfig: JSONValue?
  /// What the optimiser remembers; nil where the file has nothing that can be used. Without slots for plain SGD.
  public var optimizerState: OptimizerState?
  /// Why what the file has of the optimiser's memory cannot be used; nil where it can, or where it has nothing.
  public var memoryProblem: CheckpointError?
  /// Steps that the optimiser has made. When writing, `training` goes before.
  public var iterations: Int?
  /// The rate that the optimiser had. When writing, `training` and `trainingConfig` go before.
  public var learningRate: Double?
  /// Keras' name of the optimiser that has the memory, where nothing else describes it. When writing, `training` and
  /// `trainingConfig` go before.
  public var optimizerName: String?
  /// The product of Nadam's momenta. When writing, what follows from a described optimiser and its steps goes before.
  public var momentumProduct: Double?

  /// `training`: what a run needs to go on; nil for a file that is none of a run.
  public init(
    model: Model, weights: [LayerWeights], training: TrainingState? = nil,
    trainingConfig: JSONValue? = nil, optimizerState: OptimizerState? = nil
  ) {
    self.model = model
    self.weights = weights
    self.training = training
    self.trainingConfig = trainingConfig
    self.optimizerState = optimizerState
  }
}

extension KerasModelFile {
  /// What the optimiser remembers, for the layers of `model` in their order, is put into the order of this file's.
  fileprivate mutating func reorderMemory(from model: Model) {
    guard model.connections != nil, var state = optimizerState,
      let old = try? model.trainableNames(), let new = try? self.model.trainableNames(), old != new
    else { return }
    for index in state.slots.indices where state.slots[index].tensors.count == old.count {
      let tensors = Dictionary(zip(old, state.slots[index].tensors)) { first, _ in first }
      state.slots[index].tensors = new.compactMap { tensors[$0] }
    }
    optimizerState = state
  }

  /// The same with the layers of `model`, some of which are two in Keras' terms (`Model.kerasForm`). What the
  /// file has for a Normalization is part of the layer and stays.
  fileprivate func form(of model: Model) -> KerasModelFile {
    let given = Dictionary(weights.map { ($0.layer, $0.tensors) }) { first, _ in first }
    var result = self
    result.model = model
    for (index, layer) in model.layers.enumerated() where layer is Normalization {
      let read = self.model.layers.first { $0 is Normalization && $0.name == layer.name }
      result.model.layers[index] = read ?? layer
    }
    result.weights = model.layers.map {
      LayerWeights(layer: $0.name, tensors: given[$0.name] ?? [])
    }
    result.reorderMemory(from: self.model)
    return result
  }
}

/// Keras' files: `.h5`, `.weights.h5` and `.keras`, read in the dialects of Keras 2 and 3. A `.h5` is written so that
/// both load it and so that it is a `.weights.h5` at the same time; a `.keras` has the same file inside.
/// Source: Keras 3.15 `legacy/saving/legacy_h5_format.py`, `saving/saving_lib.py`.
public enum KerasFile {
  /// Whether this program was built with the package trait HDF5; without it reading and writing throw.
  public static var isAvailable: Bool {
    #if HDF5
      true
    #else
      false
    #endif
  }

  /// Whether a file that is there starts as one of those that are read, or tells what it is: whatever its name.
  public static func isModel(path: String) -> Bool {
    #if HDF5
      if ForeignModel.description(ofFolder: path) != nil { return true }
      guard let start = try? FileBytes.start(ofFile: path, count: ForeignModel.startCount) else {
        return false
      }
      return ZipArchive.isZip(start) || HDF5File.isHDF5(start)
        || ForeignModel.description(start: start, path: path) != nil
    #else
      false
    #endif
  }

  /// What to do about the training state in a file.
  public enum TrainingStatePolicy: Sendable {
    /// Do not look.
    case ignore
    /// Read it where there is one that can be used: evaluation never fails because of it.
    case ifPresent
    /// The run is to be resumed: its absence, or anything wrong with it, is an error.
    case require
  }

  /// Reads a model; its contents tell whether it is a `.h5` or a `.keras`. Files are not trusted: see `HDF5File`.
  /// Throws: `CheckpointError`.
  public static func read(path: String, trainingState: TrainingStatePolicy = .ifPresent)
    throws(CheckpointError) -> KerasModelFile
  {
    #if HDF5
      let file = try open(path)
      if try isArchive(file) { return try KerasArchive.read(file, trainingState) }
      let wants = KerasReader.wants(trainingState, isNumbered: false)
      return try KerasReader(HDF5File(file, wants: wants)).read(trainingState)
    #else
      throw .unavailable(path: path)
    #endif
  }

  /// Reads the weights of a model that is known from elsewhere, from a `.weights.h5` or any file that has weights. The
  /// result's model is `model`.
  /// Throws: `CheckpointError`; where the file's weights are another model's, `.item`.
  public static func readWeights(
    path: String, model: Model, trainingState: TrainingStatePolicy = .ifPresent
  ) throws(CheckpointError) -> KerasModelFile {
    #if HDF5
      let file = try open(path)
      var kerasModel = model.kerasForm([]).model
      // One that has no mean and variance yet gets them from the file.
      kerasModel.layers = kerasModel.layers.map { layer in
        model.layers.first { $0 is Normalization && $0.name == layer.name } ?? layer
      }
      if try isArchive(file) {
        return try KerasArchive.readWeights(file, of: kerasModel, trainingState).form(of: model)
      }
      let wants = KerasReader.wants(trainingState, isNumbered: true)
      return try KerasReader(HDF5File(file, wants: wants))
        .readWeights(of: kerasModel, trainingConfig: nil, trainingState).form(of: model)
    #else
      throw .unavailable(path: path)
    #endif
  }

  #if HDF5
    /// Other programs' formats are refused here as far as names tell: folders, and weights in several files.
    private static func open(_ path: String) throws(CheckpointError) -> SealedFile {
      if path.hasSuffix(".weights.json") || path.contains(/_[0-9]{5}\.weights\.h5$/) {
        throw .wrongFormat(
          path: path,
          found: "weights in several files (shards) are not read here; load them in "
            + "Keras and save the whole model: model.save(\"model.h5\")")
      }
      if let folder = ForeignModel.description(ofFolder: path) {
        throw .wrongFormat(path: path, found: folder)
      }
      do {
        return try SealedFile(path: path, limit: HDF5File.sizes.upperBound, for: .reader)
      } catch { throw .file(error) }
    }

    /// Whether a file is a zip archive. Other programs' formats are refused.
    private static func isArchive(_ file: SealedFile) throws(CheckpointError) -> Bool {
      let start: [UInt8]
      do { start = try file.bytes(at: 0, count: ForeignModel.startCount) } catch {
        throw .file(error)
      }
      if ZipArchive.isZip(start) { return true }
      if !HDF5File.isHDF5(start),
        let other = ForeignModel.description(start: start, path: file.path)
      {
        throw .wrongFormat(path: file.path, found: other)
      }
      return false
    }
  #endif

  /// Writes `file` in one step: the old file stays until the new one is complete and on the disk.
  /// `path` ends in .h5 (or .weights.h5, .hdf5), or in .keras. The same input gives the same bytes.
  /// Throws: `CheckpointError`; where `weights` do not belong to `model`, `.item`.
  public static func write(_ file: KerasModelFile, to path: String) throws(CheckpointError) {
    let bytes = try bytes(of: file, for: path)
    do { try AtomicFile.write(bytes, to: path) } catch { throw .file(error) }
  }

  /// Whether `file` can be written to a file of this name: everything but the writing itself.
  /// Throws: as `write` does.
  package static func checkWriting(_ file: KerasModelFile, to path: String) throws(CheckpointError)
  {
    _ = try bytes(of: file, for: path)
  }

  private static func bytes(of file: KerasModelFile, for path: String) throws(CheckpointError)
    -> [UInt8]
  {
    #if HDF5
      guard let format = Format(path: path) else {
        throw .file(
          FileError(
            path: path, action: "write",
            reason: "the name must end in .h5, .weights.h5, .hdf5 or .keras"))
      }
      var file = file
      let isWhole = file.weights.map(\.layer) == file.model.layers.map(\.name)
      if isWhole {
        let before = file.model
        (file.model, file.weights) = before.kerasForm(file.weights)
        file.reorderMemory(from: before)
      }
      return try HDF5Library.locked { () throws(CheckpointError) in
        let bytes = try KerasWriter.bytes(of: file, path: path)
        return format == .archive
          ? try KerasArchive.bytes(of: file, weights: bytes, path: path) : bytes
      }
    #else
      throw .unavailable(path: path)
    #endif
  }

  /// The two kinds of files that are written.
  private enum Format {
    case hdf5, archive

    /// By the end of the name; nil for any other name.
    init?(path: String) {
      if path.hasSuffix(".keras") {
        self = .archive
      } else if path.hasSuffix(".h5") || path.hasSuffix(".hdf5") {
        self = .hdf5
      } else {
        return nil
      }
    }
  }
}
