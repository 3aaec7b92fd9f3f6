import FixedNet
import FixedNetExport
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// Compilers and what they are told.
struct Compilation: Sendable {
  var compiler: String
  var flags: [String]

  /// The compilers that are there: GCC, the Swift toolchain's clang, and one of the system's own where it has another
  /// name, such as clang-14.
  static let compilers: [String] = ["gcc", "clang"] + systemClang

  static var systemClang: [String] {
    (10...30).map { "clang-\($0)" }.filter { (try? path(of: $0)) != nil }.suffix(1)
  }

  /// Both compilers at all levels. Not -std=c11 and -ffp-contract=fast: what some firmware's build does.
  static let all: [Compilation] = ["gcc", "clang"].flatMap { compiler in
    ["-O0", "-O2", "-O3", "-Os"].map { Compilation(compiler: compiler, flags: [$0]) }
  }

  static let others =
    [
      Compilation(compiler: "gcc", flags: ["-O2", "-DNET_FMA=3"]),
      Compilation(compiler: "clang", flags: ["-O2", "-DNET_FMA=3"]),
      Compilation(compiler: "gcc", flags: ["-O3", "-DNET_CALLER_MEMORY"]),
      Compilation(compiler: "gcc", flags: ["-O3", "-std=gnu11", "-ffp-contract=fast"] + fma),
      Compilation(compiler: "clang", flags: ["-O3", "-std=gnu11", "-ffp-contract=fast"] + fma),
    ] + systemClang.map { Compilation(compiler: $0, flags: ["-O3", "-ffp-contract=fast"] + fma) }

  /// Where this machine has an instruction for it.
  private static var fma: [String] {
    #if arch(x86_64)
      InstructionSet.best == .portable ? [] : ["-mfma"]
    #else
      []
    #endif
  }

  /// Both are there: `make test` installs gcc, and clang comes with Swift.
  static let isPossible = ["gcc", "clang"].allSatisfy { (try? Compilation.path(of: $0)) != nil }

  static func path(of program: String) throws -> String {
    let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
    let found = folders.map { "\($0)/\(program)" }.first {
      FileManager.default.isExecutableFile(atPath: $0)
    }
    guard let found else { throw CocoaError(.fileNoSuchFile) }
    return found
  }

  /// Compiles files of a folder with warnings as errors.
  func compile(_ files: [String], to product: String, in folder: String, _ more: [String] = [])
    throws -> Finished
  {
    let warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
    return try Finished(
      Compilation.path(of: compiler),
      ["-std=c11"] + warnings + flags + more + files + ["-o", product],
      in: folder)
  }
}

/// A library that is written, compiled and compared with the engine.
struct LibraryTrial {
  let model: Model
  let weights: [LayerWeights]
  var training: ExportOptions.Training?
  let samples: ImageSet
  var rate: Float = 0.05
  var rounds = 1
  var subnormals = Subnormals.flush

  func library() throws -> CLibrary {
    try CLibrary(
      model, weights: weights,
      options: ExportOptions(name: "net", training: training, subnormals: subnormals))
  }

  /// What the engine makes of it.
  func expected(_ library: CLibrary) throws -> ExpectedRun {
    try ExpectedRun(
      model, weights: weights, options: library.options, samples: samples, rate: rate,
      rounds: rounds)
  }

  /// Writes the library and its test into a folder.
  func write(to folder: String) throws {
    let library = try library()
    for file in library.files + [library.test(try expected(library))] {
      try file.text.write(toFile: "\(folder)/\(file.name)", atomically: false, encoding: .utf8)
    }
  }

  /// Outputs, losses and weights are the engine's, as each compiler makes the library.
  func check(
    _ compilations: [Compilation], _ what: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let folder = try Fixtures.temporaryFolder()
    // What has other bits is kept for whoever looks for the reason.
    var isKept = false
    defer { if !isKept { try? FileManager.default.removeItem(atPath: folder) } }
    try write(to: folder)
    for compilation in compilations {
      let compiled = try compilation.compile(["net.c", "net_test.c"], to: "net_test", in: folder)
      #expect(
        compiled.exitCode == 0, "\(what) \(compilation): \(compiled.errors.prefix(600))",
        sourceLocation: sourceLocation)
      guard compiled.exitCode == 0 else { continue }
      let run = try Finished("\(folder)/net_test", [], in: folder)
      let isEqual = run.exitCode == 0 && run.output.contains("with the host's bits")
      isKept = isKept || !isEqual
      #expect(
        isEqual, "\(what) \(compilation), in \(folder): \(run.output.prefix(600))",
        sourceLocation: sourceLocation)
    }
  }
}
