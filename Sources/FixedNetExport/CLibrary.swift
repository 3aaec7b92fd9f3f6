import FixedNetCompute
import FixedNetCore

/// A C library that runs a network, and trains it, with the bits of the host.
package struct CLibrary {
  /// A file of the library.
  package struct File: Sendable {
    package var name: String
    package var text: String
  }

  package let options: ExportOptions
  let network: DeviceNetwork
  /// The bodies of the functions.
  let programs: ProgramTexts
  /// What `save` writes; nil without training.
  let savedForm: SavedForm?
  let selfTest: SelfTest
  /// Bytes of everything that changes on the device, to the last.
  package let ramByteCount: Int
  /// Bytes of weights and other constants in flash; the code comes on top.
  package let constantByteCount: Int

  /// Runs the network once, and a step of its training, for the library's own test.
  /// `weights`: one entry per layer of `model`, whose `frozenLayers` stay in flash.
  /// Throws: `ExportError` for what no device library does, `ModelError`, `NetworkError`.
  package init(_ model: Model, weights: [LayerWeights], options: ExportOptions) throws {
    guard CLibrary.isName(options.name) else {
      throw ExportError(
        "the name must be a C identifier of at most 32 letters that neither the library, nor a header of C's, "
          + "nor a target of CMake's has, found '\(options.name)'; choose another one with --name")
    }
    self.options = options
    network = try DeviceNetwork(model, weights: weights, options)
    programs = try ProgramTexts(network)
    selfTest = try SelfTest(network, weights: weights)
    ramByteCount = MemoryText(network).byteCount
    let form = SavedForm(network)
    savedForm = form
    constantByteCount =
      programs.constantByteCount
      + (form.map { 64 + $0.description.count } ?? 0) + 4 * selfTest.targets.count
  }

  /// Whether files and names may begin so: a C identifier of at most 32 letters that neither the library, nor a header of
  /// C's, nor a target of CMake's has.
  package static func isName(_ name: String) -> Bool {
    name == CText.identifier(name) && name.count <= 32 && !CText.reserved.contains(name)
      && !KernelText.names.contains(name) && !CText.taken.contains(name.lowercased())
  }

  /// Multiply-adds of one prediction.
  package var multiplyAdds: Int { (try? network.model.multiplyAdds()) ?? 0 }

  /// Header, source, and what builds them.
  package var files: [File] {
    let name = options.name
    return [
      File(name: "\(name).h", text: HeaderText(self).text),
      File(name: "\(name).c", text: SourceText(self).text),
      File(name: "Makefile", text: BuildText(name).makefile),
      File(name: "CMakeLists.txt", text: BuildText(name).cmake),
      File(name: "library.properties", text: BuildText(name).properties),
    ]
  }
}
