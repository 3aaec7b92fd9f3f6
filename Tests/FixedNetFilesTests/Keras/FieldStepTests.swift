#if HDF5
  import FixedNet
  import FixedNetCore
  import Foundation
  import Testing

  @testable import FixedNetFiles

  /// A step of training of each network of MLPerf Tiny, from fresh weights, against Keras' own.
  @Suite(
    "Training steps of the field's networks", .enabled(if: Python.hasKeras, Python.missingKeras))
  struct FieldStepTests {
    /// Without dropout, whose masks are nobody else's.
    private static func model(_ builtIn: BuiltInModel) -> Model {
      var model = builtIn.model()
      model.layers = model.layers.map { layer in
        layer is Dropout ? Dropout(name: layer.name, rate: 0) : layer
      }
      return model
    }

    /// 16 samples in [-1, 1); an autoencoder's outputs are to be its inputs.
    private static func samples(_ model: Model, isAutoencoder: Bool) throws -> ImageSet {
      var reader = Philox(seed: 11, stream: 4).reader()
      let count = 16 * model.input.elementCount
      let values = (0..<count).map { _ in 2 * reader.nextUnit() - 1 }
      guard !isAutoencoder else {
        return ImageSet(
          shape: model.input, pixels: .floats(values), labels: [], targets: values,
          targetWidth: model.input.elementCount)
      }
      let classes = Float(try model.shapes().output.elementCount)
      return ImageSet(
        shape: model.input, pixels: .floats(values),
        labels: (0..<16).map { _ in UInt16(reader.nextUnit() * classes) })
    }

    private static func write(_ builtIn: BuiltInModel, to folder: TemporaryFolder) throws {
      let model = model(builtIn)
      let images = try samples(model, isAutoencoder: builtIn == .autoencoder)
      let start = try model.initialWeights(seed: 5)
      let name = builtIn.rawValue
      try KerasFile.write(
        KerasModelFile(model: model, weights: start), to: folder.file("\(name).start.h5"))
      guard case .floats(let x) = images.pixels else { return }
      let y = images.targets.isEmpty ? images.labels.map { Float($0) } : images.targets
      try HDF5Arrays.write(
        path: folder.file("\(name).data.h5"),
        datasets: [
          (name: "x", shape: [16] + model.input.dimensions, values: x),
          (name: "y", shape: images.targets.isEmpty ? [16] : [16, y.count / 16], values: y),
        ])
      for (kind, optimizer, rate) in [
        ("sgd", Optimizer.sgd, Float(0.01)), ("adam", .adam(), 0.001),
      ] {
        let options = PlanOptions(
          batch: 16, isTraining: true, threads: 2, loss: builtIn.loss, optimizer: optimizer)
        let network = try Network(NetworkPlan(model, options: options))
        try network.load(start)
        _ = try network.step(images, update: optimizer.rule(at: 0, learningRate: rate))
        try KerasFile.write(
          KerasModelFile(model: model, weights: network.weights),
          to: folder.file("\(name).\(kind).h5"))
      }
    }

    @Test("weights after a step equal Keras', and Keras loads our files")
    func steps() throws {
      let folder = try TemporaryFolder()
      for builtIn in BuiltInModel.fieldModels { try Self.write(builtIn, to: folder) }
      let run = try Python.script("check_field.py", [folder.path])
      #expect(run.status == 0 && run.text.contains("12 steps, 0 differ"), "\(run.text)")
    }
  }
#endif
