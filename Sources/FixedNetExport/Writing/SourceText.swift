import FixedNetCompute
import FixedNetCore

/// The source: what the compiler must grant, the kernels that are called, the weights, the functions.
struct SourceText {
  let library: CLibrary
  var name: String { library.options.name }
  var big: String { name.uppercased() }
  var network: DeviceNetwork { library.network }
  private var training: ExportOptions.Training? { network.options.training }
  private var keeps: Bool { network.options.subnormals == .keep }

  init(_ library: CLibrary) { self.library = library }

  var text: String {
    let parts = [weights, memory, functions, selfTest, storage, hash]
    let own = parts.filter { !$0.isEmpty }.joined(separator: "\n\n")
    let needed = KernelText.sections(neededBy: own + " shared floating_mode")
    let kernels = needed.map(\.text).joined(separator: "\n\n")
    return """
      \(top)

      // -- What the layers compute ----------------------------------------------------------------------

      \(kernels.replacing("FIXEDNET_", with: big + "_").replacing("fixednet_", with: name + "_"))

      \(own)

      """
  }

  // MARK: - The compiler

  private var top: String {
    """
    // \(name): see \(name).h. Written by fixednet export.
    //
    // The order of every sum and every rounding is written down here, so that the results have the bits of the computer
    // that the network comes from. Products and sums are one operation where the code says fma1 and nowhere else.

    #include "\(name).h"

    #include <float.h>
    #include <limits.h>
    #include <string.h>

    #ifdef __FAST_MATH__
    #error "-ffast-math changes the bits of every result: compile this file without it."
    #endif
    #if defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__)
    #error "-funsafe-math-optimizations and what is part of it change bits: compile this file without them."
    #endif
    #if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
    #error "-ffinite-math-only takes away what tells a loss that is infinite or NaN: compile this file without it."
    #endif
    #if FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16
    #error "Floats must be computed as floats (FLT_EVAL_METHOD 0): on x86, compile with -msse2 -mfpmath=sse."
    #endif
    #if FLT_RADIX != 2 || FLT_MANT_DIG != 24 || FLT_MAX_EXP != 128 || DBL_MANT_DIG != 53
    #error "Floats must be those of IEEE 754: 32 bits, doubles 64."
    #endif
    #if CHAR_BIT != 8 || INT_MAX < 0x7fffffff
    #error "A byte must have 8 bits, and an int 32 or more."
    #endif

    // No product and sum that are written apart become one operation.
    #if defined(__clang__)
    #pragma STDC FP_CONTRACT OFF
    #elif defined(__GNUC__)
    // Joining neighbouring stores to vectors GCC 12 has lost some of them (x86-64, -O3).
    #pragma GCC optimize("fp-contract=off", "no-tree-slp-vectorize")
    #else
    #error "Compile with GCC 10 or later, or clang."
    #endif

    // Numbers below the smallest normal one, 2^-126, while a function of this file runs: \(
      keeps ? "0, they stay." : "1, they count as zero.")
    #define FLUSHES_SUBNORMALS \(keeps ? 0 : 1)\(keeps ? "" : """

    #ifdef \(big)_KEEP_SUBNORMALS
    #error "This library counts subnormal numbers as zero: write one that does not with --subnormals keep."
    #endif
    """)

    // How a b + c is computed with one rounding: 1 by the processor, 2 from doubles, 3 from integers.
    #if defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__aarch64__) || defined(__riscv_flen)
    #define HAS_FMA 1
    #else
    #define HAS_FMA 0
    #endif
    #ifndef \(big)_FMA
    #if HAS_FMA
    #define \(big)_FMA 1
    #elif defined(__SSE2__) || (defined(__ARM_FP) && (__ARM_FP & 8))
    #define \(big)_FMA 2
    #else
    #define \(big)_FMA 3
    #endif
    #endif
    #if defined(__clang__)
    #if __has_builtin(__builtin_elementwise_fma)
    #define HAS_ELEMENTWISE_FMA
    #endif
    #endif
    #if \(big)_FMA == 1 && !HAS_FMA
    #error "This processor has no fma: say -mfma on x86-64 where it has, or define \(big)_FMA as 2 or 3."
    #elif \(big)_FMA < 1 || \(big)_FMA > 3
    #error "\(big)_FMA must be 1 (by the processor), 2 (from doubles) or 3 (from integers)."
    #endif
    """
  }

  // MARK: - Weights and memory

  private var weights: String {
    let tensors = network.tensors.map { tensor in
      let isTrained = tensor.trainedOffset != nil
      let extents = tensor.parameter.description.shape.map(String.init).joined(separator: " x ")
      let what =
        "\(CText.comment(tensor.parameter.layerName)), "
        + "\(tensor.parameter.description.name)\(extents.isEmpty ? "" : ": \(extents)")"
      return """
        // \(what)
        static const float \(tensor.name)\(isTrained ? "_start" : "")[\(tensor.count)] = {
        \(CText.rows(tensor.values.map { CText.literal($0) }))};
        """
    }
    let constants = library.programs.constants
    return """
      // -- Weights, in the order in which the layers read them -------------------------------------------

      \((tensors + constants).joined(separator: "\n\n"))
      """
  }

  private var memory: String {
    let named = network.tensors.compactMap { tensor in
      tensor.trainedOffset.map {
        "#define \(tensor.name) (memory.weights\($0 == 0 ? "" : " + \($0)"))"
      }
    }
    let names =
      named.isEmpty ? "" : "\n\n// The weights that are trained.\n" + named.joined(separator: "\n")
    return """
      // -- Memory -----------------------------------------------------------------------------------------

      \(MemoryText(network).text)

      typedef char library_memory_has_its_size[sizeof(library_memory) == \(big)_RAM ? 1 : -1];

      #ifdef \(big)_CALLER_MEMORY
      static library_memory *memory_place;
      #define memory (*memory_place)

      void \(name)_use(void *bytes) { memory_place = (library_memory *)bytes; }
      #else
      static library_memory memory;
      #endif\(names)
      """
  }

  // MARK: - Functions

  private var functions: String {
    """
    // -- The network -------------------------------------------------------------------------------------

    \(function("static void run(void)", library.programs.predict))

    \(entry("predict", isBytes: false))\(
      network.takesBytes ? "\n\n" + entry("predict", isBytes: true) : "")\(
        training == nil ? "" : "\n\n" + trainingFunctions)
    """
  }

  /// A function with names for the parts of the memory that its body speaks of.
  private func function(_ head: String, _ body: String) -> String {
    let words = CText.words(body)
    let arrays = ["work", "gradients"] + network.stateNames
    var locals = arrays.filter(words.contains).map {
      "  float *const \($0) = memory.\($0);"
    }
    if words.contains("image") {
      let isSingle = training?.updatesInBackward ?? true
      locals.append("  const uint32_t image = \(isSingle ? "0" : "memory.image");")
    }
    if words.contains("step") { locals.append("  const uint32_t step = memory.step;") }
    return "\(head) {\n" + (locals + [body]).joined(separator: "\n") + "\n}"
  }

  /// Brings a sample to its place.
  private func load(_ program: PlannedProgram, isBytes: Bool) -> String {
    let shape = program.input.shape
    let place = CText.place("memory.work", program.input.slot.byteOffset / 4)
    let (channels, pixels) = (shape.channels, shape.pixels)
    if isBytes { return "bytes_channels_first(\(channels), \(pixels), 255.0f, input, \(place));" }
    return channels == 1 || pixels == 1
      ? "copy(\(channels * pixels), input, \(place));"
      : "channels_first(\(channels), \(pixels), input, \(place));"
  }

  private var store: String {
    let output = network.plan.inference.output
    let (channels, pixels) = output.flattened ?? (output.shape.channels, output.shape.pixels)
    let place = CText.place("memory.work", output.slot.byteOffset / 4)
    return channels == 1 || pixels == 1
      ? "copy(\(channels * pixels), \(place), output);"
      : "channels_last(\(channels), \(pixels), \(place), output);"
  }

  private func entry(_ call: String, isBytes: Bool) -> String {
    """
    void \(name)_\(call)\(isBytes ? "_bytes" : "")(const \(isBytes ? "uint8_t" : "float") input[\(big)_INPUTS], \
    float output[\(big)_OUTPUTS]) {
      const mode_bits mode = enter_mode();
      \(load(network.plan.inference, isBytes: isBytes))
      run();
      if (output) \(store)
      leave_mode(mode);
    }
    """
  }

  private var trainingFunctions: String {
    guard let training, let program = network.plan.training else { return "" }
    let answer = network.takesLabels ? "int32_t label" : "const float *target"
    let learn = function("static void forward(\(answer))", library.programs.forward)
    var parts = [reset, learn]
    if training.updatesInBackward {
      parts.append(function("static void backward(float rate)", library.programs.backward))
      parts += (network.takesBytes ? [false, true] : [false]).map { step($0, program) }
    } else {
      parts.append(function("static void backward(void)", library.programs.backward))
      parts.append(function("static void update(float rate)", library.programs.update))
      if training.batch == 1 {
        parts += (network.takesBytes ? [false, true] : [false]).map { step($0, program) }
      } else {
        parts.append(accumulate(program))
      }
    }
    parts.append(
      """
      uint32_t \(name)_steps(void) { return memory.step; }

      float *\(name)_weights(void) { return memory.weights; }
      """)
    return parts.joined(separator: "\n\n")
  }

  private var reset: String {
    let copies = network.tensors.filter { $0.trainedOffset != nil }.map {
      "  memcpy(\($0.name), \($0.name)_start, sizeof \($0.name)_start);"
    }
    var starts: [String] = []
    if training?.optimizer.method == .adagrad, let state = network.stateNames.first {
      let value = CText.literal(Float(training?.optimizer.initialAccumulator ?? 0))
      starts = [
        "  for (int32_t i = 0; i < \(network.trainedCount); i++) memory.\(state)[i] = \(value);"
      ]
    }
    return """
      void \(name)_reset(void) {
        memset(&memory, 0, sizeof memory);
      \((copies + starts).joined(separator: "\n"))
      }
      """
  }

  private var answerName: String { network.takesLabels ? "label" : "target" }

  /// A label that is no class would be a place outside of the outputs.
  private var labelCheck: String {
    network.takesLabels ? "  if (label < 0 || label >= \(big)_OUTPUTS) return -1.0f;\n" : ""
  }

  private func step(_ isBytes: Bool, _ program: PlannedProgram) -> String {
    let isDirect = training?.updatesInBackward ?? true
    let rest = isDirect ? ["backward(rate);"] : ["backward();", "update(rate);"]
    let steps = (rest + ["memory.step++;"]).map { "    " + $0 }.joined(separator: "\n")
    return """
      float \(name)_train_step\(isBytes ? "_bytes" : "")(const \(isBytes ? "uint8_t" : "float") input[\(big)_INPUTS], \
      \(network.answerParameter), float rate) {
      \(labelCheck)  const mode_bits mode = enter_mode();
        \(load(program, isBytes: isBytes))
        forward(\(answerName));
        if (memory.loss - memory.loss == 0.0f) {
      \(steps)
        }
        leave_mode(mode);
        return memory.loss;
      }
      """
  }

  private func accumulate(_ program: PlannedProgram) -> String {
    """
    float \(name)_accumulate(const float input[\(big)_INPUTS], \(network.answerParameter)) {
      if (memory.image == \(big)_BATCH) return -1.0f;
    \(labelCheck)  const mode_bits mode = enter_mode();
      \(load(program, isBytes: false))
      forward(\(answerName));
      if (!(memory.loss - memory.loss == 0.0f)) memory.is_broken = 1;
      backward();
      memory.image++;
      leave_mode(mode);
      return memory.loss;
    }

    int \(name)_update(float rate) {
      if (memory.image < \(big)_BATCH) return 0;
      memory.image = 0;
      if (memory.is_broken) {
        memory.is_broken = 0;
        return 0;
      }
      const mode_bits mode = enter_mode();
      update(rate);
      memory.step++;
      leave_mode(mode);
      return 1;
    }
    """
  }
}
