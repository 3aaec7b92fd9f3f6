#if HDF5
  import FixedNet
  import Foundation
  import TestSupport
  import Testing

  @testable import FixedNetFiles

  /// One small network for each layer, activation and merge, against Keras' outputs and gradients: see
  /// Tests/Python/fixtures/make_layers.py, which wrote the fixture.
  @Suite("Layers of graphs")
  struct GraphLayerTests {
    static let path = TestFiles.path("layers/graphs.h5")
    static let images = """
      reshape_image reshape_rows reshape_flattened permute repeat_vector zero_padding2d cropping2d upsampling2d \
      concatenate concatenate_flattened add_three add_itself add_flattened subtract average multiply maximum \
      minimum subtract_from_mean maximum_of_mean minimum_one_channel multiply_one_value multiply_data fan_out \
      squeeze_excite residual separable_block nested conv2d_groups conv2d_groups_strides conv2d_dilation \
      conv2d_dilation_groups transpose_same transpose_valid transpose_apart depthwise depthwise_multiplier \
      depthwise_dilation separable global_average global_max global_keepdims layer_normalization \
      layer_normalization_flattened layer_normalization_no_scale layer_normalization_no_center prelu \
      prelu_shared prelu_one prelu_flattened softmax_pixels conv2d_softmax log_softmax log_softmax_pixels \
      dense_pixels elu_layers activation_elu activation_celu activation_selu activation_gelu activation_silu \
      activation_mish activation_softplus activation_softsign activation_squareplus activation_exponential \
      activation_log_sigmoid activation_tanh_shrink activation_hard_sigmoid activation_hard_silu \
      activation_hard_tanh activation_hard_shrink activation_soft_shrink activation_sparse_plus \
      activation_sparse_sigmoid activation_relu6 activation_leaky_relu
      """.split(separator: " ").map(String.init)
    static let rows = """
      conv1d conv1d_causal conv1d_groups max_pooling1d average_pooling1d global_average1d global_max1d \
      depthwise1d separable1d zero_padding1d cropping1d upsampling1d layer_normalization1d prelu1d dense_rows
      """.split(separator: " ").map(String.init)

    /// A network of the fixture.
    struct Case {
      let name: String
      let model: Model
      let weights: [LayerWeights]
      let samples: ImageSet
      let outputs: [Float]
      /// Of every trainable weight, by layer.
      let gradients: [LayerWeights]

      init(_ name: String, in path: String = GraphLayerTests.path) throws {
        self.name = name
        let config = try #require(try HDF5Arrays.attribute("config", of: name, path: path))
        let model = try Model(json: JSONValue(parsing: config))
        self.model = model
        let weights = try model.weightDescriptions()
        func names(_ letter: String, _ count: Int, of layer: any Layer) -> [String] {
          (0..<count).map { "\(name)/\(layer.name)/\(letter)\($0)" }
        }
        let places = zip(model.layers, weights).map { layer, weights in
          (
            layer: layer.name, w: names("w", weights.count, of: layer),
            g: names("g", weights.count(where: \.isTrainable), of: layer)
          )
        }
        let input = "x/\(model.input)"
        let arrays = try HDF5Arrays.readFloats(
          path: path,
          datasets: [input, "labels", "\(name)/y"] + places.flatMap { $0.w + $0.g })
        func tensors(_ names: [String]) throws -> [Tensor] {
          try names.map {
            let array = try #require(arrays[$0], "\($0)")
            return Tensor(shape: array.shape, values: array.values)
          }
        }
        samples = ImageSet(
          shape: model.input, pixels: .floats(try #require(arrays[input]).values),
          labels: try #require(arrays["labels"]).values.map { UInt8($0) })
        outputs = try #require(arrays["\(name)/y"]).values
        self.weights = try places.map { LayerWeights(layer: $0.layer, tensors: try tensors($0.w)) }
        gradients = try places.map { LayerWeights(layer: $0.layer, tensors: try tensors($0.g)) }
      }

      func network(
        batch: Int? = nil, blockSize: Int?, isTraining: Bool, threads: Int = 1,
        _ set: InstructionSet = .best, memoryBudget: Int? = nil
      ) throws -> Network {
        var options = PlanOptions(
          batch: batch ?? samples.count, isTraining: isTraining, threads: threads,
          blockSize: blockSize, loss: .crossEntropy)
        options.memoryBudget = memoryBudget
        options.recomputes = memoryBudget != nil
        let network = try Network(NetworkPlan(model, options: options), instructionSet: set)
        try network.load(weights)
        return network
      }
    }

    @Test("outputs and gradients equal Keras'", arguments: images + rows, [16, 1])
    func keras(_ name: String, blockSize: Int) throws {
      let fixture = try Case(name)
      let inference = try fixture.network(blockSize: blockSize, isTraining: false)
      let outputs = try inference.predict(fixture.samples).outputs.values
      #expect(outputs.count == fixture.outputs.count)
      let difference = zip(outputs, fixture.outputs).map { abs($0 - $1) }.max() ?? .infinity
      #expect(difference <= 3e-6)
      let training = try fixture.network(blockSize: blockSize, isTraining: true)
      try training.computeGradients(fixture.samples)
      for (own, theirs) in zip(training.gradients, fixture.gradients) {
        #expect(own.tensors.map(\.shape) == theirs.tensors.map(\.shape), "\(own.layer)")
        for (own, theirs) in zip(own.tensors, theirs.tensors) {
          let largest = theirs.values.map(abs).max() ?? 0
          let difference = zip(own.values, theirs.values).map { abs($0 - $1) }.max() ?? .infinity
          // A bias before a normalisation has a gradient of 0 and what is left of sums.
          #expect(difference <= 1e-5 * largest + 1e-6, "\(own.shape)")
        }
      }
    }

    @Test(
      "gradients have the same bits on all threads and instruction sets", arguments: images + rows)
    func bits(_ name: String) throws {
      let fixture = try Case(name)
      for blockSize in [16, 1] {
        var expected: [LayerWeights]?
        for (threads, set) in [(1, InstructionSet.best), (3, .best), (2, .portable)] {
          let network = try fixture.network(
            blockSize: blockSize, isTraining: true, threads: threads, set)
          try network.computeGradients(fixture.samples)
          #expect(network.canariesAreIntact)
          if let expected {
            #expect(network.gradients == expected, "\(threads) threads, \(set)")
          } else {
            expected = network.gradients
          }
        }
        // As little memory as there is: whatever can be computed again is.
        let network = try fixture.network(
          blockSize: blockSize, isTraining: true, threads: 2, memoryBudget: 1)
        try network.computeGradients(fixture.samples)
        #expect(network.gradients == expected, "computed again")
      }
    }

    @Test("what is written is read back and does the same", arguments: images + rows)
    func files(_ name: String) throws {
      let fixture = try Case(name)
      let expected = try fixture.network(blockSize: 16, isTraining: false)
        .predict(fixture.samples).outputs.values
      for suffix in ["h5", "keras"] {
        let folder = try TemporaryFolder()
        let path = folder.file("graph.\(suffix)")
        try KerasFile.write(
          KerasModelFile(model: fixture.model, weights: fixture.weights), to: path)
        let file = try KerasFile.read(path: path)
        #expect((file.model.connections == nil) == (fixture.model.connections == nil))
        let plan = try NetworkPlan(
          file.model, options: PlanOptions(batch: fixture.samples.count, isTraining: false))
        let network = try Network(plan)
        try network.load(file.weights)
        let outputs = try network.predict(fixture.samples).outputs.values
        let difference = zip(outputs, expected).map { abs($0 - $1) }.max() ?? .infinity
        #expect(difference <= 1e-6)
      }
    }
  }
#endif
