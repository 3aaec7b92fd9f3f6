import FixedNet

/// A model with its weights, as a Keras `.h5` file holds it.
public struct KerasModelFile: Sendable {
  public var model: SequentialModel
  /// One entry per layer of the model, in its order; layers without weights have no tensors.
  public var weights: [LayerWeights]
  /// The names of weights that hold a NaN or an infinity.
  public var nonFinite: [String] = []
  /// What a training run needs to go on; nil in files of other programs.
  public var training: TrainingState?
  /// Keras' own description of the loss and the optimiser. Nil when writing: made from `training`.
  public var trainingConfig: JSONValue?

  public init(
    model: SequentialModel, weights: [LayerWeights], training: TrainingState? = nil,
    trainingConfig: JSONValue? = nil
  ) {
    self.model = model
    self.weights = weights
    self.training = training
    self.trainingConfig = trainingConfig
  }
}

/// Keras' legacy `.h5` format, read in the dialects of Keras 2 and 3, written so that both load it and so that it is a
/// `.weights.h5` at the same time.
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

  /// What to do about the training state in a file.
  public enum TrainingStatePolicy: Sendable {
    /// Do not look.
    case ignore
    /// Read it where there is one that can be used: evaluation never fails because of it.
    case ifPresent
    /// The run is to be resumed: its absence, or anything wrong with it, is an error.
    case require
  }

  /// Reads a model. Files are not trusted: see `HDF5File`.
  /// Throws: `CheckpointError`.
  public static func read(path: String, trainingState: TrainingStatePolicy = .ifPresent)
    throws(CheckpointError) -> KerasModelFile
  {
    #if HDF5
      try HDF5Library.locked { () throws(CheckpointError) in
        try KerasReader(HDF5File(path: path)).read(trainingState)
      }
    #else
      throw .unavailable(path: path)
    #endif
  }

  /// Writes `file` in one step: the old file stays until the new one is complete and on the disk.
  /// The same input gives the same bytes.
  /// Throws: `CheckpointError`; where `weights` do not belong to `model`, `.model`.
  public static func write(_ file: KerasModelFile, to path: String) throws(CheckpointError) {
    #if HDF5
      let bytes = try HDF5Library.locked { () throws(CheckpointError) in
        try KerasWriter.bytes(of: file, path: path)
      }
      do { try AtomicFile.write(bytes, to: path) } catch { throw .file(error) }
    #else
      throw .unavailable(path: path)
    #endif
  }
}
