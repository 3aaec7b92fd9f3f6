import FixedNetCompute

/// What identifies the weights.
extension SourceText {
  var hash: String {
    let calls = network.digestOrder.map { index -> String in
      let tensor = network.tensors[index]
      let (counts, steps) = tensor.fileOrder
      let numbers = { (values: [Int]) in values.map(String.init).joined(separator: ", ") }
      return """
          {
            static const int32_t counts[4] = {\(numbers(counts))}, steps[4] = {\(numbers(steps))};
            hash_tensor(&h, \(tensor.name), counts, steps);
          }
        """
    }
    return """
      #ifndef \(big)_NO_HASH
      void \(name)_hash(uint8_t digest[32]) {
        sha256 h;
        sha256_start(&h);
      \(calls.joined(separator: "\n"))
        sha256_finish(&h, digest);
      }
      #endif
      """
  }
}

extension DeviceTensor {
  /// Four loops through the values in the order of Keras' files: their counts, and the steps from value to value.
  var fileOrder: (counts: [Int], steps: [Int]) {
    switch parameter.layout {
    case .plain: ([1, 1, 1, count], [0, 0, 0, 1])
    case .flattened(let channels, let pixels): ([pixels, channels, 1, 1], [1, pixels, 0, 0])
    case .flattenedRows(let channels, let pixels, let columns):
      ([pixels, channels, 1, columns], [columns, pixels * columns, 0, 1])
    case .convolution(let height, let width, let input, let output):
      // [output][input][taps]
      (
        [height * width, input, 1, output],
        [1, height * width, 0, input * height * width]
      )
    case .convolutionTaps(let height, let width, let input, let output, let groups):
      (
        [height * width, input, groups, output / groups],
        [
          output / groups, height * width * (output / groups),
          input * height * width * (output / groups), 1,
        ]
      )
    }
  }
}
