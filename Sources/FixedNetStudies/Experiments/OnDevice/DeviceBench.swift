import FixedNet
import FixedNetFiles
import Foundation

/// Where an exported library runs for a study: on a board that QEMU emulates, or on this machine.
package struct DeviceBench: Sendable, Equatable {
  package enum Place: String, Sendable {
    /// QEMU's mps2-an386.
    case board = "m4"
    case host
  }

  /// The folder with the boards' start-up code and Makefile, `Tools/export/boards` of a checkout.
  package var boards: String
  package var place: Place
  /// The program.
  package var make = "/usr/bin/make"
  /// Seconds that a run may take.
  package var deadline = 1200.0

  package init(boards: String, place: Place) {
    (self.boards, self.place) = (boards, place)
  }

  /// The board where an emulator and a compiler for it are on the path, else this machine where it has a compiler.
  /// nil: neither can be, or the folder's name is none that make takes.
  package init?(boards: String, path: String) {
    let folders = path.split(separator: ":").filter { $0.hasPrefix("/") }
    func find(_ program: String) -> String? {
      folders.map { "\($0)/\(program)" }
        .first { FileManager.default.isExecutableFile(atPath: $0) }
    }
    func has(_ programs: String...) -> Bool { programs.allSatisfy { find($0) != nil } }
    guard let make = find("make"),
      !boards.contains(where: { $0.isWhitespace || "$#:'\"\\".contains($0) })
    else { return nil }
    if has("qemu-system-arm", "arm-none-eabi-gcc", "arm-none-eabi-size") {
      self.init(boards: boards, place: .board)
    } else if has("cc") {
      self.init(boards: boards, place: .host)
    } else {
      return nil
    }
    self.make = make
  }

  /// What the program on the board said.
  struct Output {
    /// Behind the images after which it was to report: how many those were, how many it told right before it learned them,
    /// and the hash of its weights.
    var points: [(images: Int, right: Int, sha256: String)] = []
    /// "code": bytes of the library with training; "prediction", "step": instructions; "stack": bytes.
    var numbers: [String: Int] = [:]

    init(_ text: String) {
      for line in text.split(separator: "\n") {
        let words = line.split(separator: " ").map(String.init)
        if words.count == 2, let number = Int(words[1]) { numbers[words[0]] = number }
        guard words.count == 6, words[0] == "seen", let images = Int(words[1]),
          let right = Int(words[3])
        else { continue }
        points.append((images, right, words[5]))
      }
    }
  }

  /// Compiles the files of a library called "net" and lets it learn from a stream of images: of each one its label, whether
  /// to report behind it, and its bytes.
  /// Throws: `StudyError`; `.interrupted` where the user asked to stop.
  func run(
    _ files: [(name: String, text: String)], stream: [UInt8], rate: Float, _ context: StudyContext
  ) throws -> Output {
    guard let folder = WorkFolder() else {
      throw StudyError.output("cannot make a temporary folder for the board's data")
    }
    defer { folder.remove() }
    do {
      for file in files { try folder.write(file.text.utf8, to: file.name) }
      try folder.write(stream, to: "stream.bin")
    } catch { throw StudyError.output("cannot write the board's data to '\(folder.path)'") }
    let arguments = [
      "-s", "-f", "\(boards)/Makefile", "adapt", "BOARD=\(place.rawValue)", "FOLDER=.",
      "RATE=\(rate)f",
    ]
    let log = "\(folder.path)/log"
    let end = ChildProgram.run(
      make, arguments, in: folder.path, log: log, deadline: deadline)
    try context.checkInterrupt()
    let said = (try? TextFile.read(log, limit: 1 << 20)) ?? ""
    guard end == .exited(code: 0) else {
      let last = said.split(separator: "\n").last.map(String.init) ?? "it said nothing"
      throw StudyError.failed("\(name) ('\(boards)/Makefile', \(end)): \(OneLine.short(last))")
    }
    return Output(said)
  }

  /// "the emulated Cortex-M4F".
  var name: String { place == .board ? "the emulated Cortex-M4F" : "this machine" }

  var text: String {
    switch place {
    case .board:
      "on an emulated Cortex-M4F (QEMU's mps2-an386, arm-none-eabi-gcc -O3; instructions are counted, not "
        + "cycles)"
    case .host: "in a build for this machine (cc -O2), where nothing is counted"
    }
  }
}
