import FixedNetCompute

/// The test that a library has of itself.
extension HeaderText {
  var selfTest: String {
    let what =
      library.selfTest.stepCount > 0
      ? "a prediction and a step of the training, from samples of its own, have"
      : "a prediction has"
    let rest =
      network.options.training == nil
      ? "Call it once at the start."
      : "Call it before \(name)_reset: it leaves the network as that does."
    return CText.wrapped(
      "1 where \(what) the host's bits; 0 where the compiler or its options have changed them, "
        + "or the processor counts otherwise. " + rest, prefix: "/// ")
      + "\nint \(name)_self_test(void);"
  }
}

extension SourceText {
  var selfTest: String {
    let test = library.selfTest
    let output = network.plan.inference.output
    let (input, result) = (
      place(network.plan.inference.input.slot.byteOffset), place(output.slot.byteOffset)
    )
    let inputCount = network.model.input.elementCount
    var lines = [
      "const int is_right = mode_is_right();", "fill_sample(\(inputCount), 1, \(input));", "run();",
    ]
    lines.append("uint32_t sum = checksum_floats(0, \(result), \(network.outputCount));")
    let trains = network.options.training != nil
    if test.stepCount > 0 {
      lines += step(test, inputCount)
      lines.append("sum = checksum_floats(sum, memory.weights, \(network.trainedCount));")
    }
    let reset = trains ? "  \(name)_reset();\n" : ""
    let sum = "0x" + String(test.checksum, radix: 16)
    let targets =
      test.targets.isEmpty
      ? ""
      : """
      static const float test_target[\(test.targets.count)] = {
      \(CText.rows(test.targets.map { CText.literal($0) }))};


      """
    return targets + """
      int \(name)_self_test(void) {
      \(reset)  const mode_bits mode = enter_mode();
      \(lines.map { "  " + $0 }.joined(separator: "\n"))
        leave_mode(mode);
      \(reset)  return is_right && sum == \(sum)u;
      }
      """
  }

  private func place(_ byteOffset: Int) -> String { CText.place("memory.work", byteOffset / 4) }

  /// The step of one mini-batch, all of whose samples have the same answer.
  private func step(_ test: SelfTest, _ inputCount: Int) -> [String] {
    guard let training = network.options.training, let program = network.plan.training else {
      return []
    }
    let answer = network.takesLabels ? "\(test.label)" : "test_target"
    let input = place(program.input.slot.byteOffset)
    let rate = CText.literal(test.rate)
    if training.updatesInBackward {
      return [
        "fill_sample(\(inputCount), 1, \(input));", "forward(\(answer));", "backward(\(rate));",
      ]
    }
    return [
      "for (memory.image = 0; memory.image < \(test.stepCount); memory.image++) {",
      "  fill_sample(\(inputCount), 1 + memory.image, \(input));", "  forward(\(answer));",
      "  backward();", "}", "memory.image = 0;", "update(\(rate));",
    ]
  }
}
