import FixedNet
import Testing

/// Layers of one dimension, described in Swift as in Keras: one number where the layers of two have a pair.
@Suite("Row layers")
struct RowLayerTests {
  /// Keras' own config of the same layer.
  private static let layers: [(layer: any Layer, config: [String: JSONValue])] = [
    (
      Conv1D(
        filters: 4, kernelSize: 3, strides: 2, padding: .causal, groups: 2, usesBias: false,
        activation: .relu),
      [
        "filters": 4, "kernel_size": [3], "strides": [2], "padding": "causal", "groups": 2,
        "use_bias": false, "activation": "relu", "dilation_rate": [1],
      ]
    ),
    (Conv1D(filters: 1, kernelSize: 2, dilation: 3), ["dilation_rate": [3], "strides": [1]]),
    (
      SeparableConv1D(filters: 6, kernelSize: 5, strides: 2, padding: .same, multiplier: 3),
      [
        "filters": 6, "kernel_size": [5], "strides": [2], "padding": "same", "depth_multiplier": 3,
      ]
    ),
    (
      DepthwiseConv1D(kernelSize: 4, multiplier: 2, activation: .tanh),
      ["kernel_size": [4], "depth_multiplier": 2, "activation": "tanh"]
    ),
    (MaxPooling1D(), ["pool_size": [2], "strides": [2], "padding": "valid"]),
    (
      AveragePooling1D(poolSize: 3, strides: 1, padding: .same),
      ["pool_size": [3], "strides": [1], "padding": "same"]
    ),
    (GlobalMaxPooling1D(), ["keepdims": false]),
    (GlobalAveragePooling1D(keepsExtents: true), ["keepdims": true]),
    (UpSampling1D(size: 3), ["size": 3]),
  ]

  @Test("have Keras' config", arguments: layers.indices)
  func config(_ index: Int) {
    let (layer, expected) = Self.layers[index]
    for (key, value) in expected { #expect(layer.config[key] == value, "\(key)") }
  }

  @Test("repeat and pool rows as long as they say")
  func extents() throws {
    // 10 rows: causal with a stride of 2 gives 5; three times 15; windows of 4, valid, 3.
    let model = Model(
      input: .matrix(rows: 10, columns: 2),
      layers: [
        Conv1D(filters: 3, kernelSize: 3, strides: 2, padding: .causal), UpSampling1D(size: 3),
        MaxPooling1D(poolSize: 4),
      ])
    #expect(try model.shapes().outputs.map(\.dimensions) == [[5, 3], [15, 3], [3, 3]])
  }

  @Test("an image is repeated by rows and columns apart")
  func upSampling() throws {
    let layer = UpSampling2D(size: (2, 3))
    let input = Shape.image(height: 4, width: 5, channels: 1)
    #expect(try layer.outputShape(for: input) == .image(height: 8, width: 15, channels: 1))
  }
}
