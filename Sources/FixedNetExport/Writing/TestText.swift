import FixedNetCompute
import FixedNetCore

/// A program that compares the library with what the host computed.
struct TestText {
  private let library: CLibrary
  private let run: ExpectedRun
  private var name: String { library.options.name }
  private var big: String { name.uppercased() }
  private var network: DeviceNetwork { library.network }

  init(_ library: CLibrary, _ run: ExpectedRun) {
    self.library = library
    self.run = run
  }

  var text: String {
    """
    // Compares \(name) with what the host computed, to the bit. Written by fixednet export.

    #include "\(name).h"

    #include <stdio.h>
    #include <string.h>

    enum { SAMPLES = \(run.samples.count), STEPS = \(run.losses.count)\(
      batch == 1 ? "" : ", BATCHES = \(run.samples.count / batch)") };

    \(numbers("samples", [run.samples.count, network.model.input.elementCount], inputs))

    \(numbers("outputs", [run.samples.count, network.outputCount], run.outputs))

    \(isTraining ? training + "\n\n" : "")static const uint8_t digest[32] = {
    \(CText.rows(digest))};

    static int faults;

    static void compare(const char *what, int number, const float *found, const float *wanted, int count) {
      for (int i = 0; i < count; i++)
        if (memcmp(&found[i], &wanted[i], sizeof found[i]) != 0) {
          printf("\(name): %s %d, value %d: expected %.9g, found %.9g\\n", what, number, i,
                 (double)wanted[i], (double)found[i]);
          faults++;
          return;
        }
    }

    static void predict_all(const float wanted[SAMPLES][\(big)_OUTPUTS]) {
      for (int i = 0; i < SAMPLES; i++) {
        float found[\(big)_OUTPUTS];
        \(name)_predict(samples[i], found);
        compare("outputs of sample", i, found, wanted[i], \(big)_OUTPUTS);
      }
    }

    int main(void) {
    #ifdef \(big)_CALLER_MEMORY
      static float memory[\(big)_RAM / sizeof(float) + 1];
      \(name)_use(memory);
    #endif
      if (!\(name)_self_test()) {
        puts("\(name): the self-test fails");
        faults++;
      }
    \(isTraining ? "  \(name)_reset();\n" : "")  predict_all(outputs);
    \(isTraining ? steps + "\n" : "")  uint8_t found[32];
      \(name)_hash(found);
      if (memcmp(found, digest, sizeof digest) != 0) {
        puts("\(name): the weights have another hash than the host's");
        faults++;
      }
      if (faults == 0) printf("\(name): %d samples and %d steps with the host's bits\\n", SAMPLES, STEPS);
      return faults != 0;
    }

    """
  }

  private var isTraining: Bool { !run.losses.isEmpty }
  private var batch: Int { library.options.training?.batch ?? 1 }

  private var inputs: [Float] {
    run.samples.pixels.floats
  }

  private var digest: [String] {
    let digits = Array(run.digest.utf8)
    return stride(from: 0, to: digits.count - 1, by: 2).map {
      "0x" + String(decoding: digits[$0..<$0 + 2], as: UTF8.self)
    }
  }

  private func numbers(_ name: String, _ extents: [Int], _ values: [Float]) -> String {
    let sizes = extents.map { "[\($0)]" }.joined()
    guard extents.count == 2 else {
      return """
        static const float \(name)\(sizes) = {
        \(CText.rows(values.map { CText.literal($0) }))};
        """
    }
    let rows = (0..<extents[0]).map { row in
      let own = values[row * extents[1]..<(row + 1) * extents[1]]
      return "    {\n\(CText.rows(own.map { CText.literal($0) }, indent: "        "))},"
    }
    return "static const float \(name)\(sizes) = {\n\(rows.joined(separator: "\n"))\n};"
  }

  private var training: String {
    let answers =
      network.takesLabels
      ? "static const int32_t labels[SAMPLES] = {\n"
        + CText.rows(run.samples.labels.map { "\($0)" }) + "};"
      : numbers("targets", [run.samples.count, network.outputCount], targets)
    return """
      \(answers)\(batch == 1 ? "\n\n" + numbers("losses", [run.losses.count], run.losses) : "")

      \(numbers("outputs_after", [run.samples.count, network.outputCount], run.outputsAfter))
      """
  }

  /// A value for each output.
  private var targets: [Float] {
    guard !run.samples.predictsNumbers else { return run.samples.targetValues }
    let count = network.outputCount
    guard count > 1 else { return run.samples.labels.map { Float($0) } }
    return run.samples.labels.flatMap { label in
      (0..<count).map { $0 == Int(label) ? 1 : 0 }
    }
  }

  private var steps: String {
    let answer = network.takesLabels ? "labels" : "targets"
    let rate = CText.literal(run.rate)
    if batch == 1 {
      return """
          for (int i = 0; i < STEPS; i++) {
            const float loss = \(name)_train_step(samples[i % SAMPLES], \(answer)[i % SAMPLES], \(rate));
            compare("loss of step", i, &loss, &losses[i], 1);
          }
          predict_all(outputs_after);
        """
    }
    return """
        for (int i = 0; i < STEPS; i++) {
          for (int k = 0; k < \(big)_BATCH; k++) {
            const int sample = i % BATCHES * \(big)_BATCH + k;
            \(name)_accumulate(samples[sample], \(answer)[sample]);
          }
          if (\(name)_update(\(rate)) != 1) faults++;
        }
        predict_all(outputs_after);
      """
  }
}

extension CLibrary {
  /// The program that compares the library with the host.
  package func test(_ run: ExpectedRun) -> File {
    File(name: "\(options.name)_test.c", text: TestText(self, run).text)
  }
}
