#if HDF5
  import FixedNet
  import FixedNetFiles
  import Foundation
  import TestSupport

  /// A network of the fixture.
  public struct LayerFixture {
    public static let images = """
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
    public static let rows = """
      conv1d conv1d_causal conv1d_groups max_pooling1d average_pooling1d global_average1d global_max1d \
      depthwise1d separable1d zero_padding1d cropping1d upsampling1d layer_normalization1d prelu1d dense_rows
      """.split(separator: " ").map(String.init)

    public let name: String
    public let model: Model
    public let weights: [LayerWeights]
    public let samples: ImageSet
    public let outputs: [Float]
    /// Of every trainable weight, by layer.
    public let gradients: [LayerWeights]

    public init(_ name: String, in path: String? = nil) throws {
      let path = path ?? Fixtures.local("layers/graphs.h5")
      self.name = name
      let config = try LayerFixture.found(try HDF5Arrays.attribute("config", of: name, path: path))
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
          let array = try LayerFixture.found(arrays[$0], "\($0)")
          return Tensor(shape: array.shape, values: array.values)
        }
      }
      samples = ImageSet(
        shape: model.input, pixels: .floats(try LayerFixture.found(arrays[input]).values),
        labels: try LayerFixture.found(arrays["labels"]).values.map { UInt16($0) })
      outputs = try LayerFixture.found(arrays["\(name)/y"]).values
      self.weights = try places.map { LayerWeights(layer: $0.layer, tensors: try tensors($0.w)) }
      gradients = try places.map { LayerWeights(layer: $0.layer, tensors: try tensors($0.g)) }
    }

    public func network(
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

    /// Throws where there is nothing.
    private static func found<Value>(_ value: Value?, _ what: String = "") throws -> Value {
      guard let value else {
        throw CocoaError(.fileReadCorruptFile, userInfo: [NSDebugDescriptionErrorKey: what])
      }
      return value
    }
  }
#endif
