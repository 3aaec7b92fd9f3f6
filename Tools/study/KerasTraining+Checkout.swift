import FixedNetStudies
import Foundation
import ToolSupport

extension KerasTraining {
  /// The script of the checkout that this program was built in, and $FIXEDNET_PYTHON or the checkout's own Python.
  /// Throws: `ToolError` where one is missing.
  static func ofCheckout() throws -> KerasTraining {
    let checkout = Checkout()
    let script = try checkout.file("Tools/study/keras/train.py")
    let given = ProcessInfo.processInfo.environment["FIXEDNET_PYTHON"].flatMap {
      $0.isEmpty ? nil : $0
    }
    let python = given ?? "\(checkout.folder)/.venv/bin/python"
    guard python.hasPrefix("/") else {
      throw ToolError("--keras: FIXEDNET_PYTHON must be an absolute path, found '\(python)'")
    }
    guard FileManager.default.isExecutableFile(atPath: python) else {
      throw ToolError(
        "--keras: no Python at '\(python)': make test sets one up, or set FIXEDNET_PYTHON to one that "
          + "has keras")
    }
    return KerasTraining(python: python, script: script)
  }
}

extension DeviceBench {
  /// The boards of the checkout that this program was built in; nil where there is none, or nothing to compile with.
  static func ofCheckout() -> DeviceBench? {
    guard let start = try? Checkout().file("Tools/export/boards/board.c") else { return nil }
    let folder = URL(filePath: start).deletingLastPathComponent().path
    return DeviceBench(
      boards: folder, path: ProcessInfo.processInfo.environment["PATH"] ?? "")
  }
}
