import FixedNetCompute
import FixedNetFiles
import Foundation

/// What GCC makes of a library for a Cortex-M4F with `-O3`.
package struct DeviceCode: Sendable {
  /// "arm-none-eabi-gcc 12.2.1".
  package let compiler: String
  /// Bytes of code of what a program needs that only predicts and trains, and of all functions; what they take of the C
  /// library and the compiler's comes on top (memcpy, memset).
  package let runCode: Int
  package let allCode: Int
  /// Bytes of constants, weights included.
  package let constants: Int
  /// Bytes of what changes.
  package let ram: Int
  /// Bytes of stack of a prediction, of a step of training (nil without), and of whatever takes most, a storage's own
  /// functions aside.
  package let predictStack: Int
  package let stepStack: Int?
  package let mostStack: Int

  static let compilerName = "arm-none-eabi-gcc"
  static let flags = [
    "-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "-std=gnu11", "-O3",
    "-ffreestanding", "-fno-math-errno", "-ffunction-sections", "-fdata-sections",
    // No temporary files, which a compiler that is killed would leave.
    "-pipe",
  ]

  /// A microcontroller has less, and the compiler takes a second for each 100,000 weights.
  package static let constantLimit = 4 << 20

  /// Where the compiler is on the path; nil where it is not.
  package static func compilerPath(in path: String) -> String? {
    path.split(separator: ":").filter { $0.hasPrefix("/") }.map { "\($0)/\(compilerName)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Compiles the library.
  /// Throws: `ExportError` where the compiler refuses it, or what it writes is not understood.
  package init(_ library: CLibrary, compiler path: String) throws(ExportError) {
    guard let folder = WorkFolder() else {
      throw ExportError("cannot make a temporary folder for '\(path)'")
    }
    defer { folder.remove() }
    let tools = CrossTools(compiler: path, folder: folder)
    do {
      for file in library.files where file.name.hasSuffix(".c") || file.name.hasSuffix(".h") {
        try folder.write(file.text.utf8, to: file.name)
      }
    } catch { throw ExportError("cannot write to '\(folder.path)'") }
    let name = library.options.name
    try tools.run(
      path, DeviceCode.flags + ["-fcallgraph-info=su", "-c", "\(name).c", "-o", "\(name).o"])
    compiler = "\(DeviceCode.compilerName) \(try tools.said(path, ["-dumpfullversion"]))"
    guard let graph = CallGraph(try tools.text(of: "\(name).ci")) else {
      throw ExportError("'\(path)' does not say how much stack the library needs")
    }
    let sizes = SectionSizes(try tools.said(tools.size, ["-A", "\(name).o"]))
    let steps = ["train_step", "accumulate", "update"].map { "\(name)_\($0)" }
    let run = ["\(name)_predict", "\(name)_reset"] + steps
    runCode = sizes.code(of: graph.reached(from: run))
    allCode = sizes.code
    (constants, ram) = (sizes.constants, sizes.ram)
    let others = ["self_test", "hash", "save", "load"].map { "\(name)_\($0)" }
    guard let predict = graph.depth(of: "\(name)_predict") else {
      throw ExportError("'\(path)' does not say how much stack a prediction needs")
    }
    predictStack = predict
    stepStack = steps.compactMap(graph.depth).max()
    mostStack = (run + others).compactMap(graph.depth).max() ?? predict
  }
}

/// Runs a compiler and its relatives.
private struct CrossTools {
  let compiler: String
  let folder: WorkFolder

  /// The program beside the compiler that tells the sizes of sections.
  var size: String { compiler.dropLast("gcc".count) + "size" }

  func run(_ program: String, _ arguments: [String]) throws(ExportError) {
    let log = "\(folder.path)/log"
    let end = ChildProgram.run(program, arguments, in: folder.path, log: log, deadline: 300)
    guard end == .exited(code: 0) else {
      let said = (try? text(of: "log")) ?? ""
      let first = said.split(separator: "\n").first { $0.contains("error") } ?? said[...]
      throw ExportError("'\(program)' (\(end)): \(OneLine.short(String(first)))")
    }
  }

  /// What a program prints, without the end of its last line.
  func said(_ program: String, _ arguments: [String]) throws(ExportError) -> String {
    try run("/bin/sh", ["-c", "exec \"$0\" \"$@\" >said", program] + arguments)
    var text = try text(of: "said")
    while text.last == "\n" { text.removeLast() }
    return text
  }

  func text(of file: String) throws(ExportError) -> String {
    guard let text = try? TextFile.read("\(folder.path)/\(file)", limit: 1 << 24) else {
      throw ExportError("'\(compiler)' has written no '\(file)'")
    }
    return text
  }
}

/// The sections of an object whose functions and constants have one each, as `size -A` lists them.
struct SectionSizes {
  private let sizes: [String: Int]

  init(_ text: String) {
    var sizes: [String: Int] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(whereSeparator: \.isWhitespace)
      guard words.count == 3, words[0].hasPrefix("."), let size = Int(words[1]) else { continue }
      sizes[String(words[0]), default: 0] += size
    }
    self.sizes = sizes
  }

  private func sum(_ start: String) -> Int {
    sizes.reduce(0) { $0 + ($1.key == start || $1.key.hasPrefix("\(start).") ? $1.value : 0) }
  }

  var code: Int { sum(".text") }
  var constants: Int { sum(".rodata") }
  var ram: Int { sum(".data") + sum(".bss") }

  func code(of functions: Set<String>) -> Int {
    functions.reduce(0) { $0 + (sizes[".text.\($1)"] ?? 0) }
  }
}
