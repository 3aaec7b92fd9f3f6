import FixedNetCompute
import FixedNetCore

/// The header, for whoever calls the library from a firmware.
struct HeaderText {
  let library: CLibrary
  var name: String { library.options.name }
  var big: String { name.uppercased() }
  var network: DeviceNetwork { library.network }

  init(_ library: CLibrary) { self.library = library }

  var text: String {
    let parts = [top, sizes, memory, predict, train, selfTest, storage, hash].filter { !$0.isEmpty }
    return """
      \(parts.joined(separator: "\n\n"))

      #ifdef __cplusplus
      }
      #endif

      #endif

      """
  }

  private var top: String {
    let model = network.model
    let layers = model.layers.map(\.name).joined(separator: ", ")
    return """
      // \(name): a neural network that predicts\(network.options.training == nil ? "" : " and goes on learning")\
       on this device, with the bits of the computer that
      // it comes from. Written by fixednet export; change the model there and write it again.
      //
      \(CText.wrapped("Model: \(CText.comment(model.name)), \(model.input) in, \(network.outputCount) out. "
        + "Layers: \(CText.comment(layers)).", prefix: "// "))
      //
      // Nothing is allocated and nothing can fail. The library has one network and one state: calls must not overlap, not
      // even of different functions. Samples and outputs are floats, images row by row with the channels of a pixel side
      // by side, as Keras has them.

      #ifndef \(big)_H
      #define \(big)_H

      #include <stdint.h>

      #ifdef __cplusplus
      extern "C" {
      #endif
      """
  }

  private var sizes: String {
    """
    enum {
      \(big)_INPUTS = \(network.model.input.elementCount),  // floats of a sample
      \(big)_OUTPUTS = \(network.outputCount),  // floats of an output
      \(big)_WEIGHTS = \(network.tensors.reduce(0) { $0 + $1.count }),  // floats of all weights
      \(big)_RAM = \(library.ramByteCount)  // bytes that the library needs for everything that changes
    };
    """
  }

  private var memory: String {
    """
    #ifdef \(big)_CALLER_MEMORY
    /// Compiled with \(big)_CALLER_MEMORY the library has no memory of its own: hand over \(big)_RAM bytes, aligned
    /// for floats, before anything else is called\(
      network.options.training == nil ? "" : "; then call \(name)_reset").
    void \(name)_use(void *memory);
    #endif
    """
  }

  private var predict: String {
    var text = """
      /// What the network makes of a sample. output may be NULL where training is all that is wanted.
      void \(name)_predict(const float input[\(big)_INPUTS], float output[\(big)_OUTPUTS]);
      """
    if network.takesBytes {
      text += """


        /// The same for a sample of bytes, 0 to 255, which the network was trained to see as 0 to 1.
        void \(name)_predict_bytes(const uint8_t input[\(big)_INPUTS], float output[\(big)_OUTPUTS]);
        """
    }
    return text
  }

  private var train: String {
    guard let training = network.options.training else { return "" }
    let answer =
      network.takesLabels
      ? "label: the number of the right class, from 0 to \(network.outputCount - 1); for any other nothing is done, and "
        + "-1 returned."
      : "target: what the outputs should be."
    let parameter = network.answerParameter
    var text = """
      /// The weights that the library was written with: call it once before anything else.
      void \(name)_reset(void);

      """
    if training.batch == 1 {
      text += """

        \(CText.wrapped("One step of \(network.optimizerName) on one sample. Returns the sample's loss before the step, "
          + "without the penalties of the weights. A loss that is not finite changes nothing. " + answer
          + " rate: the learning rate, such as \(network.suggestedRate).", prefix: "/// "))
        float \(name)_train_step(const float input[\(big)_INPUTS], \(parameter), float rate);
        """
      if network.takesBytes {
        text += """

          float \(name)_train_step_bytes(const uint8_t input[\(big)_INPUTS], \(parameter), float rate);
          """
      }
    } else {
      text += """

        enum { \(big)_BATCH = \(training.batch) };  // samples of a mini-batch

        \(CText.wrapped("Adds a sample to the mini-batch. Returns its loss, without the penalties of the weights; -1 where "
          + "the mini-batch has all its samples, and \(name)_update must come first. " + answer, prefix: "/// "))
        float \(name)_accumulate(const float input[\(big)_INPUTS], \(parameter));

        \(CText.wrapped("One step of \(network.optimizerName) on the mini-batch. Returns 1; 0 where it has not all its "
          + "samples yet, or one of them had a loss that is not finite: the weights stay, and of the latter a new "
          + "mini-batch begins. rate: the learning rate, such as \(network.suggestedRate).", prefix: "/// "))
        int \(name)_update(float rate);
        """
    }
    return text + """


      /// Steps of the optimiser since the weights that the library was written with.
      uint32_t \(name)_steps(void);

      \(CText.wrapped("The \(network.trainedCount) weights that are trained, layer by layer as they lie in memory. Whoever "
        + "changes them changes the network.", prefix: "/// "))
      float *\(name)_weights(void);
      """
  }

  private var hash: String {
    """
    #ifndef \(big)_NO_HASH
    /// SHA-256 of all weights in the order of Keras' files: what fixednet prints as "weights sha256" for the same ones.
    void \(name)_hash(uint8_t digest[32]);
    #endif
    """
  }
}

extension CText {
  /// Lines of at most 100 columns.
  static func wrapped(_ text: String, prefix: String) -> String {
    var lines: [String] = []
    var line = prefix
    for word in text.split(separator: " ") {
      if line.count + word.count > 99, line != prefix {
        lines.append(line.trimmedEnd)
        line = prefix
      }
      line += word + " "
    }
    return (lines + [line.trimmedEnd]).joined(separator: "\n")
  }
}

extension String {
  fileprivate var trimmedEnd: String {
    var text = self
    while text.last == " " { text.removeLast() }
    return text
  }
}

extension DeviceNetwork {
  var outputCount: Int { plan.inference.output.shape.elementCount }

  /// Whether samples may be images of bytes.
  var takesBytes: Bool { if case .image = model.input { true } else { false } }

  /// Whether the loss takes the number of a class.
  var takesLabels: Bool { plan.training?.targets?.isLabels ?? false }

  var answerParameter: String {
    takesLabels ? "int32_t label" : "const float target[\(options.name.uppercased())_OUTPUTS]"
  }

  var optimizerName: String {
    options.training.map { OptimizerName($0.optimizer).rawValue } ?? ""
  }

  var suggestedRate: String {
    options.training.map { "\(OptimizerName($0.optimizer).defaultLearningRate)" } ?? ""
  }
}
