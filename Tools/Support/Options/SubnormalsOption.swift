import ArgumentParser
import FixedNet
import FixedNetFiles

extension Subnormals: ExpressibleByArgument {}

/// --subnormals.
package struct SubnormalsOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Numbers below the smallest normal one, 2^-126, while the network runs: flush counts them as zero, keep "
        + "keeps them, for the bits of processors that cannot flush (Cortex-M0 to M3). (default: as the model's "
        + "file was trained, else flush)", valueName: "flush|keep"))
  package var subnormals: Subnormals?

  package init() {}

  /// What is asked for, else as a file was trained. `recorded`: what the file says; nil: nothing.
  /// Throws: `ToolError` where these contradict each other.
  package func resolved(_ recorded: Subnormals?, of path: String) throws(ToolError) -> Subnormals {
    guard recorded == .keep, let subnormals, subnormals != .keep else {
      return subnormals ?? recorded ?? .flush
    }
    throw ToolError(
      "--subnormals \(subnormals.rawValue): '\(path)' was trained with --subnormals keep, and has other results "
        + "with flush; leave the option out")
  }
}
