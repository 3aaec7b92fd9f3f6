import FixedNet
import FixedNetExport
import Foundation
import TestSupport
import Testing

/// A processor of another kind than this machine's: GCC for it, and QEMU, which runs its programs.
struct Processor: Sendable, CustomStringConvertible {
  /// QEMU's for it.
  var name: String
  var compiler: String
  var flags: [String] = []
  /// Whether it can count subnormal numbers as zero.
  var flushes = true

  var description: String { name }

  static let all = [
    Processor(name: "aarch64", compiler: "aarch64-linux-gnu-gcc"),
    Processor(name: "arm", compiler: "arm-linux-gnueabihf-gcc"),
    Processor(
      name: "i386", compiler: "i686-linux-gnu-gcc", flags: ["-msse2", "-mfpmath=sse"]),
    Processor(name: "riscv64", compiler: "riscv64-linux-gnu-gcc", flushes: false),
    // The byte of a number that comes first is the other one.
    Processor(name: "mips", compiler: "mips-linux-gnu-gcc", flushes: false),
  ]

  /// Compiler and emulator are there: `make exports` installs them.
  static let possible = all.filter { processor in
    [processor.compiler, "qemu-\(processor.name)"].allSatisfy {
      (try? Compilation.path(of: $0)) != nil
    }
  }

  func compile(_ files: [String], _ level: String, in folder: String) throws -> Finished {
    try Compilation(compiler: compiler, flags: [level, "-static"] + flags)
      .compile(files, to: "program", in: folder)
  }

  func run(in folder: String) throws -> Finished {
    try Finished(Compilation.path(of: "qemu-\(name)"), ["program"], in: folder)
  }
}

/// Exported libraries where another compiler chooses the instructions, pointers have 32 bits, or bytes another order.
@Suite("Other processors", .enabled(if: !Processor.possible.isEmpty))
struct ProcessorTests {
  @Test(
    "a library has the host's bits in both modes, or is refused", arguments: Processor.possible)
  func bits(_ processor: Processor) throws {
    let networks = [
      try BoardTests.saturated(), try ExportTests.lenet(ExportOptions.Training(.adam())),
    ]
    for var trial in networks {
      for subnormals in Subnormals.allCases {
        trial.subnormals = subnormals
        let folder = try Fixtures.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try trial.write(to: folder)
        for level in ["-O0", "-O3"] {
          let compiled = try processor.compile(["net.c", "net_test.c"], level, in: folder)
          guard processor.flushes || subnormals == .keep else {
            #expect(compiled.errors.contains("write the library with --subnormals keep"))
            continue
          }
          #expect(compiled.exitCode == 0, "\(processor) \(level): \(compiled.errors)")
          let run = try processor.run(in: folder)
          #expect(
            run.output.contains("with the host's bits"),
            "\(processor) \(level), \(subnormals): \(run.output.prefix(600)) \(run.errors)")
        }
      }
    }
  }

  #if HDF5
    @Test(
      "what it saves is read back, whatever its order of bytes", arguments: Processor.possible)
    func saved(_ processor: Processor) throws {
      let folder = try Fixtures.temporaryFolder()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      var trial = try StorageTests.trial(ExportOptions.Training(.momentum(0.9)))
      trial.subnormals = .keep
      try trial.write(to: folder)
      try SimulatedFlash.saved.write(
        toFile: "\(folder)/program.c", atomically: false, encoding: .utf8)
      let compiled = try processor.compile(["net.c", "program.c"], "-O2", in: folder)
      #expect(compiled.exitCode == 0, "\(processor): \(compiled.errors)")
      let run = try processor.run(in: folder)
      let bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(folder)/slot.bin")))
      let file = try SavedWeights(bytes).kerasFile(trial.model, weights: trial.weights)
      #expect(WeightsDigest.sha256(file.weights, of: file.model) == run.output, "\(processor)")
    }
  #endif

  @Test("x86 with its 80-bit registers is refused")
  func wideRegisters() throws {
    guard let processor = Processor.possible.first(where: { $0.name == "i386" }) else { return }
    for subnormals in Subnormals.allCases {
      var trial = try ExportTests.lenet(nil)
      trial.subnormals = subnormals
      let folder = try Fixtures.temporaryFolder()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      try trial.write(to: folder)
      for flags in [[], ["-msse2"], ["-msse", "-mfpmath=sse"], ["-ffloat-store"]] {
        let compiled = try Compilation(compiler: processor.compiler, flags: flags + ["-c"])
          .compile(["net.c"], to: "net.o", in: folder)
        #expect(compiled.errors.contains("compile with -msse2 -mfpmath=sse"), "\(flags)")
      }
    }
  }
}
