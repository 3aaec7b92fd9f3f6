import FixedNet
import FixedNetExport
import Foundation
import TestSupport
import Testing

/// What a library's files promise beside the bits.
@Suite("Files of an exported library", .enabled(if: Compilation.isPossible))
struct LibraryTests {
  /// A folder with the library of a small network.
  private func written(_ training: ExportOptions.Training? = ExportOptions.Training()) throws
    -> String
  {
    let folder = try Fixtures.temporaryFolder()
    try ExportTests.lenet(training).write(to: folder)
    return folder
  }

  @Test("what a compiler must not do is refused")
  func compilerRefusals() throws {
    let folder = try written()
    let cases = [
      (["-ffast-math"], "-ffast-math changes the bits"),
      (["-DNET_FMA=4"], "must be 1 (by the processor)"),
      (["-ffinite-math-only"], "takes away what tells a loss"),
      (["-DNET_KEEP_SUBNORMALS"], "with --subnormals keep"),
    ]
    // Clang does not tell the source of -funsafe-math-optimizations: the self-test finds that.
    let ofGCC = [(["-funsafe-math-optimizations"], "-funsafe-math-optimizations and what is part")]
    for (flags, message) in cases + ofGCC {
      for compiler in ["gcc"] + (ofGCC.contains { $0.0 == flags } ? [] : ["clang"]) {
        let result = try Compilation(compiler: compiler, flags: flags + ["-c"])
          .compile(["net.c"], to: "net.o", in: folder)
        #expect(result.exitCode != 0 && result.errors.contains(message), "\(compiler) \(flags)")
      }
    }
    #if arch(x86_64)
      let result = try Compilation(compiler: "gcc", flags: ["-DNET_FMA=1", "-c"])
        .compile(["net.c"], to: "net.o", in: folder)
      #expect(result.exitCode != 0 && result.errors.contains("has no fma"))
      // x87's registers have 64 bits of a number.
      let wide = try Compilation(compiler: "gcc", flags: ["-mfpmath=387", "-c"])
        .compile(["net.c"], to: "net.o", in: folder)
      #expect(wide.exitCode != 0 && wide.errors.contains("compile with -msse2 -mfpmath=sse"))
    #endif
  }

  @Test("a build that treats subnormal numbers otherwise is told by the self-test")
  func otherMode() throws {
    let folder = try Fixtures.temporaryFolder()
    for subnormals in Subnormals.allCases {
      var trial = try ExportTests.lenet(nil)
      trial.subnormals = subnormals
      try trial.write(to: folder)
      let source = try String(contentsOfFile: "\(folder)/net.c", encoding: .utf8)
      let (own, other) = subnormals == .flush ? ("| FLUSHED_BITS", "") : ("", "| ALL_FLUSH_BITS")
      for (change, answer) in [(own, "yes"), (other, "no")] {
        let changed = source.replacingOccurrences(
          of: "(mode & ~(mode_bits)ALL_FLUSH_BITS) | FLUSHED_BITS",
          with: "(mode & ~(mode_bits)ALL_FLUSH_BITS) \(change)")
        #expect(changed != source || change == "| FLUSHED_BITS")
        try changed.write(toFile: "\(folder)/net.c", atomically: false, encoding: .utf8)
        let found = try run(
          "int main(void) { printf(net_self_test() ? \"yes\" : \"no\"); return 0; }", in: folder)
        #expect(found.output == answer, "\(subnormals), '\(change)': \(found.errors)")
      }
    }
  }

  @Test("a scale below the smallest normal number is 0 or stays, as in the engine")
  func scales() throws {
    let model = Model(
      name: "scales", input: .vector(3), layers: [BatchNormalization(name: "bn", centers: false)])
    let trial = LibraryTrial(
      model: model,
      weights: [
        LayerWeights(
          layer: "bn",
          tensors: [[3e-39, 1, -2e-40], [0, 0, 0], [1, 1, 1]].map {
            Tensor(shape: [3], values: $0)
          })
      ], training: nil,
      samples: ImageSet(
        shape: model.input, pixels: .floats([1e20, 2, -3e18, 4e30, 5, 6e10]), labels: []))
    for subnormals in Subnormals.allCases {
      var trial = trial
      trial.subnormals = subnormals
      try trial.check([Compilation(compiler: "gcc", flags: ["-O2"])], subnormals.rawValue)
      let outputs = try trial.expected(trial.library()).outputs
      #expect((outputs[0] != 0) == (subnormals == .keep))
    }
  }

  @Test("no library is needed but memcpy and memset, and the memory is what was printed")
  func symbols() throws {
    let folder = try written(ExportOptions.Training(.adam()))
    let library = try ExportTests.lenet(ExportOptions.Training(.adam())).library()
    for compilation in Compilation.all {
      let compiled = try compilation.compile(["net.c"], to: "net.o", in: folder, ["-c"])
      #expect(compiled.exitCode == 0)
      let symbols = try Finished(Compilation.path(of: "nm"), ["-u", "net.o"], in: folder)
      let names = symbols.output.split(separator: "\n").compactMap { $0.split(separator: " ").last }
      #expect(Set(names).subtracting(["memcpy", "memset"]).isEmpty, "\(compilation): \(names)")
      let sizes = try Finished(Compilation.path(of: "size"), ["net.o"], in: folder).output
      let numbers = sizes.split(separator: "\n").last?.split(whereSeparator: \.isWhitespace) ?? []
      // text data bss
      let (data, bss) = (Int(numbers[1]) ?? -1, Int(numbers[2]) ?? -1)
      #expect((library.ramByteCount..<library.ramByteCount + 64).contains(data + bss))
    }
  }

  /// A program of the test's own with the library.
  private func run(_ code: String, in folder: String) throws -> Finished {
    try "#include \"net.h\"\n#include <stdio.h>\n\(code)\n".write(
      toFile: "\(folder)/user.c", atomically: false, encoding: .utf8)
    let compiled = try Compilation(compiler: "gcc", flags: ["-O2", "-fsanitize=address,undefined"])
      .compile(["net.c", "user.c"], to: "user", in: folder)
    #expect(compiled.exitCode == 0, "\(compiled.errors)")
    return try Finished("\(folder)/user", [], in: folder)
  }

  @Test("a label that is no class is -1, and changes nothing", arguments: [1, 2])
  func labels(batch: Int) throws {
    let folder = try written(ExportOptions.Training(batch: batch))
    let call =
      batch == 1 ? "net_train_step(input, labels[i], 0.1f)" : "net_accumulate(input, labels[i])"
    let found = try run(
      """
      int main(void) {
        static float input[NET_INPUTS];
        const int32_t labels[] = {-1, 10, INT32_MAX, INT32_MIN, 9};
        net_reset();
        for (int i = 0; i < 5; i++) printf("%s ", \(call) == -1.0f ? "no" : "yes");
        printf("%u", (unsigned)net_steps());
        return 0;
      }
      """, in: folder)
    #expect(found.output == "no no no no yes \(batch == 1 ? 1 : 0)", "\(found.errors)")
  }

  @Test("the header is C++ too")
  func cPlusPlus() throws {
    let folder = try written()
    try "#include \"net.h\"\nint main() { net_reset(); return 0; }\n".write(
      toFile: "\(folder)/user.cpp", atomically: false, encoding: .utf8)
    let result = try Finished(
      Compilation.path(of: "clang"),
      ["-x", "c++", "-std=c++11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "user.cpp"],
      in: folder)
    #expect(result.exitCode == 0, "\(result.errors)")
  }

  @Test("the source is C++ too, and has none of what a firmware's build warns of")
  func warnings() throws {
    let folder = try written(ExportOptions.Training(.adam()))
    let flags = [
      "-Wcast-qual", "-Wcast-align", "-Wmissing-declarations", "-Wundef", "-Wvla",
      "-Wdouble-promotion", "-Wsign-conversion", "-Wredundant-decls", "-Wwrite-strings",
      "-funsigned-char", "-O2", "-c",
    ]
    for compiler in Compilation.compilers {
      for more in [["-Wmissing-prototypes", "-Wstrict-prototypes"], ["-DNET_CALLER_MEMORY"]] {
        for file in ["net.c", "net_test.c"] where more.count == 2 || file == "net.c" {
          let result = try Compilation(compiler: compiler, flags: flags + more)
            .compile([file], to: "net.o", in: folder)
          #expect(result.exitCode == 0, "\(compiler): \(result.errors.prefix(600))")
        }
      }
      for more in [[], ["-DNET_CALLER_MEMORY"]] {
        let plus = try Finished(
          Compilation.path(of: compiler),
          ["-x", "c++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-O2"] + more
            + ["-c", "net.c", "-o", "net.o"], in: folder)
        #expect(plus.exitCode == 0, "\(compiler): \(plus.errors.prefix(600))")
      }
    }
  }

  @Test(
    "the program of its own test is C++ too, and CMake builds and runs it", arguments: [1, 2])
  func otherBuilds(batch: Int) throws {
    let folder = try Fixtures.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try ExportTests.lenet(ExportOptions.Training(batch: batch), count: 4).write(to: folder)
    let plus = try Finished(
      Compilation.path(of: "clang"),
      ["-x", "c++", "-std=c++20", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "net_test.c"],
      in: folder)
    #expect(plus.exitCode == 0, "\(plus.errors.prefix(600))")
    guard let cmake = try? Compilation.path(of: "cmake") else { return }
    // Foundation starts programs with SIGCHLD blocked, without which CMake waits for ever; timeout lets it through.
    let timeout = try Compilation.path(of: "timeout")
    for arguments in [["-S", ".", "-B", "built"], ["--build", "built"]] {
      let run = try Finished(timeout, ["120", cmake] + arguments, in: folder)
      #expect(run.exitCode == 0, "\(run.errors)")
    }
    let test = try Finished(timeout, ["120", "ctest"], in: "\(folder)/built")
    #expect(test.exitCode == 0 && test.output.contains("100% tests passed"), "\(test.output)")
  }

  @Test("two libraries go into one program, and a folder's name may have spaces")
  func twoLibraries() throws {
    let folder = try Fixtures.temporaryFolder() + "/two libraries"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true)
    let trial = try ExportTests.lenet(ExportOptions.Training())
    for name in ["net_one", "net_two"] {
      let library = try CLibrary(
        trial.model, weights: trial.weights,
        options: ExportOptions(name: name, training: name == "net_one" ? trial.training : nil))
      for file in library.files + [library.test(try trial.expected(library))] {
        try file.text.write(toFile: "\(folder)/\(file.name)", atomically: false, encoding: .utf8)
      }
      let made = try Finished(Compilation.path(of: "make"), ["-s", "test"], in: folder)
      #expect(made.output.contains("with the host's bits"), "\(made.errors)")
    }
    try """
    #include "net_one.h"
    #include "net_two.h"
    int main(void) { return net_one_self_test() && net_two_self_test() ? 0 : 1; }
    """.write(toFile: "\(folder)/user.c", atomically: false, encoding: .utf8)
    let compiled = try Compilation(compiler: "gcc", flags: ["-O0"])
      .compile(["net_one.c", "net_two.c", "user.c"], to: "user", in: folder)
    #expect(compiled.exitCode == 0, "\(compiled.errors)")
    #expect(try Finished("\(folder)/user", [], in: folder).exitCode == 0)
  }

  @Test("what no device does is refused by name")
  func refusals() throws {
    func message(_ layers: [any Layer], _ training: ExportOptions.Training = .init()) -> String {
      let model = Model(
        name: "refused", input: .vector(5),
        layers: layers + [Dense(name: "out", units: 3, activation: .softmax)])
      do {
        _ = try CLibrary(
          model, weights: model.initialWeights(seed: 0),
          options: ExportOptions(name: "net", training: training))
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(message([BatchNormalization(name: "bn")]).contains("freeze it (--freeze bn, or"))
    let two = message([BatchNormalization(name: "a"), BatchNormalization(name: "b")])
    #expect(two.contains("layer 'a' normalises") && two.contains("(--freeze a,b, or --last N)"))
    #expect(message([GaussianNoise(name: "noise", deviation: 0.1)]) == "")
    #expect(message([Dense(name: "d", units: 4)]) == "")
    let model = Model(name: "m", input: .vector(2), layers: [Dense(name: "d", units: 1)])
    // -I FOLDER would have string.h in place of C's; a target test is CMake's own.
    for name in ["", "1net", "a-b", "while", "softmax", "weights", "string", "Limits", "test"] {
      #expect(throws: ExportError.self) {
        try CLibrary(
          model, weights: model.initialWeights(seed: 0), options: ExportOptions(name: name))
      }
    }
  }

  @Test("frozen layers stay in flash")
  func frozen() throws {
    let all = try ExportTests.lenet(ExportOptions.Training()).library()
    let last = try ExportTests.lenet(
      ExportOptions.Training(), freezing: ["conv1", "conv2", "dense1", "dense2"]
    ).library()
    // dense3 alone: 84 x 10 weights and 10 biases, and no gradient flows further.
    #expect(last.ramByteCount < all.ramByteCount / 5)
    #expect((4 * 44_426...all.constantByteCount).contains(last.constantByteCount))
  }
}
